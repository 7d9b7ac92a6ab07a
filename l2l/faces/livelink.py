"""The 61 curves of the app Live Link Face, as its CSV files and its packets have them.

- They are ARKit's 52 shapes, and 9 angles of head and eyes. Shapes begin with a capital letter. In files, right comes
  before left where jaw and mouth move sideways; packets have ARKit's order.
- A row of a file is one frame: timecode, number of curves, the curves.
- A timecode is HH:MM:SS:FF.fff: FF counts frames, .fff is a part of a frame. The app counts 60 frames a second.
- The app's angles are documented nowhere. In published recordings the eyes' angles and shapes agree when angles are
  radians, pitch > 0 looks down, and yaw > 0 looks to the person's right. The head's are taken to be the same, with
  roll > 0 clockwise in the picture, and yaw, pitch and roll in the order in which Unreal applies them.
- Faces here have no angles of the eyes: 1 of an `eyeLook...` shape is taken for 30 degrees.
"""

import re

import numpy as np
from scipy.spatial.transform import Rotation

from l2l.faces import blendshapes, columns, face_landmarker

GAZE = np.radians(30)  # of a weight of 1
RATE = 60  # frames that a timecode of the app counts in a second

_SWAPPED = {"jawLeft": "jawRight", "jawRight": "jawLeft", "mouthLeft": "mouthRight", "mouthRight": "mouthLeft"}
# ARKit's names in the order of the file.
SHAPES = tuple(_SWAPPED.get(name, name) for name in columns.ARKIT)
HEAD = ("HeadYaw", "HeadPitch", "HeadRoll")
ANGLES = (*HEAD, *(f"{side}Eye{angle}" for side in ("Left", "Right") for angle in ("Yaw", "Pitch", "Roll")))
CURVES = (*(name[0].upper() + name[1:] for name in SHAPES), *ANGLES)  # 61, in the order of the file
SENT = [*(SHAPES.index(name) for name in columns.ARKIT), *range(len(SHAPES), len(CURVES))]  # which of them, in packets
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


def curves(faces: np.ndarray, rest: np.ndarray | None = None) -> np.ndarray:
    """Named shapes (T, at least 56) -> `CURVES` (T, 61), with the weights at rest (52,) put back."""
    rest = np.zeros(len(face_landmarker.SHAPES)) if rest is None else rest
    shown = dict(zip(face_landmarker.SHAPES, blendshapes.with_rest(faces, rest).T, strict=True))
    shown["tongueOut"] = np.zeros(len(faces))  # no network here sees the tongue
    weights = np.stack([shown[name] for name in SHAPES], axis=1)
    return np.concatenate([weights, head_angles(faces[:, 50:53]), _gaze(shown)], axis=1)


def _gaze(shown: dict[str, np.ndarray]) -> np.ndarray:
    """(T, 6) yaw, pitch and roll of the left and of the right eye: > 0 is to the person's right, and down."""
    found = []
    for side, to_the_right, to_the_left in (("Left", "In", "Out"), ("Right", "Out", "In")):
        yaw = shown[f"eyeLook{to_the_right}{side}"] - shown[f"eyeLook{to_the_left}{side}"]
        pitch = shown[f"eyeLookDown{side}"] - shown[f"eyeLookUp{side}"]
        found += [GAZE * yaw, GAZE * pitch, np.zeros(len(yaw))]
    return np.stack(found, axis=1)
