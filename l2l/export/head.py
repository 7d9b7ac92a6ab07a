"""A head around a face of 468 points: eyes, a mouth to look into, a tongue, and the rest of the skull.

- What is added follows the face: the skull fades out what the face's rim does, the inside of the mouth goes with the
  lips, lower teeth and tongue with the lower one. So anything that moves 468 points moves a head (`Head.follow`).
- It is made here, of the person's own points at rest: there is no other model in it. Eyes are those of the previews
  (`l2l.faces.eyes`).
- Axes and lengths are those of the points: x right, y down, z away from the camera, outer-eye distances.
"""

import itertools
from dataclasses import dataclass

import numpy as np

from l2l.export import sculpt
from l2l.faces.columns import ARKIT, SHAPES
from l2l.faces.eyes import Eyes, shown_by_shapes
from l2l.units import MODEL_DIM
from l2l.video import mesh

_RINGS = 9  # of the skull, behind the face
_BACK, _TOP, _WIDE = 1.2, 0.45, 0.1  # outer-eye distances: length of the skull, height and width beyond the face
_LEVEL, _HAIRLINE = 0.05, 0.35  # outer-eye distances below the eyes: back of the head, and where hair ends behind
_FULL = 0.7  # 1 is an ellipse, less is fuller
_INNER_LIPS = mesh.INNER_LIP_UPPER + mesh.INNER_LIP_LOWER[-2:0:-1]  # once around
_DEEP = (0.06, 0.2, 0.4)  # outer-eye distances that rings of the mouth's inside are behind the lips
_JAW = 14  # the middle of the lower lip's inner edge: it goes with the jaw, and lies where teeth do
_DRAWN_BACK = 0.03  # outer-eye distances
_TONGUE = 0.25  # outer-eye distances that tongueOut brings its tip forward
_BROWS = ((70, 63, 105, 66, 107, 55, 65, 52, 53, 46), (300, 293, 334, 296, 336, 285, 295, 282, 283, 276))
_LIPS = [*sculpt.UPPER_LIP, *sculpt.LOWER_LIP, *sculpt.CORNERS[0], *sculpt.CORNERS[1]]


@dataclass(frozen=True)
class Head:
    """V points at rest, of which the first 468 are the face's."""

    vertices: np.ndarray  # (V, 3)
    parts: dict[str, np.ndarray]  # triangles (n, 3) by what they are: skin, lips, brows, hair, white, iris, ...
    follows: np.ndarray  # (V - 468, 468) how far the others follow each point of the face
    tongue: slice  # where its points are

    def follow(self, moved: np.ndarray) -> np.ndarray:
        """What the whole head does (V, 3) when the face's points move by (468, 3)."""
        return np.concatenate([moved, self.follows @ moved])

    def shapes(self) -> dict[str, np.ndarray]:
        """What each of ARKit's 52 shapes in full adds to the head (V, 3), in ARKit's order."""
        rest = self.vertices[: mesh.LANDMARKS]
        found = {name: self.follow(moved) for name, moved in sculpt.shapes(rest).items()}
        for name, moved in _eye_shapes(rest).items():
            found[name] = np.zeros_like(self.vertices)
            found[name][: len(moved)] = moved
        found["tongueOut"] = np.zeros_like(self.vertices)
        z = self.vertices[self.tongue, 2]
        found["tongueOut"][self.tongue, 2] = -_TONGUE * (z.max() - z) / np.ptp(z)  # its root stays
        return {name: found[name] for name in ARKIT}


def head_of(rest: np.ndarray) -> Head:
    """The head around a face at rest (468, 3)."""
    skin = mesh.triangles()
    a, b, c = (rest[skin[:, k]] for k in range(3))
    if np.cross(b - a, c - a)[:, 2].sum() > 0:  # they are listed as seen from inside
        skin = skin[:, ::-1]
    building = _Building(rest)
    lips = np.isin(skin, _LIPS).all(1)
    brows = np.any([np.isin(skin, brow).all(1) for brow in _BROWS], axis=0)
    building.parts = {"skin": [skin[~lips & ~brows]], "lips": [skin[lips]], "brows": [skin[brows]]}
    eyes = Eyes(rest)
    building.add(_drawn(eyes, rest, np.zeros((1, MODEL_DIM)))[0, mesh.LANDMARKS :], {})
    for part, corners in eyes.parts.items():
        building.parts[part] = [corners]
    _skull(building)
    _mouth(building)
    tongue = _tongue(building)
    parts = {part: np.concatenate(corners).astype(np.int32) for part, corners in building.parts.items()}
    return Head(np.concatenate(building.vertices), parts, np.concatenate(building.follows), tongue)


def _eye_shapes(rest: np.ndarray) -> dict[str, np.ndarray]:
    """What each shape of the eyes adds to the face and the eyes (468 + n, 3)."""
    eyes, names = Eyes(rest), [name for name in SHAPES if name.startswith("eye")]
    faces = np.zeros((1 + len(names), MODEL_DIM))
    for number, name in enumerate(names, 1):
        faces[number, SHAPES.index(name)] = 1
    drawn = _drawn(eyes, rest, faces)
    moved = dict(zip(names, drawn[1:] - drawn[0], strict=True))
    points = len(drawn[0]) - mesh.LANDMARKS  # of both eyes, the right one first
    for side, first in (("Right", 0), ("Left", points // 2)):
        # Lids are flat between their points: the eye draws back, so that it is not seen through them.
        moved[f"eyeBlink{side}"][mesh.LANDMARKS + first :][: points // 2, 2] += _DRAWN_BACK
    return moved


def _drawn(eyes: Eyes, rest: np.ndarray, faces: np.ndarray) -> np.ndarray:
    return eyes.drawn(np.tile(rest, (len(faces), 1, 1)), *shown_by_shapes(faces))


class _Building:
    """Points and triangles so far."""

    def __init__(self, rest: np.ndarray) -> None:
        self.rest, self.vertices = rest, [rest]
        self.follows: list[np.ndarray] = [np.zeros((0, len(rest)))]
        self.parts: dict[str, list[np.ndarray]] = {}

    def add(self, points: np.ndarray, follows: dict[int, tuple[int, float]]) -> slice:
        """Add points (n, 3); point i follows one of the face by a share. Where they are."""
        first = sum(map(len, self.vertices))
        shares = np.zeros((len(points), len(self.rest)))
        for point, (landmark, share) in follows.items():
            shares[point, landmark] = share
        self.vertices.append(points)
        self.follows.append(shares)
        return slice(first, first + len(points))

    def tube(self, part: str, rings: list[np.ndarray], outside: bool) -> None:
        """Close the way from each ring of points (m,) to the next; `outside`: it is seen from outside."""
        for one, two in itertools.pairwise(rings):
            a, b, c, d = one, np.roll(one, -1), two, np.roll(two, -1)
            corners = np.concatenate([np.stack([a, c, b], 1), np.stack([b, c, d], 1)])
            corners = corners[[len(set(corner)) == 3 for corner in corners.tolist()]]  # a ring may be one point
            self.parts.setdefault(part, []).append(corners if outside else corners[:, ::-1])


def _skull(building: _Building) -> None:
    """Quarters of ellipses from the face's rim to the back of the head, higher and wider than the face on their way."""
    rim = list(mesh.FACE_OVAL)
    points = building.rest[rim]
    centre = np.array([0.0, _LEVEL, points[:, 2].mean()])
    away = (points - centre) / np.abs(points - centre).max(0)  # -1 to 1
    rings = [np.array(rim)]
    for number in range(1, _RINGS):
        turn = np.pi / 2 * number / _RINGS
        ring = centre + np.cos(turn) ** _FULL * (points - centre) + [0, 0, _BACK * np.sin(turn)]
        # Not from the rim on, where the skull goes on as the face ends.
        ring[:, 1] += _TOP * np.minimum(away[:, 1], 0) * np.sin(2 * turn) ** 2
        ring[:, 0] += _WIDE * away[:, 0] * np.sin(2 * turn) ** 2
        share = (1 - number / _RINGS) ** 2
        at = building.add(ring, {i: (landmark, share) for i, landmark in enumerate(rim)})
        rings.append(np.arange(at.start, at.stop))
    pole = building.add((centre + [0, 0, _BACK])[None], {})
    rings.append(np.full(len(rim), pole.start))
    building.tube("hair", rings, False)
    behind = np.concatenate(building.parts.pop("hair"))
    hairy = np.concatenate(building.vertices)[behind, 1].mean(1) < _HAIRLINE
    building.parts["hair"] = [behind[hairy]]
    building.parts["skin"].append(behind[~hairy])


def _mouth(building: _Building) -> None:
    """A dark bag behind the lips, and teeth: upper ones that stay, lower ones that go with the lower lip."""
    lips = building.rest[list(_INNER_LIPS)]
    rings = [np.array(_INNER_LIPS)]
    middle = lips.mean(0)
    for number, deep in enumerate(_DEEP):
        wide = 1 + 0.15 * np.sin(np.pi * number / 2)
        ring = middle + (lips - middle) * [wide, 1.3, 1]
        ring[:, 2] = lips[:, 2] + deep
        at = building.add(ring, {i: (landmark, 1.0) for i, landmark in enumerate(_INNER_LIPS)})
        rings.append(np.arange(at.start, at.stop))
    end = building.add((middle + [0, 0, _DEEP[-1] + 0.05])[None], {0: (17, 0.4)})
    building.tube("mouth", [*rings, np.full(len(lips), end.start)], False)
    half, along = 0.38 * np.abs(lips[0, 0] - lips[10, 0]), np.linspace(-1, 1, 11)
    arch = np.stack([middle[0] + half * along, np.zeros(11), middle[2] + 0.07 + 0.12 * along**2], 1)  # (11, 3)
    upper, lower = building.rest[[13, _JAW], 1]
    for top, bottom, share in ((upper - 0.06, upper + 0.03, 0.0), (lower - 0.03, lower + 0.05, 0.9)):
        rows = np.concatenate([arch + [0, top, 0], arch + [0, bottom, 0.01]])
        at = building.add(rows, {i: (_JAW, share) for i in range(len(rows))})
        a = np.arange(at.start, at.start + 10)
        corners = np.concatenate([np.stack([a, a + 11, a + 1], 1), np.stack([a + 1, a + 11, a + 12], 1)])
        building.parts.setdefault("teeth", []).append(corners)


def _tongue(building: _Building) -> slice:
    """A flat ellipsoid above the lower teeth; it goes with the lower lip."""
    lips = building.rest[list(_INNER_LIPS)]
    radii = np.array([0.25 * np.abs(lips[0, 0] - lips[10, 0]), 0.035, 0.2])
    length, around = np.meshgrid(np.linspace(0, np.pi, 9), 2 * np.pi * np.arange(16) / 16, indexing="ij")
    sphere = np.stack([np.sin(length) * np.cos(around), np.sin(length) * np.sin(around), -np.cos(length)], -1)
    centre = [lips[:, 0].mean(), building.rest[_JAW, 1] - 0.045, lips[:, 2].mean() + 0.3]
    points = (centre + sphere * radii).reshape(-1, 3)
    at = building.add(points, {i: (_JAW, 0.9) for i in range(len(points))})
    building.tube("tongue", list(np.arange(at.start, at.stop).reshape(9, 16)), True)
    return at
