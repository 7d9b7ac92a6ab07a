"""How a face looks, whatever its pose and place: its picture, unfolded onto an average face of 64 by 64 pixels.

- The average face is the mesh network's answer to an empty picture: its prior, upright and seen from the front.
- Skin that faces away from the camera, or lies outside the picture, is not seen and counts for nothing.
- The pattern describes brows, eyes, nose, mouth and beard by the directions of their edges (histograms of oriented
  gradients, Dalal & Triggs 2005), after the light is taken out: each point is compared with its surroundings.
- Several looks at one face are averaged, so expressions and the noise of the camera average out.
"""

from functools import cache

import cv2
import numpy as np

from l2l.raster import draw_textured, vertex_normals
from l2l.video import mesh
from l2l.video.face_nets import FaceMesh, Region

SIDE, CELLS, BINS = 64, 8, 8  # pixels of the unfolded face; cells of the pattern along each side; directions of edges
PATTERN = (CELLS, CELLS, BINS + 1)  # in the last column how well a cell was seen
_FINE, _COARSE, _LIGHT = 1.0, 6.0, 8.0  # pixels: details from here to there are kept; over which contrast is evened out
_FACING = 0.5  # cosine to the camera from which skin is fully seen


@cache
def layout() -> np.ndarray:
    """(468, 3) pixels of the unfolded face: where each landmark lies on it."""
    side = 192
    face, _ = FaceMesh()(np.full((side, side, 3), 127, np.uint8), Region(side / 2, side / 2, side, 0.0))
    low, high = face[:, :2].min(0), face[:, :2].max(0)
    flat = (face[:, :2] - (low + high) / 2) * ((SIDE - 3) / (high - low).max()) + (SIDE - 1) / 2
    return np.column_stack([flat, np.zeros(len(flat))])


@cache
def _skin() -> np.ndarray:
    """Triangles (F, 3) of the face with closed eyes; the mouth is left open."""
    return np.concatenate([mesh.triangles(), mesh.eye_triangles()])


def region(*outlines: tuple[int, ...], grow: int = 0) -> np.ndarray:
    """(64, 64) bool: the hulls of groups of landmarks on the unfolded face, larger or smaller by `grow` pixels."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    for outline in outlines:
        hull = cv2.convexHull(layout()[list(outline), :2].astype(np.float32))
        cv2.fillConvexPoly(mask, np.round(hull).astype(np.int32), 1)
    kernel = np.ones((2 * abs(grow) + 1,) * 2, np.uint8)
    return (cv2.dilate if grow > 0 else cv2.erode)(mask, kernel).astype(bool)


def unfold(picture: np.ndarray, landmarks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Colours (64, 64, 3) uint8 of a face in an RGB picture, and how well each point is seen (64, 64) float32, 0..1."""
    size = np.array(picture.shape[1::-1])
    low = np.clip(np.floor(landmarks[:, :2].min(0)) - 4, 0, size - 2).astype(int)
    high = np.clip(np.ceil(landmarks[:, :2].max(0)) + 5, low + 2, size).astype(int)
    crop = np.ascontiguousarray(picture[low[1] : high[1], low[0] : high[0]])
    coarser = float(np.ptp(landmarks[:, 0])) / SIDE
    if coarser > 1:  # else fine detail would become noise
        crop = cv2.GaussianBlur(crop, (0, 0), 0.5 * coarser)
    colours = np.zeros((SIDE, SIDE, 3), np.uint8)
    draw_textured(colours, _far(), layout(), landmarks[:, :2] - low, _skin(), crop)

    facing = vertex_normals(landmarks, mesh.triangles())[:, 2]
    facing = np.clip(facing * np.sign(np.median(facing)) / _FACING, 0, 1)
    facing *= ((landmarks[:, :2] >= 0) & (landmarks[:, :2] < size)).all(1)
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, 2).repeat(2, 0)  # (2, 256, 3)
    seen = np.zeros_like(colours)
    draw_textured(seen, _far(), layout(), np.column_stack([facing * 255, np.zeros(len(facing))]), _skin(), ramp)
    return colours, seen[..., 0] / np.float32(255)


def _far() -> np.ndarray:
    return np.full((SIDE, SIDE), np.inf, np.float32)


class Appearance:
    """What several looks at one face have shown."""

    def __init__(self) -> None:
        self.looks = 0
        self._colours = np.zeros((SIDE, SIDE, 3), np.float32)
        self._seen = np.zeros((SIDE, SIDE), np.float32)
        self._pattern = np.zeros((CELLS, CELLS, BINS), np.float32)
        self._weight = np.zeros((CELLS, CELLS), np.float32)
        self.picture_colour = 0.0  # the largest variety of colours of a picture that it was seen in

    def look(self, picture: np.ndarray, landmarks: np.ndarray) -> None:
        """See the face with landmarks (468, 3) px in an RGB picture (H, W, 3) uint8."""
        colours, seen = unfold(picture, landmarks)
        pattern, weight = edges(colours, seen)
        self.looks += 1
        self._colours += colours * seen[..., None]
        self._seen += seen
        self._pattern += pattern * weight[..., None]
        self._weight += weight
        self.picture_colour = max(self.picture_colour, variety(picture))

    @property
    def colours(self) -> np.ndarray:
        """(64, 64, 3) float32, 0..255: the mean of all looks; black where it was never seen."""
        return self._colours / np.maximum(self._seen, 1e-3)[..., None]

    @property
    def seen(self) -> np.ndarray:
        """(64, 64) float32, 0..1: how well each point was seen in the mean."""
        return self._seen / max(1, self.looks)

    @property
    def pattern(self) -> np.ndarray:
        """(8, 8, 9) float32: edges by cell and direction, and how well each cell was seen."""
        edges = self._pattern / np.maximum(self._weight, 1e-3)[..., None]
        return np.concatenate([edges, self._weight[..., None] / max(1, self.looks)], 2)


def edges(colours: np.ndarray, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(8, 8, 8) float32: the edges of an unfolded face by cell and direction, and (8, 8) how well each cell is seen."""
    light = np.log(colours.astype(np.float32).mean(2) + 4)
    detail = _blurred(light, seen, _FINE) - _blurred(light, seen, _COARSE)
    detail *= seen / (np.sqrt(np.maximum(_blurred(detail**2, seen, _LIGHT), 0)) + 0.02)
    across, down = (cv2.Sobel(detail, cv2.CV_32F, *order, ksize=3) for order in ((1, 0), (0, 1)))
    strength = np.hypot(across, down) * seen
    angle = np.arctan2(down, across) % (2 * np.pi) * (BINS / (2 * np.pi))
    lower = angle.astype(np.int32) % BINS
    share = angle - np.floor(angle)
    found = np.zeros((SIDE, SIDE, BINS), np.float32)
    rows, columns = np.indices(lower.shape)
    found[rows, columns, lower] = strength * (1 - share)
    found[rows, columns, (lower + 1) % BINS] += strength * share
    cell = SIDE // CELLS
    found = found.reshape(CELLS, cell, CELLS, cell, BINS).sum((1, 3))
    around = cv2.boxFilter((found**2).sum(2), -1, (3, 3))
    return found / np.sqrt(around + 1e-3)[..., None], seen.reshape(CELLS, cell, CELLS, cell).mean((1, 3))


def _blurred(values: np.ndarray, seen: np.ndarray, width: float) -> np.ndarray:
    """The mean of what is seen around each point."""
    return cv2.GaussianBlur(values * seen, (0, 0), width) / (cv2.GaussianBlur(seen, (0, 0), width) + 1e-3)


def hues(colours: np.ndarray) -> np.ndarray:
    """The shares (..., 3) of red, green and blue; of grey, a third each. Nearly black is grey."""
    lifted = colours.astype(np.float32) + 3
    return lifted / lifted.sum(-1, keepdims=True)


def variety(picture: np.ndarray) -> float:
    """How much the hues of a picture differ: 0 where it is black and white, or in one tone."""
    coarse = hues(cv2.resize(picture, (48, 27), interpolation=cv2.INTER_AREA)).reshape(-1, 3)
    return float(np.linalg.norm(coarse.std(0)))


def likeness(pattern: np.ndarray, other: np.ndarray) -> float:
    """-1..1: how alike two faces are by their patterns (8, 8, 9), where both are seen."""
    both = (pattern[..., -1:] * other[..., -1:]).astype(np.float64)
    one, two = pattern[..., :-1], other[..., :-1]
    size = np.sqrt((one**2 * both).sum() * (two**2 * both).sum())
    return float((one * two * both).sum() / size) if size > 0 else 0.0
