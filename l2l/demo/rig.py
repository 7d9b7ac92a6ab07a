"""The rig of a puppet: how a face mesh and the head around it follow rotation, jaw, smile and eyelids.

- Around the face's oval lie rings of vertices: first the rest of the head, which turns with the face, then a zone that
  lets go of it step by step; the outermost ring never moves.
- The rings fall back to the depth of the head's axis, where a rotation hardly moves the outline, so hair and background
  are not dragged along. Below the chin they fall back at once, so that a chin that sinks covers the neck.
- Jaw, smile and eyelids are given at a few landmarks and spread over the mesh by a harmonic function: the smoothest
  one there is. The mesh is open at mouth and eyes, so upper and lower lip can part.
- Axes: x right, y down, z away from the camera. Pitch + nods down.
"""

from typing import Any, NamedTuple

import numpy as np

from l2l.video import mesh
from l2l.video.harmonic import spread

_OUTER_LIP_UPPER = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291)
_CHEEKS = (50, 280)
_EARS = (234, 454)
_LOWER_LIP = 17
# Moved neither by a smile nor by a blink.
_FIXED = mesh.FACE_OVAL + mesh.RIGHT_EYE + mesh.LEFT_EYE + mesh.BROWS + mesh.NOSE

# Distances from the oval's centre in units of the oval itself: where the head ends and where nothing moves any more.
_HEAD_SIDE, _HEAD_TOP, _HEAD_BOTTOM = 1.5, 2.05, 1.12
_STILL_SIDE, _STILL_TOP, _STILL_BOTTOM = 2.4, 3.2, 2.0
_HEAD_RINGS, _FADE_RINGS = 4, 6
_AXIS_BEHIND_OVAL = 0.35  # depth of the axis of rotation, in widths of the face
_CORNER_FOLLOWS = 0.25  # share of the jaw's motion that the corners of the mouth follow


class Pose(NamedTuple):
    """One moment of one head, or a curve (T,) of each value; all zeros is the photograph."""

    pitch: Any = 0.0  # degrees, + nods down
    yaw: Any = 0.0  # degrees, + turns to the picture's left
    roll: Any = 0.0  # degrees, + tilts clockwise in the picture
    jaw: Any = 0.0  # degrees of opening
    smile: Any = 0.0  # 0..1
    blink: Any = 0.0  # 0..1, 1 is closed


def rotation(pitch: float, yaw: float, roll: float) -> np.ndarray:
    """Rotation matrix (3, 3) for column vectors, from degrees: pitch first, then yaw, then roll."""
    (cx, cy, cz), (sx, sy, sz) = (f(np.radians([pitch, yaw, roll])).tolist() for f in (np.cos, np.sin))
    return np.array(
        [
            [cy * cz, sx * sy * cz - cx * sz, cx * sy * cz + sx * sz],
            [cy * sz, sx * sy * sz + cx * cz, cx * sy * sz - sx * cz],
            [-sy, sx * cy, cx * cy],
        ]
    )


class Rig:
    """Rest shape and motion of one head, from its landmarks (468, 3) in pixels."""

    def __init__(self, landmarks: np.ndarray) -> None:
        oval = landmarks[list(mesh.FACE_OVAL)]  # (36, 3)
        self._width = float(np.ptp(landmarks[:, 0]))
        # The neck is where a head tilts; behind the ears is where it turns.
        axis_depth = oval[:, 2].mean() + _AXIS_BEHIND_OVAL * self._width
        self._axis = np.array([oval[:, 0].mean(), landmarks[mesh.CHIN, 1], axis_depth])
        self._hinge = landmarks[list(_EARS)].mean(0)

        rings, follows, jaw_share = _rings(oval, axis_depth)
        count, around = rings.shape[:2]
        self.vertices = np.concatenate([landmarks, rings.reshape(-1, 3)])  # (V, 3)
        numbers = np.concatenate([[mesh.FACE_OVAL], mesh.LANDMARKS + np.arange(count * around).reshape(count, around)])
        self.triangles = np.concatenate([mesh.triangles(), _bands(numbers)])  # (F, 3): the skin
        self.eyes = mesh.eye_triangles()
        self.mouth = mesh.mouth_triangles()

        self._follows = np.concatenate([np.ones(mesh.LANDMARKS), follows.repeat(around)])[:, None]  # (V, 1)
        jaw = self._jaw(landmarks)
        ring_jaw = (jaw_share[:, None] * jaw[list(mesh.FACE_OVAL)]).ravel()
        self._jaw_follows = np.concatenate([jaw, ring_jaw])[:, None]  # (V, 1)
        still = np.zeros((count * around, 3))
        self._smile = np.concatenate([self._smiling(landmarks), still])  # (V, 3) pixels
        self._blink = np.concatenate([self._blinking(landmarks), still])  # (V, 3) pixels

    def bend(self, pose: Pose) -> np.ndarray:
        """Vertices (V, 3) with jaw, smile and eyelids moved and the head still straight."""
        vertices = self.vertices + pose.smile * self._smile + pose.blink * self._blink
        arm = vertices - self._hinge
        vertices += self._jaw_follows * (arm @ (rotation(pose.jaw, 0, 0) - np.eye(3)).T)
        return vertices

    def turn(self, vertices: np.ndarray, pose: Pose) -> np.ndarray:
        """`vertices` (V, 3) with the head rotated."""
        arm = vertices - self._axis
        return vertices + self._follows * (arm @ (rotation(*pose[:3]) - np.eye(3)).T)

    def _jaw(self, landmarks: np.ndarray) -> np.ndarray:
        """(468,) share of the jaw's rotation that each landmark follows."""
        height, ear, lips = landmarks[:, 1], self._hinge[1], landmarks[list(mesh.MOUTH_CORNERS), 1].mean()
        along = np.abs(np.linspace(-1, 1, len(mesh.INNER_LIP_LOWER)))  # 1 at the corners, 0 in the middle
        values = {i: float(_ease((height[i] - ear) / (lips - ear))) for i in mesh.FACE_OVAL}
        values |= dict.fromkeys(mesh.NOSE + mesh.BROWS + mesh.RIGHT_EYE + mesh.LEFT_EYE, 0.0)
        values |= dict(zip(_OUTER_LIP_UPPER, _CORNER_FOLLOWS * along**6, strict=True))
        values |= dict(zip(mesh.INNER_LIP_UPPER, _CORNER_FOLLOWS * along**6, strict=True))
        values |= dict(zip(mesh.INNER_LIP_LOWER, 1 - (1 - _CORNER_FOLLOWS) * along**2.5, strict=True))
        return spread({i: np.array([value]) for i, value in values.items()})[:, 0]

    def _smiling(self, landmarks: np.ndarray) -> np.ndarray:
        """(468, 3) pixels by which a full smile moves each landmark."""
        values = dict.fromkeys(_FIXED, np.zeros(3))
        for corners, cheek, side in (((61, 78), _CHEEKS[0], -1), ((291, 308), _CHEEKS[1], 1)):
            values |= dict.fromkeys(corners, self._width * np.array([side * 0.06, -0.055, 0.02]))
            values[cheek] = self._width * np.array([side * 0.012, -0.02, -0.01])
        for lip in (13, 14, 0, _LOWER_LIP):
            values[lip] = self._width * np.array([0, -0.008, 0])
        return spread(values)

    def _blinking(self, landmarks: np.ndarray) -> np.ndarray:
        """(468, 3) pixels by which closing the eyes moves each landmark."""
        values = dict.fromkeys(_FIXED, np.zeros(3))
        for eye in (mesh.RIGHT_EYE, mesh.LEFT_EYE):
            for lower, upper in zip(eye[1:8], eye[:8:-1], strict=True):
                values[upper] = landmarks[lower] - landmarks[upper]
        return spread(values)


def _ease(x: np.ndarray) -> np.ndarray:
    """From 0 at 0 to 1 at 1, level at both ends."""
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)


def _rings(oval: np.ndarray, axis_depth: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertices (R, 36, 3) around the `oval` (36, 3), and each ring's shares (R,) of the head's and the jaw's motion."""
    centre = oval.mean(0)
    direction = (oval - centre)[:, :2] / (np.ptp(oval[:, :2], axis=0) / 2)
    above = direction[:, 1] < 0
    upright = np.abs(direction[:, 1]) / np.linalg.norm(direction, axis=1)  # (36,) 0 beside, 1 above and below
    # Round above, but a head narrows quickly below its ears, where the shoulders must stay.
    upright = np.where(above, upright**2, upright)
    head = _HEAD_SIDE + upright * (np.where(above, _HEAD_TOP, _HEAD_BOTTOM) - _HEAD_SIDE)
    still = _STILL_SIDE + upright * (np.where(above, _STILL_TOP, _STILL_BOTTOM) - _STILL_SIDE)

    inner = np.arange(1, _HEAD_RINGS + 1)[:, None] / _HEAD_RINGS  # (4, 1)
    outer = np.arange(1, _FADE_RINGS + 1)[:, None] / _FADE_RINGS  # (6, 1)
    factor = np.concatenate([1 + inner * (head - 1), head + outer * (still - head)])[..., None]  # (R, 36, 1)
    # A circle's profile: the head's surface bends away ever faster towards its outline.
    back = np.concatenate([1 - np.sqrt(1 - inner**2), np.ones_like(outer)])  # (R, 1)
    depth = oval[:, 2] + back * (axis_depth - oval[:, 2])  # (R, 36)
    flat = centre[:2] + factor * (oval[:, :2] - centre[:2])  # (R, 36, 2)
    follows = np.concatenate([np.ones(_HEAD_RINGS), 1 - _ease(outer[:, 0])])
    jaw = np.concatenate([1 - inner[:, 0], np.zeros(_FADE_RINGS)])
    return np.concatenate([flat, depth[..., None]], -1), follows, jaw


def _bands(numbers: np.ndarray) -> np.ndarray:
    """Triangles (n, 3) between neighbouring closed rows of vertex numbers (R, around)."""
    a, b = numbers[:-1], numbers[1:]
    a_next, b_next = np.roll(a, -1, 1), np.roll(b, -1, 1)
    pairs = np.stack([np.stack([a, a_next, b], -1), np.stack([a_next, b_next, b], -1)])  # (2, R - 1, around, 3)
    return pairs.reshape(-1, 3).astype(np.int32)
