"""The two embedded face networks, run directly through LiteRT (no mediapipe runtime).

- `FaceDetector`: MediaPipe's full-range sparse detector; finds small faces anywhere in a picture.
- `FaceMesh`: 468 landmarks of one face in a region of interest; the landmarks give the region for the next frame.
- A region of interest is (centre x, centre y, side, angle): pixels and radians, the face upright inside.
"""

import contextlib
import os
from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np
from ai_edge_litert.interpreter import Interpreter

from l2l.video.mesh import LANDMARKS, LEFT_EYE_OUTER, RIGHT_EYE_OUTER
from l2l.video.picture import Picture, scaled_down
from l2l.video.tracks import extent, overlap
from l2l.weights import catalogue as weights

_DETECTOR_SIDE, _DETECTOR_STRIDE, _MESH_SIDE = 192, 4, 192
_OVERLAP = 0.3  # above which two candidates are one face
_MARGIN = 1.5  # region of interest over the landmarks' extent, as the mesh was trained


class Region(NamedTuple):
    """A rotated square of the picture."""

    x: float
    y: float
    side: float
    angle: float


class Detection(NamedTuple):
    """One face: score, box (x0, y0, x1, y1) and six key points (6, 2), all in pixels."""

    score: float
    box: np.ndarray
    points: np.ndarray

    @property
    def region(self) -> Region:
        eye_line = self.points[1] - self.points[0]
        centre = (self.box[:2] + self.box[2:]) / 2
        side = _MARGIN * float((self.box[2:] - self.box[:2]).max())
        return Region(float(centre[0]), float(centre[1]), side, float(np.arctan2(eye_line[1], eye_line[0])))


@contextlib.contextmanager
def _native_stderr_muted() -> Iterator[None]:
    """LiteRT's C++ code writes about its delegate to stderr, and no setting stops it."""
    saved, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(null)


class Network:
    """A network with one input, from the bytes of a .tflite file; its outputs differ in their number of values."""

    def __init__(self, model: bytes) -> None:
        with _native_stderr_muted():
            self._net = Interpreter(model_content=model, num_threads=1)
            self._net.allocate_tensors()
        self._input = self._net.get_input_details()[0]["index"]
        self._outputs = {int(np.prod(output["shape"])): output["index"] for output in self._net.get_output_details()}

    def __call__(self, values: np.ndarray) -> dict[int, np.ndarray]:
        """The outputs, flat, by their number of values."""
        self._net.set_tensor(self._input, values)
        self._net.invoke()
        return {size: self._net.get_tensor(index).ravel() for size, index in self._outputs.items()}


def _network(name: str) -> Network:
    return Network(weights.find("mediapipe", f"mediapipe/{name}").read_bytes())


class FaceDetector:
    """All faces of a picture."""

    def __init__(self) -> None:
        self._net = _network("face_detection_full_range_sparse.tflite")
        cells = _DETECTOR_SIDE // _DETECTOR_STRIDE
        rows, columns = np.mgrid[:cells, :cells]
        self._anchors = (np.stack([columns, rows], -1).reshape(-1, 2) + 0.5) / cells  # (cells², 2)

    def __call__(self, picture: np.ndarray, min_score: float = 0.5) -> list[Detection]:
        """Faces of an RGB picture (H, W, 3) uint8, best first."""
        height, width = picture.shape[:2]
        scale = _DETECTOR_SIDE / max(height, width)
        small = scaled_down(picture, round(width * scale), round(height * scale))
        top, left = (_DETECTOR_SIDE - small.shape[0]) // 2, (_DETECTOR_SIDE - small.shape[1]) // 2
        square = np.zeros((1, _DETECTOR_SIDE, _DETECTOR_SIDE, 3), np.float32)
        square[0, top : top + small.shape[0], left : left + small.shape[1]] = small / 127.5 - 1
        outputs, cells = self._net(square), len(self._anchors)
        scores = 1 / (1 + np.exp(-np.clip(outputs[cells], -80, 80)))  # (cells²,)
        keep = scores > min_score
        if not keep.any():
            return []
        offsets = outputs[16 * cells].reshape(-1, 8, 2)[keep] / _DETECTOR_SIDE  # centre, size, six points
        anchors = self._anchors[keep][:, None]
        size = offsets[:, 1:2]
        points = np.concatenate([offsets[:, :1], offsets[:, 2:]], 1) + anchors  # (n, 7, 2)
        corners = np.concatenate([points[:, :1] - size / 2, points[:, :1] + size / 2, points[:, 1:]], 1)  # (n, 8, 2)
        return [
            Detection(float(score), face[:2].ravel(), face[2:])
            for score, face in _merge((corners * _DETECTOR_SIDE - [left, top]) / scale, scores[keep], _OVERLAP)
        ]


def _merge(faces: np.ndarray, scores: np.ndarray, most: float) -> list[tuple[float, np.ndarray]]:
    """Overlapping candidates (n, 8, 2) become their score-weighted mean."""
    merged, free, boxes = [], np.ones(len(faces), bool), faces[:, :2].reshape(-1, 4)
    for best in np.argsort(-scores):
        if not free[best]:
            continue
        group = free & (overlap(boxes[best], boxes) > most)
        group[best] = True
        free &= ~group
        merged.append((scores[best], np.average(faces[group], axis=0, weights=scores[group])))
    return merged


def crop_region(picture: np.ndarray | Picture, region: Region, side: int) -> tuple[np.ndarray, np.ndarray]:
    """What a mesh network sees of a picture (H, W, 3): (1, side, side, 3) float32 0..1, and the map (2, 3) back."""
    cos, sin = np.cos(region.angle), np.sin(region.angle)
    unit, half = region.side / side, region.side / 2
    across = [cos * unit, -sin * unit, region.x - (cos - sin) * half]
    to_picture = np.array([across, [sin * unit, cos * unit, region.y - (sin + cos) * half]])
    left = top = 0
    if isinstance(picture, Picture):
        reach = half * float(abs(cos) + abs(sin)) + 1
        x, y = region.x, region.y
        picture, left, top = picture.part(x - reach, y - reach, x + reach, y + reach)
    to_part = to_picture - [[0, 0, left], [0, 0, top]]
    crop = cv2.warpAffine(picture, to_part, (side, side), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    return crop[None].astype(np.float32) / np.float32(255), to_picture


def points_in_picture(points: np.ndarray, to_picture: np.ndarray, unit: float) -> np.ndarray:
    """Points (n, 3) in pixels of a crop -> in pixels of the picture; depth times `unit`, the size of a crop's pixel."""
    xy = points[:, :2] @ to_picture[:, :2].T + to_picture[:, 2]
    return np.concatenate([xy, points[:, 2:] * unit], 1)


class FaceMesh:
    """The 468 landmarks of one face."""

    def __init__(self) -> None:
        self._net = _network("face_landmark.tflite")

    def __call__(self, picture: np.ndarray | Picture, region: Region) -> tuple[np.ndarray, float]:
        """Landmarks (468, 3) in pixels (z grows away from the camera, nose negative) and a score in 0..1."""
        crop, to_picture = crop_region(picture, region, _MESH_SIDE)
        outputs = self._net(crop)
        points = outputs[LANDMARKS * 3].reshape(LANDMARKS, 3)
        score = 1 / (1 + np.exp(-float(outputs[1][0])))
        return points_in_picture(points, to_picture, region.side / _MESH_SIDE), score


def region_around(landmarks: np.ndarray) -> Region:
    """The region of interest in the next frame, from the landmarks (468, 3) in this one."""
    eye_line = landmarks[LEFT_EYE_OUTER, :2] - landmarks[RIGHT_EYE_OUTER, :2]
    angle = float(np.arctan2(eye_line[1], eye_line[0]))
    upright = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    low, high = extent(landmarks[:, :2] @ upright.T)
    centre = upright.T @ ((low + high) / 2)
    return Region(float(centre[0]), float(centre[1]), _MARGIN * float((high - low).max()), angle)
