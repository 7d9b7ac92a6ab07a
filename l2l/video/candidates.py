"""The faces of one scene, and which two of them may be its people."""

import itertools
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from l2l.video.appearance import Appearance, likeness
from l2l.video.person_check import person_score
from l2l.video.picture import Picture
from l2l.video.tracks import extent

STILL = 0.002  # mean movement per frame, in face widths, below which a face is a picture
_TOLD_APART = 0.03  # difference of likeness that tells whose face it is
# Likeness below which a face that comes back is another one. One person's looks are alike by 0.84 and more in other
# poses and light, 95 % of two people's by 0.81 or less (24 people); expressions of real faces change them further.
_ANOTHER = 0.76
Pair = tuple["Candidate", "Candidate"]


class Face:
    """One face in one frame: landmarks (468, 3) px, a score of 0 to 1, and how large and where it is, px."""

    def __init__(self, landmarks: np.ndarray, score: float = 1.0) -> None:
        low, high = extent(landmarks)
        self.landmarks, self.score = landmarks, score
        self.width = float((high - low).max())
        self.x, self.y = ((low + high) / 2).tolist()

    def away(self, x: float, y: float) -> float:
        """Pixels between its centre and a point."""
        return math.hypot(self.x - x, self.y - y)


def another(pattern: np.ndarray, known: np.ndarray) -> bool:
    """Whether a face is certainly not the known one, by their patterns (8, 8, 9). Not where either was never seen."""
    return bool(pattern[..., -1].any() and known[..., -1].any()) and likeness(pattern, known) < _ANOTHER


@dataclass(eq=False)
class Candidate:
    """One face of a scene: its last place, and the sums over the `frames` in which it was seen."""

    number: int
    face: Face  # as last seen
    missed: int = 0  # frames since it was last seen
    frames: int = 0
    width_sum: float = 0.0
    x_sum: float = 0.0
    movement_sum: float = 0.0
    seen_with: Counter[int] = field(default_factory=Counter)  # number of another candidate: frames together
    appearance: Appearance = field(default_factory=Appearance)

    @property
    def mean_width(self) -> float:
        return self.width_sum / self.frames

    @property
    def mean_x(self) -> float:
        return self.x_sum / self.frames

    @property
    def moves(self) -> bool:
        return self.movement_sum > STILL * self.frames

    # Asked for when the scene is over: then they stay.
    @cached_property
    def pattern(self) -> np.ndarray:
        """What the face is told apart by (8, 8, 9)."""
        return self.appearance.pattern

    @cached_property
    def person(self) -> float | None:
        """0..1, from 0.5 on a person; None where it cannot be told."""
        return person_score(self.appearance) if self.appearance.looks else None

    def see(self, face: Face) -> None:
        # Movement of every landmark, so that a mouth that talks in a still head counts too.
        step = np.linalg.norm(face.landmarks[:, :2] - self.face.landmarks[:, :2], axis=1).mean()
        self.face, self.missed, self.frames = face, 0, self.frames + 1
        self.width_sum += face.width
        self.x_sum += face.x
        self.movement_sum += min(float(step) / face.width, 0.1)

    def look(self, picture: Picture) -> None:
        """Remember how the face looks, at moments that lie twice as far apart each time: in frame 2, 6, 14, 30, ..."""
        if self.frames > 1 and (self.frames + 2).bit_count() == 1:
            self.appearance.look(picture.rgb, self.face.landmarks)

    def prominence(self, scene_frames: int) -> float:
        """How much it looks like one of the two people: large, present, moving."""
        return self.mean_width * (self.frames / scene_frames) * (1.0 if self.moves else 0.1)


@dataclass
class Scene:
    """The candidates between two cuts."""

    start: int
    min_person: float = 0.5  # score from which a face is that of a person
    frames: int = 0
    candidates: list[Candidate] = field(default_factory=list)

    def settle(self) -> None:
        """The scene is over: keep what its faces are told apart by, and forget their pictures."""
        for candidate in self.candidates:
            _ = candidate.pattern, candidate.person
            candidate.appearance = Appearance()

    def pairs(self) -> list[Pair]:
        """Pairs of faces that may be the two people, best first, each with the left one first."""
        people = [c for c in self._ranked() if c.person is None or c.person >= self.min_person]
        rated = []
        for a, b in itertools.combinations(people, 2):
            rating = a.prominence(self.frames) * b.prominence(self.frames) * a.seen_with[b.number]
            if rating:
                rated.append((rating, (a, b) if a.mean_x <= b.mean_x else (b, a)))
        return [pair for _, pair in sorted(rated, key=lambda item: -item[0])]

    def refused(self) -> list[Candidate]:
        """Faces that move and do not look like a person's, though they are large and present enough to be one."""
        faces = self._ranked()
        least = 0.5 * faces[:2][-1].prominence(self.frames) if faces else 0.0
        doubted = [c for c in faces if c.person is not None and c.person < self.min_person]
        return [c for c in doubted if c.moves and c.prominence(self.frames) >= least]

    def numbers(self, pair: Pair) -> list[set[int]]:
        """The numbers of all candidates that are the one and the other of a pair: a face lost and found has several."""
        chosen = [{person.number} for person in pair]
        for extra, near in self._in_their_places(pair):
            if not another(extra.pattern, pair[near].pattern):
                chosen[near].add(extra.number)
        return chosen

    def strangers(self, pair: Pair) -> list[Candidate]:
        """Faces of somebody else who has taken the place of one of a pair."""
        return [extra for extra, near in self._in_their_places(pair) if another(extra.pattern, pair[near].pattern)]

    def _in_their_places(self, pair: Pair) -> Iterator[tuple[Candidate, int]]:
        """Other faces, each with that of the pair that it may be: never seen together, alike in size."""
        for extra in self._ranked():
            if extra in pair:
                continue
            near = self._whose(extra, pair)
            person = pair[near]
            alike = 0.6 < extra.mean_width / person.mean_width < 1.6
            if alike and extra.moves and not extra.seen_with[person.number]:
                yield extra, near

    def _ranked(self) -> list[Candidate]:
        return sorted(self.candidates, key=lambda c: -c.prominence(self.frames))

    def _whose(self, extra: Candidate, pair: Pair) -> int:
        """Whom of a pair it looks like; where that does not tell, who is nearer."""
        first, second = (likeness(extra.pattern, person.pattern) for person in pair)
        if abs(first - second) > _TOLD_APART:
            return int(second > first)
        return int(abs(extra.mean_x - pair[1].mean_x) < abs(extra.mean_x - pair[0].mean_x))
