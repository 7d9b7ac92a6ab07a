"""What is left of a face's brightness when light and shade are taken out: brows, lips, beard, wrinkles, moles.

- A head of one material, as a statue or a rendering without a texture, has hardly any: where its surface faces explains
  how bright it is.
- The light is any that spherical harmonics of the second order can describe: 98 % of the shades of a matt surface
  (Ramamoorthi & Hanrahan 2001). It is fitted to the bare skin, in each look anew.
"""

from functools import cache

import numpy as np

from l2l.video import mesh
from l2l.video.unfolding import SIDE, directions, region

_DARK = 6.0  # of 255: added, so that noise in the dark is no marking
_SEEN = 0.4  # how well a point must be seen to count
_LEAST = 100  # points


@cache
def places() -> tuple[np.ndarray, np.ndarray]:
    """(64, 64) bool each: the face without eyes and open mouth, and its bare skin."""
    holes = region(mesh.RIGHT_EYE, grow=3) | region(mesh.LEFT_EYE, grow=3)
    holes |= region(mesh.INNER_LIP_UPPER + mesh.INNER_LIP_LOWER, grow=2)
    face = region(mesh.FACE_OVAL, grow=-4) & ~holes
    brows = region(mesh.BROWS[:5], grow=1) | region(mesh.BROWS[5:], grow=1)
    return face, face & ~region(mesh.OUTER_LIPS, grow=1) & ~brows


class Markings:
    """The markings of one face, over several looks: what moves with the face stays, light and noise average out."""

    def __init__(self) -> None:
        self._left = np.zeros((SIDE, SIDE))
        self._looks = np.zeros((SIDE, SIDE), int)
        self._contrast: list[float] = []

    def look(self, colours: np.ndarray, seen: np.ndarray, landmarks: np.ndarray) -> None:
        """See an unfolded face: colours (64, 64, 3), how well they are seen (64, 64), and landmarks (468, 3) px."""
        face, skin = (place & (seen > _SEEN) for place in places())
        if skin.sum() < _LEAST:
            return
        brightness = np.log(colours.astype(np.float32).mean(2) + _DARK)
        light = _harmonics(directions(landmarks))
        shade = light @ np.linalg.lstsq(light[skin], brightness[skin], rcond=None)[0]  # (64, 64)
        self._left[face] += (brightness - shade)[face]
        self._looks += face
        self._contrast.append(float(brightness[face].std()))

    def measure(self) -> tuple[float, float] | None:
        """How strong they are: the log of their standard deviation, in nats of brightness, and that of its share of the
        whole brightness's. None where too little was seen."""
        if not self._contrast:
            return None
        face = places()[0] & (2 * self._looks >= len(self._contrast))
        strength = float((self._left[face] / self._looks[face]).std())
        return float(np.log(strength + 1e-3)), float(np.log(strength / (np.mean(self._contrast) + 1e-3) + 1e-3))


def _harmonics(directions: np.ndarray) -> np.ndarray:
    """(64, 64, 9): spherical harmonics up to the second order of directions (64, 64, 3), without their factors."""
    x, y, z = np.moveaxis(directions, 2, 0)
    return np.stack([np.ones_like(x), x, y, z, x * y, x * z, y * z, x * x - y * y, 3 * z * z - 1], 2)
