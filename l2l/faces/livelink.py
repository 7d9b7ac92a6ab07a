"""Live Link Face's CSV files: the names of their columns, timecodes, and what the angles of the head mean.

- A row is one frame: timecode, number of curves, then 61 curves: ARKit's 52 shapes, and 9 angles of head and eyes.
  Shapes begin with a capital letter, and right comes before left where jaw and mouth move sideways.
- A timecode is HH:MM:SS:FF.fff: FF counts frames, .fff is a part of a frame. The app counts 60 frames a second.
- The app's angles are documented nowhere. In published recordings the eyes' angles and shapes agree when angles are
  radians, pitch > 0 looks down, and yaw > 0 looks to the person's right. The head's are taken to be the same, with
  roll > 0 clockwise in the picture, and yaw, pitch and roll in the order in which Unreal applies them.
"""

import re

import numpy as np
from scipy.spatial.transform import Rotation

from l2l.faces import columns

RATE = 60  # frames that a timecode of the app counts in a second

_EYES, _MOUTH = columns.SHAPES[:14], columns.SHAPES[14:]
_SWAPPED = {"mouthLeft": "mouthRight", "mouthRight": "mouthLeft"}
# ARKit's names in the order of the file.
SHAPES = (
    *_EYES, "jawForward", "jawRight", "jawLeft", "jawOpen", *(_SWAPPED.get(name, name) for name in _MOUTH), "tongueOut"
)  # fmt: skip
HEAD = ("HeadYaw", "HeadPitch", "HeadRoll")
ANGLES = (*HEAD, *(f"{side}Eye{angle}" for side in ("Left", "Right") for angle in ("Yaw", "Pitch", "Roll")))
CURVES = (*(name[0].upper() + name[1:] for name in SHAPES), *ANGLES)  # 61
TIMECODE, COUNT = "Timecode", "BlendShapeCount"
HEADER = (TIMECODE, COUNT, *CURVES)

_TIMECODE = re.compile(r"(\d+):([0-5]?\d):([0-5]?\d):(\d+(?:\.\d+)?)")
_ORDER = "YXZ"  # turned about y, then x, then z of what was turned already


def timecode(seconds: float) -> str:
    """The timecode of so many seconds after midnight."""
    frame = round(seconds * RATE, 3)
    whole, rest = divmod(frame, RATE)
    return f"{int(whole) // 3600:02d}:{int(whole) // 60 % 60:02d}:{int(whole) % 60:02d}:{rest:06.3f}"


def read_timecode(text: str) -> tuple[int, float] | None:
    """Seconds after midnight and frames of a timecode; None when it is none."""
    found = _TIMECODE.fullmatch(text.strip())
    if not found:
        return None
    hours, minutes, seconds = (int(number) for number in found.groups()[:3])
    return 3600 * hours + 60 * minutes + seconds, float(found[4])


def head_rotation(angles: np.ndarray) -> np.ndarray:
    """`HEAD` (n, 3), radians -> the head's rotation (n, 3) of columns 50-52."""
    return Rotation.from_euler(_ORDER, angles).as_rotvec()


def head_angles(rotation: np.ndarray) -> np.ndarray:
    """Columns 50-52 (n, 3) -> `HEAD` (n, 3), radians: undoes `head_rotation`."""
    return Rotation.from_rotvec(rotation).as_euler(_ORDER)
