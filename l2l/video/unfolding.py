"""A face, unfolded onto an average face of 64 by 64 pixels: its colours, how well they are seen, where it faces.

- The average face is the mesh network's answer to an empty picture: its prior, upright and seen from the front.
- Skin that faces away from the camera, or lies outside the picture, is not seen and counts for nothing.
"""

from functools import cache

import cv2
import numpy as np

from l2l.raster import draw_textured, vertex_normals
from l2l.video import mesh
from l2l.video.face_nets import FaceMesh, Region
from l2l.video.tracks import extent

SIDE = 64  # pixels of the unfolded face
_FACING = 0.5  # cosine to the camera from which skin is fully seen


@cache
def layout() -> np.ndarray:
    """(468, 3) pixels of the unfolded face: where each landmark lies on it."""
    side = 192
    face, _ = FaceMesh()(np.full((side, side, 3), 127, np.uint8), Region(side / 2, side / 2, side, 0.0))
    low, high = extent(face)
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
    low, high = extent(landmarks)
    low = np.clip(np.floor(low) - 4, 0, size - 2).astype(int)
    high = np.clip(np.ceil(high) + 5, low + 2, size).astype(int)
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


def directions(landmarks: np.ndarray) -> np.ndarray:
    """(64, 64, 3) float32: where each point of a face with landmarks (468, 3) px faces: right, down, to the camera."""
    normals = vertex_normals(landmarks, mesh.triangles())
    normals *= np.sign(np.median(normals[:, 2]))
    across = np.zeros((SIDE, SIDE, 3), np.uint8)
    draw_textured(across, _far(), layout(), (normals[:, :2] + 1) * 127.5, _skin(), _columns_and_rows())
    flat = across[..., :2].astype(np.float32) / 127.5 - 1
    return np.dstack([flat, np.sqrt(np.clip(1 - (flat**2).sum(2), 0, 1))])


@cache
def _columns_and_rows() -> np.ndarray:
    """(256, 256, 3) uint8: a texture that says where it is read."""
    rows, columns = np.indices((256, 256), np.uint8)
    return np.dstack([columns, rows, rows])


def _far() -> np.ndarray:
    return np.full((SIDE, SIDE), np.inf, np.float32)
