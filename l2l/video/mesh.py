"""The topology of the 468-point face mesh: triangles, and the groups of landmarks that have a name.

Numbers are the published indices of MediaPipe's mesh; left and right are the person's own.
"""

from functools import cache

import numpy as np

from l2l.arrays import Array, map_npy
from l2l.weights import catalogue as weights

LANDMARKS = 468
RIGHT_EYE_OUTER, LEFT_EYE_OUTER = 33, 263
CHIN, FOREHEAD = 152, 10
MOUTH_CORNERS = (61, 291)
# Pairs (upper, lower) on the inner lips: middle, right, left.
INNER_LIP_PAIRS = ((13, 14), (82, 87), (312, 317))
INNER_LIP_UPPER = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
INNER_LIP_LOWER = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
OUTER_LIPS = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146)
FACE_OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
BROWS = (70, 63, 105, 66, 107, 336, 296, 334, 293, 300)
NOSE = (168, 6, 197, 195, 5, 4, 1, 2, 98, 327, 129, 358, 94)
# Outer corner, lower lid, inner corner, upper lid.
RIGHT_EYE = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
LEFT_EYE = (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466)


@cache
def triangles() -> np.ndarray:
    """(852, 3) int32 landmark indices; eyes and mouth are left open."""
    path, get = weights.find("mediapipe", "mediapipe/face_mesh_edges.npy"), "delete it and fetch it again"
    edges = map_npy(path, "the edges of a face mesh", "", Array(("E", 2), "i"), get=get)
    corners = edges.reshape(-1, 3, 2)[:, :, 0]  # (852, 3): three edges in a row go around one triangle
    return np.ascontiguousarray(corners, dtype=np.int32)


def fan(upper: tuple[int, ...], lower: tuple[int, ...]) -> np.ndarray:
    """Triangles (n, 3) that close the opening between two rows of landmarks that share both ends."""
    quads = zip(upper[:-1], upper[1:], lower[:-1], lower[1:], strict=True)
    candidates = [corner for a, b, c, d in quads for corner in ((a, b, c), (b, d, c))]
    return np.array([corner for corner in candidates if len(set(corner)) == 3], np.int32)


def mouth_triangles() -> np.ndarray:
    """Triangles (n, 3) that close the mouth."""
    return fan(INNER_LIP_UPPER, INNER_LIP_LOWER)


def eye_triangles() -> np.ndarray:
    """Triangles (n, 3) that close both eyes."""
    return np.concatenate([fan((eye[0], *eye[:8:-1], eye[8]), eye[:9]) for eye in (RIGHT_EYE, LEFT_EYE)])
