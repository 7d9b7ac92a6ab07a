"""What ARKit's shapes do to a face of 468 points: made by hand, for every face. Eyes and tongue are in `head.py`.

- What a recording shows of a shape cannot be used: many shapes never happen in one, left and right happen together,
  and the tracked mesh sees little of some. So shapes are described here, after ARKit's documentation.
- A move is a vector that fades around landmarks (a Gaussian of the nearest). Lips move apart from each other. The jaw
  turns about its hinge, as in `l2l.faces.geometry`.
- Axes: x right (the person's left), y down, z away from the camera. `Left` and `Right` are the person's.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.spatial.transform import Rotation

from l2l.faces.geometry import COMPONENTS, FaceBasis
from l2l.video.mesh import LANDMARKS, LEFT_EYE, RIGHT_EYE

JAW_OPEN, JAW_SIDEWAYS = 0.42, 0.15  # radians of a shape in full

# Rows of points from the outer to the inner edge of each lip, and both corners.
UPPER_LIP = (
    *(185, 40, 39, 37, 0, 267, 269, 270, 409, 184, 74, 73, 72, 11, 302, 303, 304, 408),
    *(183, 42, 41, 38, 12, 268, 271, 272, 407, 191, 80, 81, 82, 13, 312, 311, 310, 415),
)
LOWER_LIP = (
    *(146, 91, 181, 84, 17, 314, 405, 321, 375, 77, 90, 180, 85, 16, 315, 404, 320, 307),
    *(96, 89, 179, 86, 15, 316, 403, 319, 325, 95, 88, 178, 87, 14, 317, 402, 318, 324),
)
CORNERS = ((61, 76, 62, 78), (291, 306, 292, 308))


class Move(NamedTuple):
    """Around these landmarks of the right and of the left side, so much outwards, down and back."""

    right: tuple[int, ...]
    left: tuple[int, ...]
    vector: tuple[float, float, float]
    radius: float
    part: str = ""  # upper or lower: of the mouth alone


_CORNER = (61,), (291,)
_CHEEK = (50, 101, 205), (280, 330, 425)
_INNER_BROW, _BROW, _OUTER_BROW = ((107, 55), (336, 285)), ((66, 105, 52), (296, 334, 282)), ((63, 70), (293, 300))
_LIPS = (40, 37, 91, 84, 0, 17), (270, 267, 321, 314, 0, 17)

# Shapes of one side: `Left` and `Right` are added to the names.
_SIDED: dict[str, tuple[Move, ...]] = {
    "mouthSmile": (Move(*_CORNER, (0.08, -0.10, 0.03), 0.2), Move(*_CHEEK, (0.02, -0.035, -0.02), 0.16)),
    "mouthFrown": (Move(*_CORNER, (0.005, 0.08, 0.01), 0.17),),
    "mouthDimple": (Move(*_CORNER, (0.05, -0.01, 0.04), 0.15),),
    "mouthStretch": (Move(*_CORNER, (0.10, 0.04, 0.03), 0.2),),
    "mouthPress": (
        Move((40, 39), (270, 269), (0, 0.02, 0.01), 0.12, "upper"),
        Move((91, 181), (321, 405), (0, -0.025, 0.01), 0.12, "lower"),
    ),
    "mouthLowerDown": (Move((181, 178), (405, 402), (0.01, 0.08, 0), 0.13, "lower"),),
    "mouthUpperUp": (Move((39, 81), (269, 311), (0.01, -0.07, 0), 0.13, "upper"),),
    "browDown": (Move(*_INNER_BROW, (-0.02, 0.06, -0.01), 0.13), Move(*_BROW, (-0.01, 0.05, 0), 0.13)),
    "browOuterUp": (Move(*_BROW, (0, -0.05, 0), 0.13), Move(*_OUTER_BROW, (0, -0.09, 0), 0.14)),
    "cheekSquint": (Move((118, 101, 50), (347, 330, 280), (0, -0.05, -0.02), 0.13),),
    "noseSneer": (
        Move((98, 64, 48), (327, 294, 278), (0.005, -0.05, 0), 0.1),
        Move((165, 40), (391, 270), (0, -0.025, 0), 0.1, "upper"),
    ),
}
# Shapes of both sides.
_BOTH: dict[str, tuple[Move, ...]] = {
    "mouthFunnel": (
        Move(*_CORNER, (-0.10, 0, -0.03), 0.16),
        Move((37, 39, 82), (267, 269, 312), (0, -0.045, -0.07), 0.13, "upper"),
        Move((84, 181, 87), (314, 405, 317), (0, 0.055, -0.07), 0.13, "lower"),
    ),
    "mouthPucker": (
        Move(*_CORNER, (-0.15, 0, -0.05), 0.18),
        Move(*_LIPS, (-0.01, 0, -0.07), 0.13),
        Move((0, 37, 13), (0, 267, 13), (0, 0.02, 0), 0.12, "upper"),
        Move((17, 84, 14), (17, 314, 14), (0, -0.02, 0), 0.12, "lower"),
    ),
    "mouthRollLower": (Move((84, 181, 91), (314, 405, 321), (0, -0.045, 0.03), 0.08, "lower"),),
    "mouthRollUpper": (Move((37, 39, 40), (267, 269, 270), (0, 0.03, 0.03), 0.08, "upper"),),
    "mouthShrugLower": (
        Move((84, 181), (314, 405), (0, -0.05, -0.03), 0.14, "lower"),
        Move((199, 208), (199, 428), (0, -0.04, -0.01), 0.15, "lower"),
    ),
    "mouthShrugUpper": (Move((37, 39), (267, 269), (0, -0.045, -0.02), 0.14, "upper"),),
    "browInnerUp": (Move(*_INNER_BROW, (0, -0.09, 0), 0.13), Move((66,), (296,), (0, -0.03, 0), 0.12)),
    "cheekPuff": (Move((205, 187, 207), (425, 411, 427), (0.09, 0, -0.08), 0.2),),
}
_SHIFTED = 0.13  # outer-eye distances that mouthLeft and mouthRight move the mouth


def shapes(rest: np.ndarray) -> dict[str, np.ndarray]:
    """What each shape in full adds to a face at rest (468, 3), by ARKit's names; without `eye...` and `tongueOut`."""
    found: dict[str, np.ndarray] = {}
    lower = _lower(rest)
    for name, moves in _SIDED.items():
        for number, side in enumerate(("Right", "Left")):
            found[f"{name}{side}"] = _moved(rest, lower, moves, (number,))
    for name, moves in _BOTH.items():
        found[name] = _moved(rest, lower, moves, (0, 1))
    for name in found:
        if name.startswith(("brow", "cheek", "mouthSmile")):
            found[name][list(RIGHT_EYE + LEFT_EYE)] = 0  # lids stay on the eyes
    found |= _jaw(rest)
    found |= _mouth(rest, found["jawOpen"], lower)
    return found


def fade(points: np.ndarray, around: np.ndarray, radius: float) -> np.ndarray:
    """(n,) 1 at any of the places `around` (m, 3), less the farther points (n, 3) are from the nearest."""
    distance = np.linalg.norm(points[:, None] - around[None], axis=-1).min(1)
    return np.asarray(np.exp(-((distance / radius) ** 2)))


def _moved(rest: np.ndarray, lower: np.ndarray, moves: Sequence[Move], sides: Sequence[int]) -> np.ndarray:
    """What moves add on some sides: 0 is the person's right, 1 the left."""
    total = np.zeros_like(rest)
    for move in moves:
        share = {"": np.ones(LANDMARKS), "upper": 1 - lower, "lower": lower}[move.part]
        fades = {side: share * fade(rest, rest[list((move.right, move.left)[side])], move.radius) for side in sides}
        total[:, 1:] += np.max(list(fades.values()), axis=0)[:, None] * move.vector[1:]
        # The person's right is the picture's left. In the middle both sides pull.
        total[:, 0] += move.vector[0] * (fades.get(1, 0) - fades.get(0, 0))
    return total


def _lower(rest: np.ndarray) -> np.ndarray:
    """(468,) 0 on the upper lip and above, 1 on the lower lip and below, between at the corners."""
    corners = rest[[61, 291]]
    share = 1 / (1 + np.exp(-(rest[:, 1] - corners[:, 1].mean()) / 0.02))
    share[list(UPPER_LIP)], share[list(LOWER_LIP)] = 0, 1
    share[list(sum(CORNERS, ()))] = 0.5
    return np.asarray(share)


def _jaw(rest: np.ndarray) -> dict[str, np.ndarray]:
    basis = FaceBasis(rest, np.zeros((COMPONENTS, 3 * LANDMARKS)))
    # Unlike in `l2l.faces.geometry`, the whole lower lip goes with the jaw, and all between it and the chin.
    corners = rest[[61, 291]]
    middle = np.abs(rest[:, 0] - corners[:, 0].mean()) / (np.ptp(corners[:, 0]) / 2)
    below = (rest[:, 1] > corners[:, 1].mean()) & (middle < 1)
    below[list(LOWER_LIP)], below[list(UPPER_LIP)] = True, False
    weights = np.where(below, np.maximum(basis.jaw_weights, 1 - 0.85 * middle**2), basis.jaw_weights)[:, None]
    from_hinge = rest - basis.hinge
    # y > 0 moves the chin to the picture's left, which is the person's right.
    turns = {"jawOpen": (JAW_OPEN, 0, 0), "jawLeft": (0, -JAW_SIDEWAYS, 0), "jawRight": (0, JAW_SIDEWAYS, 0)}
    found = {
        name: weights * (Rotation.from_rotvec(turn).apply(from_hinge) - from_hinge) for name, turn in turns.items()
    }
    return found | {"jawForward": weights * [0, 0, -0.07]}


def _mouth(rest: np.ndarray, opened: np.ndarray, lower: np.ndarray) -> dict[str, np.ndarray]:
    """Shapes of the whole mouth. mouthClose brings the lips together that a jaw in full opens."""
    lips = rest[list(UPPER_LIP + LOWER_LIP)]
    near, gap = fade(rest, lips, 0.1)[:, None], opened[14]
    close = near * np.where(lower[:, None] > 0.5, -0.75 * opened, 0.25 * gap * (1 - lower[:, None]))
    middle = fade(rest, lips, 0.16)[:, None]
    return {
        "mouthClose": close,
        "mouthLeft": middle * [_SHIFTED, 0, 0],
        "mouthRight": middle * [-_SHIFTED, 0, 0],
    }
