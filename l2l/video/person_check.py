"""Is a face that of a person, or of a rendering, a statue or a mask? Its colours tell, where the picture has any.

- Skin is redder than grey, and a face has several hues: lips, cheeks, beard. What is made of one material has one.
- A picture without colours, or in one tone, does not tell; then everybody is a person.
- A rendering in several colours of skin, or a photograph of a person, is not recognized.
- The numbers were chosen on ten people and thirty rendered heads. benchmarks/who_is_who.py tries other conditions, but
  its people and the shapes of its heads are among these.
"""

from functools import cache

import cv2
import numpy as np

from l2l.video import mesh
from l2l.video.appearance import Appearance, hues, region

_BLACK_AND_WHITE = 0.03  # variety of colours below which a picture does not tell
_SEEN = 0.4  # how well skin must be seen to count
_LEAST = 40  # pixels of the unfolded face


@cache
def _regions() -> tuple[np.ndarray, np.ndarray]:
    """(64, 64) bool each: the face without eyes and open mouth, and its bare skin."""
    holes = region(mesh.RIGHT_EYE, grow=3) | region(mesh.LEFT_EYE, grow=3)
    holes |= region(mesh.INNER_LIP_UPPER + mesh.INNER_LIP_LOWER, grow=2)
    face = region(mesh.FACE_OVAL, grow=-4) & ~holes
    brows = region(mesh.BROWS[:5], grow=1) | region(mesh.BROWS[5:], grow=1)
    return face, face & ~region(mesh.OUTER_LIPS, grow=1) & ~brows


def person_score(face: Appearance) -> float | None:
    """0..1, from 0.5 on a person; None where colours do not tell."""
    whole, skin = (where & (face.seen > _SEEN) for where in _regions())
    if face.picture_colour < _BLACK_AND_WHITE or skin.sum() < _LEAST:
        return None
    colours = cv2.GaussianBlur(face.colours, (0, 0), 1.2)
    hue = hues(colours)
    red, green, _ = np.median(hue[skin], 0)
    # Light and shade may change hues a little, as noise does in the dark: what follows the brightness does not count.
    light = np.log(colours[whole].sum(1) + 9)
    known = np.column_stack([light, np.ones(len(light))])
    rest = hue[whole] - known @ np.linalg.lstsq(known, hue[whole], rcond=None)[0]
    spread = float(np.log(np.linalg.norm(rest.std(0)) + 1e-4))
    like_skin = _sigmoid(3 * (60 * float(np.log(red / green)) + spread + 2.2))  # in cold light skin is hardly red
    several_hues = _sigmoid(4 * (spread + 5.4))
    return min(like_skin, several_hues)


def _sigmoid(value: float) -> float:
    return float(1 / (1 + np.exp(-np.clip(value, -50, 50))))
