"""Is a face that of a person, or of a rendering, a statue or a mask? Its colours and its markings tell.

- Skin is redder than grey, and a face has several hues: lips, cheeks, beard. What is made of one material has one.
- A face has brows, lips, wrinkles. In what is made of one material all is light and shade (`l2l.video.markings`).
- Where all around the face has one tone too, as in black and white, colours do not tell, and markings do alone.
- A painted or textured head, or a photograph of a person, is not recognized.
- The numbers were chosen on eleven people and heads of their shapes; docs/scale.md has those of eleven others.
"""

import cv2
import numpy as np

from l2l.video.appearance import Appearance, hues
from l2l.video.markings import places

_SEEN = 0.4  # how well skin must be seen to count
_LEAST = 40  # pixels of the unfolded face
_HELP = 0.3  # share of the log odds by markings that is added to those by colours


def person_score(face: Appearance) -> float | None:
    """0..1, from 0.5 on a person; None where it cannot be told."""
    colours, markings = _by_colours(face), _by_markings(face)
    if colours is not None and markings is not None:
        # Where colours are faint, as after grading, clear markings help.
        return _sigmoid(min(markings, colours + _HELP * max(0.0, markings)))
    told = markings if colours is None else colours
    return None if told is None else _sigmoid(told)


def _by_colours(face: Appearance) -> float | None:
    """Log odds that it is a person."""
    whole, skin = (where & (face.seen > _SEEN) for where in places())
    if face.one_tone or skin.sum() < _LEAST:
        return None
    colours = cv2.GaussianBlur(face.colours, (0, 0), 1.2)
    hue = hues(colours)
    red, green, _ = np.median(hue[skin], 0)
    # Light and shade may change hues a little, as noise does in the dark: what follows the brightness does not count.
    light = np.log(colours[whole].sum(1) + 9)
    known = np.column_stack([light, np.ones(len(light))])
    rest = hue[whole] - known @ np.linalg.lstsq(known, hue[whole], rcond=None)[0]
    spread = float(np.log(np.linalg.norm(rest.std(0)) + 1e-4))
    like_skin = 3 * (60 * float(np.log(red / green)) + spread + 2.2)  # in cold light skin is hardly red
    several_hues = 4 * (spread + 5.4)
    return min(like_skin, several_hues)


def _by_markings(face: Appearance) -> float | None:
    """Log odds that it is a person."""
    found = face.markings.measure()
    return None if found is None else 1.54 * found[0] + 8.2 * found[1] + 11.2


def _sigmoid(value: float) -> float:
    return float(1 / (1 + np.exp(-np.clip(value, -50, 50))))
