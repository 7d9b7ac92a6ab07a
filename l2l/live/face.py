"""A face as it arrives, picture by picture, to face vectors of the person's backend.

- The largest face of the picture is followed. Pictures come when they come; frames lie between them, and what was
  measured is interpolated to the moment of each frame.
- A person's resting face is not known in advance, as it is for a recording: it is estimated from what was seen so far,
  often in the first seconds, and less often later. Until enough was seen, the face is at rest.
- Smoothing is that of the step faces; the last frames of a patch, whose future is not there yet, are smoothed from one
  side.
"""

from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from scipy.spatial.transform import Rotation

from l2l import config
from l2l.errors import UserError
from l2l.faces import blendshapes, geometry, landmarks
from l2l.faces.face_landmarker import SHAPES, FaceLandmarker
from l2l.faces.smoothing import smooth
from l2l.faces.store import backend_of
from l2l.units import MODEL_DIM, PATCH
from l2l.video.face_nets import FaceDetector, FaceMesh, region_around

_REMEMBERED = 400  # frames from which the resting face is estimated, as for a recording
_FEWEST = 5  # frames before there is an estimate
_EVERY = 3  # every third frame is remembered; they are much alike
_CONTEXT = 16  # frames before a patch that smoothing looks at
_WAITING = 300  # pictures that wait for their sound, at most


class Measured(NamedTuple):
    """What a picture shows."""

    landmarks: np.ndarray  # (468, 3) px
    shapes: np.ndarray | None  # (52,) weights, of backend blendshapes


class OneFace:
    """Follows the largest face from picture to picture."""

    def __init__(self, settings: config.TrackingSettings) -> None:
        self._settings = settings
        self._detector, self._mesh = FaceDetector(), FaceMesh()
        self._last: np.ndarray | None = None

    def __call__(self, picture: np.ndarray) -> np.ndarray | None:
        """Landmarks (468, 3) px of the face in an RGB picture (H, W, 3) uint8; None when there is none."""
        if self._last is not None:
            found, score = self._mesh(picture, region_around(self._last))
            self._last = found if score >= self._settings.min_score else None
        if self._last is None:
            smallest = self._settings.min_face * picture.shape[0]
            sizes = [
                (float((detection.box[2:] - detection.box[:2]).max()), detection)
                for detection in self._detector(picture, self._settings.min_score)
            ]
            size, detection = max(sizes, key=lambda one: one[0], default=(0.0, None))
            if detection is not None and size >= smallest:
                found, score = self._mesh(picture, detection.region)
                self._last = found if score >= self._settings.min_score else None
        return self._last


class _Backend(Protocol):
    """How a backend turns what was measured into faces."""

    def look(self, picture: np.ndarray, found: np.ndarray) -> Measured: ...
    def learn(self, seen: list[Measured]) -> None:
        """Estimate the person at rest."""

    def faces(self, measured: list[Measured]) -> np.ndarray:
        """(n, 56)."""

    def smooth(self, faces: np.ndarray) -> None:
        """In place."""


class _Landmarks:
    def __init__(self, basis: Path, settings: config.FacesSettings) -> None:
        self._basis, self._window = landmarks.load_basis(basis), settings.smoothing
        self._neutral = self._basis.template

    def look(self, picture: np.ndarray, found: np.ndarray) -> Measured:
        return Measured(found, None)

    def learn(self, seen: list[Measured]) -> None:
        self._neutral = geometry.neutral_face(np.stack([one.landmarks for one in seen]), self._basis.template)

    def faces(self, measured: list[Measured]) -> np.ndarray:
        return geometry.decompose(np.stack([one.landmarks for one in measured]), self._neutral, self._basis)

    def smooth(self, faces: np.ndarray) -> None:
        smooth(faces, np.ones(len(faces), bool), np.zeros(len(faces), int), self._window)


class _Blendshapes:
    def __init__(self, basis: Path, settings: config.FacesSettings) -> None:
        self._template, self._settings = blendshapes.load_basis(basis), settings.blendshapes
        self._landmarker = FaceLandmarker()
        self._neutral, self._rest = self._template, np.zeros(len(SHAPES), np.float32)

    def look(self, picture: np.ndarray, found: np.ndarray) -> Measured:
        return Measured(found, self._landmarker.shapes(self._landmarker.points(picture, region_around(found))))

    def learn(self, seen: list[Measured]) -> None:
        self._neutral = geometry.neutral_face(np.stack([one.landmarks for one in seen]), self._template)
        self._rest = blendshapes.at_rest(np.stack([np.asarray(one.shapes) for one in seen]))

    def faces(self, measured: list[Measured]) -> np.ndarray:
        faces = blendshapes.without_rest(np.stack([np.asarray(one.shapes) for one in measured]), self._rest)
        _, rotation = geometry.straighten(np.stack([one.landmarks for one in measured]), self._neutral)
        faces[:, 50:53] = Rotation.from_matrix(rotation).as_rotvec()
        return faces

    def smooth(self, faces: np.ndarray) -> None:
        blendshapes.smooth_shapes(faces, np.ones(len(faces), bool), np.zeros(len(faces), int), self._settings)


_BACKENDS: dict[str, Callable[[Path, config.FacesSettings], _Backend]] = {
    "landmarks": _Landmarks,
    "blendshapes": _Blendshapes,
}


class LiveFace:
    """One person's face: pictures in, faces of patches out."""

    def __init__(self, basis: Path, settings: config.Settings) -> None:
        """Raises UserError when the basis is missing, or of a backend that is too slow to look on."""
        name = backend_of(basis)
        if name not in _BACKENDS:
            raise UserError(f"{basis} is of faces.backend {name}, which is not live; use {' or '.join(_BACKENDS)}.")
        self._backend: _Backend = _BACKENDS[name](basis, settings.faces)
        self._face = OneFace(settings.tracking)
        self._seen: list[Measured] = []  # what the resting face is estimated from
        self._count, self._learn_at = 0, _FEWEST
        self._pictures: deque[tuple[float, Measured | None]] = deque(maxlen=_WAITING)  # time, what it shows
        self._frames: list[Measured] = []  # the last ones
        self.last_found: np.ndarray | None = None  # (468, 3) px in the newest picture

    @property
    def until(self) -> float:
        """The time of the newest picture, in seconds."""
        return self._pictures[-1][0] if self._pictures else -np.inf

    def add(self, picture: np.ndarray, at: float) -> None:
        """The next picture, RGB (H, W, 3) uint8, taken `at` seconds; older ones than the last are left out."""
        if at <= self.until:
            return
        self.last_found = self._face(picture)
        measured = None if self.last_found is None else self._backend.look(picture, self.last_found)
        self._pictures.append((at, measured))

    def _remember(self, measured: Measured) -> None:
        self._count += 1
        if self._count <= _FEWEST or self._count % _EVERY == 0:
            if len(self._seen) < _REMEMBERED:
                self._seen.append(measured)
            else:
                self._seen[(self._count // _EVERY) % _REMEMBERED] = measured
        if self._count >= self._learn_at:
            self._backend.learn(self._seen)
            self._learn_at = self._count + min(max(self._count, 10), _REMEMBERED)

    def patch(self, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Faces (8, 56) float32 at the times (8,) in seconds, and whether the face was seen then (8,).

        Where it was not, the last one seen stays.
        """
        seen = np.zeros(len(times), bool)
        for number, time in enumerate(times):
            while len(self._pictures) > 1 and self._pictures[1][0] <= time:
                self._pictures.popleft()
            now = self._between(time)
            seen[number] = now is not None
            if now is not None:
                self._remember(now)
            if now is not None or self._frames:
                self._frames.append(self._frames[-1] if now is None else now)
        self._frames = self._frames[-(PATCH + _CONTEXT) :]
        if self._count < _FEWEST or not self._frames:
            return np.zeros((len(times), MODEL_DIM), np.float32), seen
        faces = np.asarray(self._backend.faces(self._frames), np.float32)
        self._backend.smooth(faces)
        # A face that came in the middle of the patch was there from its beginning.
        faces = np.concatenate([np.repeat(faces[:1], max(0, len(times) - len(faces)), 0), faces])
        return faces[-len(times) :], seen

    def _between(self, time: float) -> Measured | None:
        """What a picture at this time would show; None when the nearest shows no face."""
        if not self._pictures:
            return None
        (before, a), *later = list(self._pictures)[:2]
        if not later or time <= before:
            return a
        (after, b) = later[0]
        share = (time - before) / (after - before)
        if a is None or b is None:
            return a if share < 0.5 else b
        shapes = None if a.shapes is None or b.shapes is None else (1 - share) * a.shapes + share * b.shapes
        return Measured((1 - share) * a.landmarks + share * b.landmarks, shapes)
