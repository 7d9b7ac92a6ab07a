"""track: the two people of a recording, each with an identity that stays: left or right.

- The face mesh follows each face from frame to frame; the detector looks every few frames for faces that are missing.
- Every face that appears is followed as a candidate; at the end of a scene the two that are people are chosen:
  large, present, and moving. A picture on the wall does not move, an overlay is small.
- The end of a scene ends all candidates; in the next scene the two people are chosen again, by side. Nobody is looked
  for in pictures between two scenes.

Run it alone: `l2l track folder`, with video.mp4 in it.
"""

import itertools
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np

from l2l import config
from l2l.errors import UserError
from l2l.files import NpzWriter, atomic
from l2l.progress import progress
from l2l.video.face_nets import FaceDetector, FaceMesh, region_around
from l2l.video.media import read_frames
from l2l.video.mesh import LANDMARKS
from l2l.video.scenes import scenes
from l2l.video.tracks import BLOCK, PEOPLE, block_name, landmark_scale

_MAX_CANDIDATES = 6  # faces followed at once
_STILL = 0.002  # mean movement per frame, in face widths, below which a face is a picture
_SAME_FACE = 0.35  # two faces nearer than this share of their width are one


# One face in one frame: number of its candidate, landmarks (468, 3) px, score.
Seen = tuple[int, np.ndarray, float]


def _centre(landmarks: np.ndarray) -> np.ndarray:
    return (landmarks[:, :2].min(0) + landmarks[:, :2].max(0)) / 2


def _width(landmarks: np.ndarray) -> float:
    return float(np.ptp(landmarks[:, :2], axis=0).max())


@dataclass
class Candidate:
    """One face of a scene: its last place, and the sums over the `frames` in which it was seen."""

    number: int
    landmarks: np.ndarray  # (468, 3) px, as last seen
    missed: int = 0  # frames since it was last seen
    frames: int = 0
    width_sum: float = 0.0
    x_sum: float = 0.0
    movement_sum: float = 0.0
    seen_with: Counter[int] = field(default_factory=Counter)  # number of another candidate: frames together

    @property
    def mean_width(self) -> float:
        return self.width_sum / self.frames

    @property
    def mean_x(self) -> float:
        return self.x_sum / self.frames

    @property
    def moves(self) -> bool:
        return self.movement_sum > _STILL * self.frames

    def see(self, landmarks: np.ndarray) -> None:
        # Movement of every landmark, so that a mouth that talks in a still head counts too.
        step = np.linalg.norm(landmarks[:, :2] - self.landmarks[:, :2], axis=1).mean()
        width = _width(landmarks)
        self.landmarks, self.missed, self.frames = landmarks, 0, self.frames + 1
        self.width_sum += width
        self.x_sum += float(_centre(landmarks)[0])
        self.movement_sum += min(float(step) / width, 0.1)

    def likeness(self, scene_frames: int) -> float:
        """How much it looks like a person: large, present, moving."""
        return self.mean_width * (self.frames / scene_frames) * (1.0 if self.moves else 0.1)


@dataclass
class _Scene:
    """The candidates between two cuts."""

    start: int
    frames: int = 0
    candidates: list[Candidate] = field(default_factory=list)

    def choose(self) -> list[set[int]]:
        """The candidate numbers of the person on the left and on the right; none when there are not two people."""
        ranked = sorted(self.candidates, key=lambda c: -c.likeness(self.frames))
        pairs = [
            (a.likeness(self.frames) * b.likeness(self.frames) * a.seen_with[b.number], a, b)
            for a, b in itertools.combinations(ranked, 2)
        ]
        best = max(pairs, key=lambda pair: pair[0], default=(0,))
        if not best[0]:
            return [set(), set()]
        people = sorted(best[1:], key=lambda c: c.mean_x)
        chosen = [{person.number} for person in people]
        for extra in ranked:
            if extra.number in chosen[0] | chosen[1]:
                continue
            near = int(abs(extra.mean_x - people[1].mean_x) < abs(extra.mean_x - people[0].mean_x))
            person = people[near]
            # The same person, lost and found again elsewhere: never seen together, alike in size.
            alike = 0.6 < extra.mean_width / person.mean_width < 1.6
            if alike and extra.moves and not extra.seen_with[person.number]:
                chosen[near].add(extra.number)
        return chosen


class Tracker:
    """Follows every face of a recording, frame by frame."""

    def __init__(self, settings: config.TrackingSettings) -> None:
        self._settings = settings
        self._detector, self._mesh = FaceDetector(), FaceMesh()
        self._numbers = itertools.count()
        self._since_search = 0
        self.scene = _Scene(0)
        self.finished: list[_Scene] = []

    def __call__(self, picture: np.ndarray) -> list[Seen]:
        """(candidate number, landmarks (468, 3) px, score) of each face in an RGB picture (H, W, 3)."""
        scene = self.scene
        seen: list[Seen] = []
        for candidate in scene.candidates:
            if candidate.missed <= self._settings.search_every:  # after that only the detector may find it again
                self._follow(candidate, picture, seen)
        self._since_search += 1
        if self._since_search >= self._settings.search_every or not scene.frames or len(seen) < PEOPLE:
            self._search(picture, seen)
        together = [number for number, _, _ in seen]
        for candidate in scene.candidates:
            if candidate.number in together:
                candidate.seen_with.update(together)
        scene.frames += 1
        return seen

    def skip(self) -> None:
        """Pass a picture in which nobody is looked for."""
        self.scene.frames += 1

    def finish(self) -> None:
        """End the scene."""
        if self.scene.frames:
            self.finished.append(self.scene)
            self.scene = _Scene(self.scene.start + self.scene.frames)

    def _follow(self, candidate: Candidate, picture: np.ndarray, seen: list[Seen]) -> None:
        landmarks, score = self._mesh(picture, region_around(candidate.landmarks))
        width, centre = _width(landmarks), _centre(landmarks)
        # A good score, a believable change of size, and not on top of a face already found.
        alike = score >= self._settings.min_score and 0.6 < width / _width(candidate.landmarks) < 1.7
        if alike and all(np.linalg.norm(_centre(other) - centre) > _SAME_FACE * width for _, other, _ in seen):
            candidate.see(landmarks)
            seen.append((candidate.number, landmarks, score))
        else:
            candidate.missed += 1

    def _search(self, picture: np.ndarray, seen: list[Seen]) -> None:
        """Detect faces that are not followed: each is one that was lost nearby, or a new one."""
        # While a face is missing, the detector runs every few frames, not in each.
        if self._since_search < min(3, self._settings.search_every) and self.scene.frames:
            return
        self._since_search = 0
        smallest = self._settings.min_face * picture.shape[0]
        for detection in self._detector(picture, self._settings.min_score):
            size = float((detection.box[2:] - detection.box[:2]).max())
            centre = (detection.box[:2] + detection.box[2:]) / 2
            if size < smallest or any(np.linalg.norm(_centre(face) - centre) < 0.5 * size for _, face, _ in seen):
                continue
            landmarks, score = self._mesh(picture, detection.region)
            if score < self._settings.min_score:
                continue
            found = {number for number, _, _ in seen}
            lost = [c for c in self.scene.candidates if c.number not in found]
            away = {c.number: float(np.linalg.norm(_centre(c.landmarks) - centre)) for c in lost}
            near = [c for c in lost if away[c.number] < 1.5 * size and 0.5 < _width(c.landmarks) / size < 2.0]
            if near:
                candidate = min(near, key=lambda c: away[c.number])
                candidate.landmarks = landmarks  # a jump of position is no movement
            elif len(self.scene.candidates) < _MAX_CANDIDATES:
                candidate = Candidate(next(self._numbers), landmarks)
                self.scene.candidates.append(candidate)
            else:
                continue
            candidate.see(landmarks)
            seen.append((candidate.number, landmarks, score))


def track(video: str | Path, out: str | Path, settings: config.TrackingSettings) -> None:
    """Write tracks.npz for a normalised recording. Raises UserError when it has no picture."""
    video, out = Path(video), Path(out)
    tracker = Tracker(settings)
    scores: list[list[tuple[int, float]]] = []
    with tempfile.TemporaryDirectory() as scratch:
        # Every candidate's landmarks wait on disk until the scene is over and the two people are known.
        candidates = Path(scratch) / "landmarks"
        size = (0, 0)
        with open(candidates, "wb") as file:
            pictures = progress(read_frames(video), f"track {video.parent.name}", unit="frame")
            last: int | None = None
            for picture, number in scenes(pictures, settings.scene_cut):
                size = (picture.shape[1], picture.shape[0])
                if number != last:
                    tracker.finish()
                last = number
                seen: list[Seen] = []
                if number is None:
                    tracker.skip()
                else:
                    seen = tracker(picture)
                scores.append([(number, score) for number, _, score in seen])
                for _, landmarks, _ in seen:
                    stored = np.clip(np.rint(landmarks * landmark_scale(*size)), -32767, 32767)
                    file.write(stored.astype(np.int16).tobytes())
        tracker.finish()
        if not scores:
            raise UserError(f"{video} has no picture that can be decoded; normalise it again.")
        with open(candidates, "rb") as file, atomic(out) as partial:
            _write(partial, file, scores, tracker.finished, size)


def _write(
    out: Path, candidates: BinaryIO, scores: list[list[tuple[int, float]]], scenes: list[_Scene], size: tuple[int, int]
) -> None:
    """Write the two people of each scene."""
    total, scale = len(scores), landmark_scale(*size)
    found = np.zeros((total, PEOPLE), bool)
    score = np.zeros((total, PEOPLE), np.float32)
    box = np.zeros((total, PEOPLE, 4), np.float32)
    segment = np.zeros(total, np.int32)
    person_of: dict[int, int] = {}
    for index, scene in enumerate(scenes):
        segment[scene.start :] = index
        for person, numbers in enumerate(scene.choose()):
            person_of |= dict.fromkeys(numbers, person)
    with NpzWriter(out) as writer:
        for block, start in enumerate(range(0, total, BLOCK)):
            landmarks = np.zeros((min(BLOCK, total - start), PEOPLE, LANDMARKS, 3), np.int16)
            for frame in range(start, start + len(landmarks)):
                for number, value in scores[frame]:
                    face = np.frombuffer(candidates.read(LANDMARKS * 3 * 2), np.int16).reshape(LANDMARKS, 3)
                    person = person_of.get(number, -1)
                    if person < 0 or found[frame, person]:
                        continue
                    found[frame, person], score[frame, person] = True, value
                    landmarks[frame - start, person] = face
                    box[frame, person] = np.concatenate([face[:, :2].min(0), face[:, :2].max(0)]) / scale
            writer.add(block_name(block), landmarks)
        writer.add("size", np.array(size, np.int32))
        for name, array in (("found", found), ("score", score), ("box", box), ("segment", segment)):
            writer.add(name, array)
