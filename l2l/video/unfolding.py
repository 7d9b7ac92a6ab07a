"""A face, unfolded onto an average face of 64 by 64 pixels: its colours, how well they are seen, where it faces.

- The average face is the mesh network's answer to an empty picture: its prior, upright and seen from the front.
- Skin that faces away from the camera, or lies outside the picture, is not seen and counts for nothing.
"""

from functools import cache
from typing import NamedTuple

import cv2
import numpy as np

from l2l.raster import vertex_normals
from l2l.video import mesh
from l2l.video.face_nets import FaceMesh, Region
from l2l.video.tracks import extent

SIDE = 64  # pixels of the unfolded face
_FACING = 0.5  # cosine to the camera from which skin is fully seen
_SLACK = 1e-9  # rounding must not open a crack along an edge that two triangles share


@cache
def layout() -> np.ndarray:
    """(468, 2) pixels of the unfolded face: where each landmark lies on it."""
    side = 192
    face, _ = FaceMesh()(np.full((side, side, 3), 127, np.uint8), Region(side / 2, side / 2, side, 0.0))
    low, high = extent(face)
    return (face[:, :2] - (low + high) / 2) * ((SIDE - 3) / (high - low).max()) + (SIDE - 1) / 2


class _Places(NamedTuple):
    """Where each pixel of the unfolded face lies on the mesh."""

    skin: np.ndarray  # (64, 64) bool: on the mesh at all
    corners: np.ndarray  # (64, 64, 3) landmarks around it
    weights: np.ndarray  # (64, 64, 3) of these, float64; zeros beside the mesh

    def of(self, values: np.ndarray) -> np.ndarray:
        """Values of landmarks (468, C) -> of pixels (64, 64, C) float32, affine over a triangle."""
        return np.einsum("rck,rckv->rcv", self.weights, values[self.corners]).astype(np.float32)


@cache
def _places() -> _Places:
    """With closed eyes; the mouth is left open."""
    triangles = np.concatenate([mesh.triangles(), mesh.eye_triangles()])  # (F, 3)
    corners, weights = np.zeros((SIDE, SIDE, 3), int), np.zeros((SIDE, SIDE, 3))
    for triangle in triangles[::-1]:  # where two overlap, the first counts
        points = layout()[triangle]
        low, high = extent(points)
        left, top = np.ceil(low).astype(int)
        right, bottom = np.floor(high).astype(int) + 1
        rows, columns = np.mgrid[top:bottom, left:right]
        pixels = np.stack([columns, rows, np.ones_like(rows)], -1)  # (h, w, 3)
        barycentric = pixels @ np.linalg.inv(np.column_stack([points, np.ones(3)]))  # (h, w, 3)
        inside = (barycentric >= -_SLACK).all(-1)
        corners[rows[inside], columns[inside]] = triangle
        weights[rows[inside], columns[inside]] = barycentric[inside]
    return _Places(np.asarray(weights.any(-1)), corners, weights)


def region(*outlines: tuple[int, ...], grow: int = 0) -> np.ndarray:
    """(64, 64) bool: the hulls of groups of landmarks on the unfolded face, larger or smaller by `grow` pixels."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    for outline in outlines:
        hull = cv2.convexHull(layout()[list(outline)].astype(np.float32))
        cv2.fillConvexPoly(mask, np.round(hull).astype(np.int32), 1)
    kernel = np.ones((2 * abs(grow) + 1,) * 2, np.uint8)
    return (cv2.dilate if grow > 0 else cv2.erode)(mask, kernel).astype(bool)


def unfold(picture: np.ndarray, landmarks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Colours (64, 64, 3) uint8 of a face in an RGB picture, and how well each point is seen (64, 64) float32, 0..1."""
    size = np.array(picture.shape[1::-1])
    low, high = extent(landmarks)
    low = np.clip(np.floor(low) - 4, 0, size - 2).astype(int)
    high = np.clip(np.ceil(high) + 5, low + 2, size).astype(int)
    crop = np.ascontiguousarray(picture[low[1] : high[1], low[0] : high[0]])
    coarser = float(np.ptp(landmarks[:, 0])) / SIDE
    if coarser > 1:  # else fine detail would become noise
        crop = cv2.GaussianBlur(crop, (0, 0), 0.5 * coarser)
    places = _places()
    x, y = cv2.split(places.of(landmarks[:, :2] - low))
    colours = cv2.remap(crop, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    colours[~places.skin] = 0

    facing = vertex_normals(landmarks, mesh.triangles())[:, 2]
    facing = np.clip(facing * np.sign(np.median(facing)) / _FACING, 0, 1)
    facing *= ((landmarks[:, :2] >= 0) & (landmarks[:, :2] < size)).all(1)
    return colours, places.of(facing[:, None])[..., 0]


def directions(landmarks: np.ndarray) -> np.ndarray:
    """(64, 64, 3) float32: where each point of a face with landmarks (468, 3) px faces: right, down, to the camera."""
    normals = vertex_normals(landmarks, mesh.triangles())
    normals *= np.sign(np.median(normals[:, 2]))
    flat = _places().of(normals[:, :2])
    return np.dstack([flat, np.sqrt(np.clip(1 - (flat**2).sum(2), 0, 1))])
