"""track: the two people of a recording, each with an identity that stays: left or right.

- The face mesh follows each face from frame to frame; the detector looks every few frames for faces that are missing.
- Every face that appears is followed as a candidate. The two people of a scene are large, present, moving, and no
  renderings (`l2l.video.candidates`). A picture on the wall does not move, an overlay is small, a statue is of one
  material (`l2l.video.person_check`).
- The end of a scene ends all candidates. When all scenes are known, faces tell who is who (`l2l.video.identity`).
  Nobody is looked for in pictures between two scenes.

Run it alone: `l2l track folder`, with video.mp4 in it.
"""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from l2l import config
from l2l.errors import UserError
from l2l.files import NpzWriter, atomic, scratch
from l2l.progress import progress
from l2l.video.appearance import Appearance
from l2l.video.candidates import Candidate, Face, Scene, another
from l2l.video.face_nets import FaceDetector, FaceMesh, region_around
from l2l.video.identity import cast_arrays, who_is_who
from l2l.video.mesh import LANDMARKS
from l2l.video.picture import Picture, read_pictures
from l2l.video.scenes import scenes
from l2l.video.tracks import BLOCK, PEOPLE, block_name, extent, landmark_scale

_MAX_CANDIDATES = 6  # faces followed at once
_MOST_PIXELS = 3840 * 2160  # of a picture: 64 of them wait until it is known where scenes end
_SAME_FACE = 0.35  # two faces nearer than this share of their width are one


Seen = tuple[int, Face]  # number of its candidate


class Tracker:
    """Follows every face of a recording, frame by frame."""

    def __init__(self, settings: config.TrackingSettings) -> None:
        self._settings = settings
        self._detector, self._mesh = FaceDetector(), FaceMesh()
        self._numbers = itertools.count()
        self._since_search = 0
        self.scene = Scene(0, settings.min_person)
        self.finished: list[Scene] = []

    def __call__(self, picture: Picture) -> list[Seen]:
        """The faces in a picture, each with the number of its candidate."""
        scene = self.scene
        seen: list[Seen] = []
        for candidate in scene.candidates:
            if candidate.missed <= self._settings.search_every:  # after that only the detector may find it again
                self._follow(candidate, picture, seen)
        self._since_search += 1
        if self._since_search >= self._settings.search_every or not scene.frames or len(seen) < PEOPLE:
            self._search(picture, seen)
        together = [number for number, _ in seen]
        for candidate in scene.candidates:
            if candidate.number in together:
                candidate.seen_with.update(together)
                candidate.look(picture)
        scene.frames += 1
        return seen

    def skip(self) -> None:
        """Pass a picture in which nobody is looked for."""
        self.scene.frames += 1

    def finish(self) -> None:
        """End the scene."""
        if self.scene.frames:
            self.scene.settle()
            self.finished.append(self.scene)
            self.scene = Scene(self.scene.start + self.scene.frames, self._settings.min_person)

    def _follow(self, candidate: Candidate, picture: Picture, seen: list[Seen]) -> None:
        face = Face(*self._mesh(picture, region_around(candidate.face.landmarks)))
        # A good score, a believable change of size, and not on top of a face already found.
        alike = face.score >= self._settings.min_score and 0.6 < face.width / candidate.face.width < 1.7
        if alike and all(other.away(face.x, face.y) > _SAME_FACE * face.width for _, other in seen):
            candidate.see(face)
            seen.append((candidate.number, face))
        else:
            candidate.missed += 1

    def _is_another(self, candidate: Candidate, picture: Picture, landmarks: np.ndarray) -> bool:
        """Whether a face in the place of one that was lost for a while is somebody else's."""
        if candidate.missed <= self._settings.search_every:
            return False
        face = Appearance()
        face.look(picture.rgb, landmarks)
        return another(face.pattern, candidate.appearance.pattern)

    def _search(self, picture: Picture, seen: list[Seen]) -> None:
        """Detect faces that are not followed: each is one that was lost nearby, or a new one."""
        # While a face is missing, the detector runs every few frames, not in each.
        if self._since_search < min(3, self._settings.search_every) and self.scene.frames:
            return
        self._since_search = 0
        smallest = self._settings.min_face * picture.shape[0]
        for detection in self._detector(picture.rgb, self._settings.min_score):
            size = float((detection.box[2:] - detection.box[:2]).max())
            x, y = ((detection.box[:2] + detection.box[2:]) / 2).tolist()
            if size < smallest or any(other.away(x, y) < 0.5 * size for _, other in seen):
                continue
            face = Face(*self._mesh(picture, detection.region))
            if face.score < self._settings.min_score:
                continue
            found = {number for number, _ in seen}
            lost = [c for c in self.scene.candidates if c.number not in found]
            near = [c for c in lost if c.face.away(x, y) < 1.5 * size and 0.5 < c.face.width / size < 2.0]
            near = [c for c in near if not self._is_another(c, picture, face.landmarks)]
            if near:
                candidate = min(near, key=lambda c: c.face.away(x, y))
                candidate.face = face  # a jump of position is no movement
            elif len(self.scene.candidates) < _MAX_CANDIDATES:
                candidate = Candidate(next(self._numbers), face)
                self.scene.candidates.append(candidate)
            else:
                continue
            candidate.see(face)
            seen.append((candidate.number, face))


def track(video: str | Path, out: str | Path, settings: config.TrackingSettings) -> None:
    """Write tracks.npz for a normalised recording. Raises UserError when it has no picture."""
    video, out = Path(video), Path(out)
    tracker = Tracker(settings)
    scores: list[list[tuple[int, float]]] = []
    with scratch() as temporary:
        # Every candidate's landmarks wait on disk until the scene is over and the two people are known.
        candidates = temporary / "landmarks"
        size = (0, 0)
        with open(candidates, "wb") as file:
            pictures = progress(_pictures(video), f"track {video.parent.name}", unit="frame")
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
                scores.append([(number, face.score) for number, face in seen])
                for _, face in seen:
                    stored = np.clip(np.rint(face.landmarks * landmark_scale(*size)), -32767, 32767)
                    file.write(stored.astype(np.int16).tobytes())
        tracker.finish()
        if not scores:
            raise UserError(f"{video} has no picture that can be decoded; normalise it again.")
        with open(candidates, "rb") as file, atomic(out) as partial:
            _write(partial, file, scores, tracker.finished, size, settings.identity == "side")


def _pictures(video: Path) -> Iterator[Picture]:
    """Raises UserError where they are too large to be held."""
    for picture in read_pictures(video):
        high, wide, _ = picture.shape
        if high * wide > _MOST_PIXELS:
            raise UserError(f"{video} has pictures of {wide}x{high}; normalise it to 3840x2160 or less.")
        yield picture


def _write(
    out: Path,
    candidates: BinaryIO,
    scores: list[list[tuple[int, float]]],
    scenes: list[Scene],
    size: tuple[int, int],
    by_side: bool,
) -> None:
    """Write the two people of each scene."""
    total, scale = len(scores), landmark_scale(*size)
    found = np.zeros((total, PEOPLE), bool)
    score = np.zeros((total, PEOPLE), np.float32)
    box = np.zeros((total, PEOPLE, 4), np.float32)
    segment = np.zeros(total, np.int32)
    person_of: dict[int, int] = {}
    casts = who_is_who(scenes, by_side)
    for index, (scene, (pair, _)) in enumerate(zip(scenes, casts, strict=True)):
        segment[scene.start :] = index
        for person, numbers in enumerate(scene.numbers(pair) if pair else ()):
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
                    box[frame, person] = np.concatenate(extent(face)) / scale
            writer.add(block_name(block), landmarks)
        writer.add("size", np.array(size, np.int32))
        for name, array in (("found", found), ("score", score), ("box", box), ("segment", segment)):
            writer.add(name, array)
        for name, array in cast_arrays(scenes, casts).items():
            writer.add(name, array)
