"""Eyes for a mesh that has none: lids that close, and behind them an eyeball that looks somewhere.

- The tracked mesh hardly sees lids. So lids are moved by geometry: the upper lid's edge travels to the lower one's, and
  the skin between edge and brow follows as a harmonic function.
- The eyeball is as wide as the eye. White, iris, pupil and a reflection are caps of it, each a little larger than the
  one before, so that the depth buffer shows the right one. Skin lies in front of it.
- Everything happens before the head is turned: x right, y down, z away from the camera, in outer-eye distances.
"""

import numpy as np
from scipy.spatial.transform import Rotation

from l2l.faces.columns import SHAPES
from l2l.video import mesh
from l2l.video.harmonic import spread

_EYES = (mesh.RIGHT_EYE, mesh.LEFT_EYE)  # the person's own
_LOWER = np.array([eye[1:8] for eye in _EYES])  # (2, 7) edges of the lids, from the outer corner to the inner one
_UPPER = np.array([eye[:8:-1] for eye in _EYES])
_CORNERS = np.array([[eye[0], eye[8]] for eye in _EYES])  # (2, 2)
_STILL = (*mesh.FACE_OVAL, *mesh.BROWS, *mesh.NOSE, *mesh.MOUTH_CORNERS, *_CORNERS.ravel().tolist())
_MEET = 0.2  # where closed lids meet: share of the opening above the lower lid
_IN_FRONT = 0.01  # outer-eye distances that skin lies in front of an eyeball, at least
_AROUND = 24  # points around a cap

# Parts of an eye: angles at the eyeball's centre of the rings of a cap, and how many radii of the eyeball it is away.
# An iris is 12 mm wide, a pupil 4, the eye of a mesh 30.
_CAPS = {
    "white": ((20, 40, 60, 85), 1.0),
    "iris": ((12, 23), 1.015),
    "pupil": ((9,), 1.03),
    "reflection": ((3.5,), 1.045),
}
_REFLECTION = np.radians([-10, -12])  # to the right and down, so left and above, where the light comes from

# What the shapes do.
CLOSED = 0.5  # weight above rest at which lids are closed
_WIDE, _SQUINT, _FOLLOW = 0.3, 0.3, 0.3  # share of the opening that eyeWide adds; that eyeSquint and eyeLookDown take
_LOOK = np.radians([24, 13])  # sideways, up and down: an iris stays in sight
_BLINK_COLUMNS, _WIDE_COLUMNS, _SQUINT_COLUMNS, _DOWN, _UP, _IN, _OUT = (
    [SHAPES.index(f"eye{what}{side}") for side in ("Right", "Left")]
    for what in ("Blink", "Wide", "Squint", "LookDown", "LookUp", "LookIn", "LookOut")
)
# How much narrower an eye of the tracked mesh is when it begins to close, and when it is closed. On the demo, closed
# eyes are 0.18 and 0.33 narrower there; open ones vary by 0.1.
_SEEN = (0.1, 0.22)


def _cap(angles: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Directions (V, 3) of a cap around the axis towards the camera, and its triangles."""
    rings, turn = np.radians(angles)[:, None], np.arange(_AROUND) * 2 * np.pi / _AROUND
    x, y = np.sin(rings) * np.cos(turn), np.sin(rings) * np.sin(turn)  # (rings, around)
    points = np.stack([x, y, -np.cos(rings).repeat(_AROUND, 1)], -1).reshape(-1, 3)
    first, after = np.arange(_AROUND), np.roll(np.arange(_AROUND), -1)
    triangles = [np.stack([np.zeros_like(first), 1 + first, 1 + after], 1)]
    for inner in 1 + _AROUND * np.arange(len(angles) - 1):
        a, b, c, d = inner + first, inner + after, inner + _AROUND + first, inner + _AROUND + after
        triangles += [np.stack([a, c, b], 1), np.stack([b, c, d], 1)]
    return np.concatenate([[[0, 0, -1]], points]), np.concatenate(triangles).astype(np.int32)


class Eyes:
    """The eyes of one person, from the mesh at rest (468, 3)."""

    def __init__(self, rest: np.ndarray) -> None:
        self._rest = rest
        self._gap = rest[_UPPER] - rest[_LOWER]  # (2, 7, 3)
        edges = [*_LOWER.ravel().tolist(), *_UPPER.ravel().tolist()]
        known = {point: np.zeros(len(edges)) for point in _STILL} | dict(zip(edges, np.eye(len(edges)), strict=True))
        self._follows = spread(known)  # (468, 28) share of each edge point's motion that a landmark follows
        self._radius = np.linalg.norm(np.diff(rest[_CORNERS][..., :2], axis=1), axis=2)[:, 0] / 2  # (2,)
        middle = (rest[_UPPER[:, 3]] + rest[_LOWER[:, 3]]) / 2
        self._centre = np.column_stack([rest[_CORNERS].mean(1)[:, 0], middle[:, 1], middle[:, 2] + self._radius])
        self._caps = {name: (_cap(angles), size) for name, (angles, size) in _CAPS.items()}

    @property
    def parts(self) -> dict[str, np.ndarray]:
        """Triangles (n, 3) of each part of both eyes, in the vertices of `drawn`."""
        found: dict[str, list[np.ndarray]] = {name: [] for name in self._caps}
        first = mesh.LANDMARKS
        for _ in _EYES:
            for name, ((points, triangles), _) in self._caps.items():
                found[name].append(first + triangles)
                first += len(points)
        return {name: np.concatenate(both) for name, both in found.items()}

    def drawn(self, straight: np.ndarray, opening: np.ndarray, gaze: np.ndarray) -> np.ndarray:
        """Meshes (n, 468, 3) with lids as open as `opening` (n, 2) and the vertices of both eyes: (n, V, 3).

        The right eye comes first; an opening of 1 is that at rest. `gaze` (n, 2, 2) is radians to the picture's right
        and down, away from straight ahead.
        """
        skin = self._with_lids(straight, opening)
        centre = self._centre + (straight - self._rest)[:, _CORNERS].mean(2)  # (n, 2, 3)
        light = Rotation.from_rotvec(_axis(_REFLECTION[None])[0]).as_matrix()
        found = []
        for eye in range(len(_EYES)):
            turn = Rotation.from_rotvec(_axis(gaze[:, eye])).as_matrix()  # (n, 3, 3)
            for name, ((points, _), size) in self._caps.items():
                # White is white wherever the eye looks, and light comes from one side.
                directions = {"white": points[None], "reflection": (points @ light.T)[None]}.get(name)
                if directions is None:
                    directions = np.einsum("nij,vj->nvi", turn, points)
                found.append(centre[:, eye, None] + size * self._radius[eye] * directions)
            skin = self._before(skin, centre[:, eye], eye)
        return np.concatenate([skin, *found], axis=1)

    def seen(self, straight: np.ndarray) -> np.ndarray:
        """(n, 2) how open the lids of meshes (n, 468, 3) are; 1 as at rest."""
        gap = (straight[:, _UPPER] - straight[:, _LOWER])[..., 1].mean(2)
        return np.asarray(gap / self._gap[..., 1].mean(1))

    def _with_lids(self, straight: np.ndarray, opening: np.ndarray) -> np.ndarray:
        height = opening[:, :, None, None]
        lower = straight[:, _LOWER] + _MEET * np.clip(1 - height, 0, 1) * self._gap  # (n, 2, 7, 3)
        moved = np.stack([lower - straight[:, _LOWER], lower + height * self._gap - straight[:, _UPPER]], 1)
        return straight + self._follows @ moved.reshape(len(straight), -1, 3)

    def _before(self, skin: np.ndarray, centre: np.ndarray, eye: int) -> np.ndarray:
        """`skin` (n, 468, 3) with what would lie inside an eyeball in front of it."""
        away = skin - centre[:, None]
        across = (away[..., :2] ** 2).sum(-1)
        surface = -np.sqrt(np.clip(self._radius[eye] ** 2 - across, 0, None)) - _IN_FRONT
        near = across < (0.95 * self._radius[eye]) ** 2
        depth = np.where(near, np.minimum(away[..., 2], surface), away[..., 2]) + centre[:, None, 2]
        return np.concatenate([skin[..., :2], depth[..., None]], -1)


def _axis(gaze: np.ndarray) -> np.ndarray:
    """Rotation vectors (n, 3) of an eye that looks to the picture's right and down by angles (n, 2)."""
    return np.column_stack([gaze[:, 1], -gaze[:, 0], np.zeros(len(gaze))])


def shown_by_shapes(faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`opening` and `gaze` for `Eyes.drawn`, of faces (n, >=56) of named shapes."""
    closed = (
        np.maximum(faces[:, _BLINK_COLUMNS], 0) / CLOSED
        + _SQUINT * faces[:, _SQUINT_COLUMNS]
        + _FOLLOW * faces[:, _DOWN]
    )
    opening = np.clip(1 - closed + _WIDE * faces[:, _WIDE_COLUMNS], 0, 1 + _WIDE)
    # The right eye is on the picture's left: it looks in to the picture's right.
    right = (faces[:, _IN] - faces[:, _OUT]) * [1, -1]
    gaze = np.stack([right, faces[:, _DOWN] - faces[:, _UP]], -1)  # (n, 2, 2)
    return opening, np.clip(gaze, -1, 1) * _LOOK


def shown_by_mesh(eyes: Eyes, straight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same of tracked meshes (n, 468, 3): they see a part of a blink, and no gaze."""
    begins, closed = _SEEN
    opening = 1 - np.clip((1 - eyes.seen(straight) - begins) / (closed - begins), 0, 1)
    return opening, np.zeros((len(straight), len(_EYES), 2))
