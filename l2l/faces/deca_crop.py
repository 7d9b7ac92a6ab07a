"""The square crop of a face that DECA's encoders look at, and where it lies in the picture.

- The square comes from the bounding box of the 68 face landmarks; it is 1.375 times as wide as the box on average.
- Bilinear, black outside the picture, and nothing against aliasing: what the encoders were trained with.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import map_coordinates

from l2l.faces.deca_nets import CROP

_FROM_LANDMARKS = 1.1  # the box of the landmarks lacks the forehead
_MARGIN = 1.25

# Landmarks of the mesh where the 68 have theirs by definition, in the 68's order: the contour runs from the ear at the
# height of the eye around the chin to the other ear, the brows along their upper edge; nose and mouth can stick out
# when the head is turned away. The eyes never touch the box.
MESH_POINTS = (
    *(127, 234, 93, 132, 58, 136, 150, 176, 152, 400, 379, 365, 288, 361, 323, 454, 356),  # contour
    *(70, 63, 105, 66, 107, 336, 296, 334, 293, 300),  # brows
    *(168, 197, 5, 4, 75, 97, 2, 326, 305),  # nose
    *(61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181),  # lips, outer edge
)


@dataclass(frozen=True)
class Square:
    """A square part of a picture: its centre and its side, in pixels.

    The first column of a crop lies on one side of the square, the last on the other:
    x in the picture = centre - side / 2 + column * side / 223, and y likewise.
    """

    x: float
    y: float
    side: int

    def on_picture(self, points: np.ndarray) -> np.ndarray:
        """Points (..., 2) in pixels of the crop -> pixels of the picture."""
        return np.array([self.x, self.y]) - self.side / 2 + points * self.side / (CROP - 1)


def around_landmarks(points: np.ndarray) -> Square:
    """The square of a face with these landmarks (n, 2), in pixels."""
    low, high = points.min(0), points.max(0)
    size = float(high[0] - low[0] + high[1] - low[1]) / 2 * _FROM_LANDMARKS
    x, y = (low + high) / 2
    return Square(float(x), float(y), int(size * _MARGIN))


def crop(picture: np.ndarray, square: Square) -> np.ndarray:
    """RGB picture (H, W, 3) uint8 -> crop (3, 224, 224) float32 in 0..1, bilinear; outside the picture it is black."""
    at = square.on_picture(_PIXELS)[..., ::-1].transpose(2, 0, 1)  # rows, columns
    # Not "constant": that one ends half a pixel early.
    values = [
        map_coordinates(channel, at, float, order=1, mode="grid-constant") for channel in np.moveaxis(picture, 2, 0)
    ]
    return (np.stack(values) / 255).astype(np.float32)


_PIXELS = np.stack(np.meshgrid(np.arange(CROP), np.arange(CROP)), -1)  # (224, 224, 2): column, row
