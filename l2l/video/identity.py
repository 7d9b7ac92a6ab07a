"""Who is who: the two people of a recording, followed from scene to scene by their faces.

- Scenes that show the same two faces belong together. The two who are seen together longest are the people of the
  recording, and `left` is who of them sits on the left in their first scene. They keep that name wherever they sit.
- A scene with somebody else, or in which it is not certain who is who, is left out.
- Within a recording light, camera and hair stay alike, so patterns of the unfolded face suffice (see
  `l2l.video.appearance`; benchmarks/who_is_who.py has the numbers).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from l2l.video.appearance import PATTERN, likeness
from l2l.video.candidates import Pair, Scene
from l2l.video.tracks import Seats

SAME = 0.82  # likeness from which two faces are one person's
CERTAIN = 0.06  # by how much a pair must be more like the two people than the other way round
_VIEWS, _NEW_VIEW = 6, 0.95  # views kept of a person; likeness to all of them below which a view is new
_COUPLES = 8  # couples remembered at once


@dataclass(frozen=True)
class Fit:
    """How well two faces are two people."""

    pair: Pair  # in the people's order
    least: float  # likeness of the less alike of the two
    lead: float  # how much more alike they are so than the other way round

    @property
    def same(self) -> bool:
        return self.least >= SAME

    @property
    def good(self) -> bool:
        return self.same and self.lead >= CERTAIN


class Couple:
    """Two people as the scenes show them: several views of each."""

    def __init__(self, pair: Pair) -> None:
        self.views: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
        self.frames = 0
        self._remember(pair)

    def add(self, scene: Scene, pair: Pair) -> None:
        """Remember a scene that shows both, `pair` in the people's order."""
        self.frames += scene.frames
        self._remember(pair)

    def fit(self, pair: Pair) -> Fit:
        """How well `pair` is these two, the better way round."""
        alike = [[_most(face.pattern, views) for views in self.views] for face in pair]
        lead = alike[0][0] + alike[1][1] - alike[0][1] - alike[1][0]
        if lead >= 0:
            return Fit(pair, min(alike[0][0], alike[1][1]), lead)
        return Fit((pair[1], pair[0]), min(alike[0][1], alike[1][0]), -lead)

    def _remember(self, pair: Pair) -> None:
        for face, views in zip(pair, self.views, strict=True):
            if len(views) < _VIEWS and _most(face.pattern, views) < _NEW_VIEW:
                views.append(face.pattern)


def _most(pattern: np.ndarray, views: list[np.ndarray]) -> float:
    return max((likeness(pattern, view) for view in views), default=0.0)


def who_is_who(scenes: Sequence[Scene], by_side: bool = False) -> list[tuple[Pair | None, Seats]]:
    """For each scene its two people, `left` first, and how they sit; no people where the scene is left out.

    `by_side`: whoever is on the left is `left`, in each scene anew.
    """
    pairs = [scene.pairs() for scene in scenes]
    if by_side or sum(map(bool, pairs)) < 2:
        return [(found[0], Seats.FIRST) if found else (None, Seats.NOBODY) for found in pairs]
    couple = _couple(scenes, pairs)
    seated: dict[int, Pair] = {}
    seats = [Seats.UNCERTAIN if found else Seats.NOBODY for found in pairs]
    while True:  # each scene that is told may show a view by which others are
        new = {}
        for index, found in enumerate(pairs):
            if not found or index in seated:
                continue
            fits = [couple.fit(pair) for pair in found]
            good = [fit for fit in fits if fit.good]
            if good:
                new[index] = max(good, key=lambda fit: fit.least).pair
            seats[index] = Seats.UNCERTAIN if fits[0].same else Seats.SOMEBODY_ELSE
        if not new:
            break
        for index, pair in new.items():
            couple.add(scenes[index], pair)
        seated |= new
    if not seated:  # two who cannot be told apart
        return [(None, seat) for seat in seats]
    turned = not _in_order(seated[min(seated)])
    for index, pair in seated.items():
        seated[index] = pair = (pair[1], pair[0]) if turned else pair
        seats[index] = Seats.FIRST if _in_order(pair) else Seats.SWAPPED
    return [(seated.get(index), seat) for index, seat in enumerate(seats)]


def _couple(scenes: Sequence[Scene], pairs: Sequence[list[Pair]]) -> Couple:
    """The two people who are seen together longest."""
    couples: list[Couple] = []
    for scene, found in zip(scenes, pairs, strict=True):
        if not found:
            continue
        fits = [(couple.fit(found[0]), couple) for couple in couples]
        best = max(fits, key=lambda item: item[0].least, default=None)
        if best and best[0].same:
            if best[0].good:
                best[1].add(scene, best[0].pair)
        elif len(couples) < _COUPLES:
            couples.append(Couple(found[0]))
            couples[-1].frames = scene.frames
    return max(couples, key=lambda couple: couple.frames)


def _in_order(pair: Pair) -> bool:
    return pair[0].mean_x <= pair[1].mean_x


def cast_arrays(scenes: Sequence[Scene], casts: Sequence[tuple[Pair | None, Seats]]) -> dict[str, np.ndarray]:
    """What tracks.npz says of the two people (`l2l.video.tracks.Cast`)."""
    shown = [(scene.frames, pair) for scene, (pair, _) in zip(scenes, casts, strict=True) if pair]
    person, pattern = np.full(2, np.nan, np.float32), np.zeros((2, *PATTERN), np.float32)
    for side in range(2):
        faces = [(frames, pair[side]) for frames, pair in shown]
        scored = [(frames, face.person) for frames, face in faces if face.person is not None]
        if scored:
            person[side] = np.average([score for _, score in scored], weights=[frames for frames, _ in scored])
        if faces:
            pattern[side] = np.average([face.pattern for _, face in faces], 0, [frames for frames, _ in faces])
    total = sum(scene.frames for scene in scenes)
    refused = sum(max((face.frames for face in scene.refused()), default=0) for scene in scenes)
    pairs = [(scene, pair) for scene, (pair, _) in zip(scenes, casts, strict=True) if pair]
    strangers = sum(sum(face.frames for face in scene.strangers(pair)) for scene, pair in pairs)
    return {
        "seats": np.array([seat for _, seat in casts], np.int8),
        "person": person,
        "pattern": pattern,
        "refused": np.array(refused / total, np.float32),
        "strangers": np.array(min(1.0, strangers / total), np.float32),
    }
