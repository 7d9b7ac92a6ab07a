"""A face as a shaded mesh in a picture."""

import numpy as np

from l2l.faces.meshes import Mesher
from l2l.raster import draw_shaded

Colour = tuple[int, int, int]  # RGB 0..255, in full light

COLOURS: dict[str, Colour] = {
    "mouth": (92, 52, 50),
    "white": (238, 236, 232),
    "iris": (96, 116, 134),
    "pupil": (28, 28, 32),
    "reflection": (255, 255, 255),
}
SKIN: Colour = (236, 200, 160)  # of a listener who was made up
_HEIGHT = 0.72  # of the picture's, that a face at rest takes
_ABOVE = 0.05  # of a face's height that it is drawn above the middle: people look down more than up


def draw_face(canvas: np.ndarray, mesher: Mesher, vertices: np.ndarray, skin: Colour) -> None:
    """Draw a mesh (V, 3) of `mesher.vertices` into the middle of `canvas` (H, W, 3) uint8.

    Its size is that of the face at rest. Ask for the vertices of many faces at once: that is quicker.
    """
    height, width = canvas.shape[:2]
    low, high = mesher.rest.min(0), mesher.rest.max(0)
    unit = _HEIGHT * height / (high[1] - low[1])
    placed = (vertices - (low + high) / 2) * unit + [width / 2, (0.5 - _ABOVE * _HEIGHT) * height, 0]
    tile = np.ascontiguousarray(canvas)
    depth = np.full((height, width), np.inf, np.float32)
    for name, triangles in mesher.parts(placed).items():
        draw_shaded(tile, depth, placed, triangles, COLOURS.get(name, skin))
    canvas[:] = tile
