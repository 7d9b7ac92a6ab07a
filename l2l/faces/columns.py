"""What each column of a face is: name, unit and range, for every faces backend.

`docs/faces.md` is this dictionary as a page, and every faces file holds the names and units of its own columns.
Print the page: `python -m l2l.faces.columns > docs/faces.md`.
"""

from typing import NamedTuple

import numpy as np

from l2l.faces.geometry import COMPONENTS
from l2l.units import FACE_DIM, MODEL_DIM

# ARKit's shapes in ARKit's order, without the four of the jaw (which is columns 53-55) and without tongueOut, which
# the networks here do not see. Left and right are the person's own.
SHAPES = (
    *(f"eye{what}{side}" for side in ("Left", "Right") for what in (
        "Blink", "LookDown", "LookIn", "LookOut", "LookUp", "Squint", "Wide"
    )),
    "mouthClose", "mouthFunnel", "mouthPucker", "mouthLeft", "mouthRight",
    "mouthSmileLeft", "mouthSmileRight", "mouthFrownLeft", "mouthFrownRight", "mouthDimpleLeft", "mouthDimpleRight",
    "mouthStretchLeft", "mouthStretchRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper",
    "mouthPressLeft", "mouthPressRight", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft",
    "mouthUpperUpRight",
    "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight",
    "cheekPuff", "cheekSquintLeft", "cheekSquintRight", "noseSneerLeft", "noseSneerRight",
)  # fmt: skip

# All 52 shapes in ARKit's order.
ARKIT = (*SHAPES[:14], "jawForward", "jawLeft", "jawRight", "jawOpen", *SHAPES[14:], "tongueOut")

# Why the faces of a backend are no named shapes.
NO_SHAPES = {
    "landmarks": "faces of backend landmarks are sums of one person's own directions, which no avatar has",
    "deca": "FLAME's expressions are not ARKit's shapes, and no free table says what one is in the other",
}

# OpenFace's names of the head's rotation: radians about the picture's axes, R = Rx Ry Rz.
OPENFACE_HEAD = ("pose_Rx", "pose_Ry", "pose_Rz")


class Column(NamedTuple):
    """One column of a face."""

    name: str
    unit: str
    low: float  # values are at least this, or hardly ever less
    high: float
    what: str


_PICTURE = {
    "head_x": "the head's rotation, axis-angle: x > 0 nods down",
    "head_y": "y > 0 turns to the picture's left",
    "head_z": "z > 0 tilts clockwise",
    "jaw_x": "the jaw's rotation, axis-angle: x > 0 opens",
    "jaw_y": "y > 0 moves the chin to the picture's left",
    "jaw_z": "always 0",
}
_FLAME = {
    "head_x": "the head's rotation, axis-angle, about FLAME's axes: x points to the person's left",
    "head_y": "y points up",
    "head_z": "z points out of the face",
    "jaw_x": "the jaw's rotation, axis-angle, about the same axes: x > 0 opens",
    "jaw_y": "sideways",
    "jaw_z": "tilted",
}
_LARGEST = {"head": 1.6, "jaw": 0.6}  # radians


def _pose(meanings: dict[str, str]) -> list[Column]:
    largest = {name: 0.0 if meaning == "always 0" else _LARGEST[name[:-2]] for name, meaning in meanings.items()}
    return [Column(name, "rad", -largest[name] + 0.0, largest[name], what) for name, what in meanings.items()]


def _landmarks() -> list[Column]:
    what = "along a direction of this person's own basis; 0 is the face at rest"
    expression = [Column(f"expression_{k}", "outer-eye distances", -2, 2, what) for k in range(COMPONENTS)]
    return [*expression, *_pose(_PICTURE)]


def _blendshapes() -> list[Column]:
    what = "ARKit's shape: 0 is this person at rest, 1 the shape in full"
    shapes = [Column(name, "weight", -1, 1, what) for name in SHAPES]
    empty = [Column(f"empty_{k}", "weight", 0, 0, "always 0") for k in range(len(SHAPES), COMPONENTS)]
    return [*shapes, *empty, *_pose(_PICTURE)]


def _deca() -> list[Column]:
    what = "a direction of FLAME's expression, the same for everybody"
    expression = [Column(f"expression_{k}", "standard deviations", -5, 5, what) for k in range(COMPONENTS)]
    detail = [Column(f"detail_{k}", "none", -10, 10, "DECA's code of wrinkles") for k in range(FACE_DIM - MODEL_DIM)]
    return [*expression, *_pose(_FLAME), *detail]


_DICTIONARY = {"landmarks": _landmarks, "blendshapes": _blendshapes, "deca": _deca}


def columns_of(backend: str) -> list[Column]:
    """The columns of the faces of a backend, in order: 56 of them; of deca 184."""
    return _DICTIONARY[backend]()


def are_shapes(faces: np.ndarray) -> bool:
    """Whether faces (..., F) are those of `blendshapes`: of these alone, the same four columns are always 0."""
    always_0 = [column.low == column.high for column in _blendshapes()]
    return faces.shape[-1] == len(always_0) and not faces[..., always_0].any()


_TOP = """# What the numbers of a face mean

This page is generated: `python -m l2l.faces.columns > docs/faces.md`.

Every `faces_left.npz` and `faces_right.npz` says which `backend` made it, and names its own `columns` with their
`units`. The models use the first 56 columns, whatever they mean: expression in 0-49, the head in 50-52, the jaw in
53-55. A model learns the faces of one backend only.

- Left and right in the name of a shape are the person's own; "the picture's left" is where a viewer sees it.
- Rotations are axis-angle: the direction of the three numbers is the axis, their length the angle. Rotations of
  `landmarks` and `blendshapes` are about the picture's axes (x right, y down, z away from the camera), relative to a
  face that looks straight ahead.
- A range is where values lie, or nearly always lie. Nothing is cut off.
- Published data have the columns of `deca`. Arrays of your own mean what you say they mean.
"""
_MORE = {
    "landmarks": """\
Directions are fitted to each person's training recordings, so `expression_3` means something else for each person.""",
    "blendshapes": """\
The names are ARKit's. The file's `rest` (52) is the face at rest that was taken off, as weights 0 to 1 of all 52 shapes
in the order of the file's `shapes`. `l2l.faces.blendshapes.with_rest` puts it back and gives the weights that avatars
take. How the jaw's weights become radians is in [backends.md](backends.md). `jawForward` has no column.""",
    "deca": """\
The same directions for everybody, and the detail code, which no model here reads.""",
}


def page() -> str:
    """docs/faces.md. Columns in a row that differ by their number alone share a line."""
    text = _TOP
    for backend in _DICTIONARY:
        rows = [
            f"\n## `{backend}`\n\n{_MORE[backend]}\n",
            "| column | name | unit | range | what |",
            "|---|---|---|---|---|",
        ]
        columns = columns_of(backend)
        first = 0
        while first < len(columns):
            last, column = first, columns[first]
            while last + 1 < len(columns) and _stem(columns[last + 1]) == _stem(column) != column.name:
                last += 1
            numbers = f"{first}" if first == last else f"{first}-{last}"
            name = f"`{column.name}`" if first == last else f"`{column.name}` to `{columns[last].name}`"
            rows.append(f"| {numbers} | {name} | {column.unit} | {column.low:g} to {column.high:g} | {column.what} |")
            first = last + 1
        text += "\n".join(rows) + "\n"
    return text


def _stem(column: Column) -> str:
    """The name without a number at its end."""
    return column.name.rstrip("0123456789")


if __name__ == "__main__":
    print(page(), end="")
