"""A take: what one person's face does for a while, as every format writes it, wherever it comes from.

- Measured faces, the true listener of a test clip and a drawn listener are takes alike (`sources.py` reads them).
- Angles are asked for in one of two sets of axes: those of the picture (x right, y down, z away from the camera), as
  OpenFace has them, or the usual ones of avatars (x to the person's left, y up, z out of the face).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from l2l.dataset.layout import JAW, ROTATION
from l2l.faces import blendshapes, face_landmarker
from l2l.faces.columns import ARKIT
from l2l.units import FPS

_FLIP = np.array([1.0, -1.0, -1.0])  # from one set of axes to the other
_KNOWN = [face_landmarker.SHAPES.index(name) for name in ARKIT[:-1]]  # no network here sees the tongue


@dataclass(frozen=True)
class WholeRecording:
    """The recording that a take is part of; what is not known is None."""

    name: str
    frames: int
    video: Path | None = None
    audio: Path | None = None
    speaks: np.ndarray | None = None  # (frames, 2) bool: who speaks, left and right of the picture


@dataclass(frozen=True)
class AtRest:
    """Whose face it is, as their faces file knows them."""

    neutral: np.ndarray  # as `l2l.faces.store.Faces.neutral`
    rest: np.ndarray | None = None  # blendshapes: (52,) the weights that were taken off


@dataclass(frozen=True)
class Take:
    """T frames of one person. Where the face was not seen, `motion` holds the last face seen."""

    name: str  # of its file, without suffix
    what: str  # measured, true, sample 1, ...
    backend: str
    motion: np.ndarray  # (T, 56)
    seen: np.ndarray  # (T,) bool
    recording: WholeRecording
    start: int = 0  # frame of the recording
    given: int = 0  # so many frames at the beginning of a drawn take are the person's own
    at_rest: AtRest | None = None
    basis: Path | None = None  # face_basis.npz

    def __len__(self) -> int:
        return len(self.motion)

    @property
    def seconds(self) -> np.ndarray:
        """(T,) the time of each frame in the recording."""
        return (self.start + np.arange(len(self))) / FPS

    @property
    def rest(self) -> np.ndarray | None:
        """Blendshapes: (52,) the weights that were taken off."""
        return self.at_rest.rest if self.at_rest else None

    def weights(self) -> np.ndarray:
        """(T, 52) weights 0..1 in the order of `ARKIT`, with the face at rest put back. Of backend blendshapes only."""
        rest = np.zeros(len(face_landmarker.SHAPES)) if self.rest is None else self.rest
        found = blendshapes.with_rest(self.motion, rest)
        return np.concatenate([found[:, _KNOWN], np.zeros((len(self), 1))], axis=1)

    def head(self, *, picture: bool = False) -> Rotation:
        """The head's T rotations, in an avatar's axes or in those of the picture."""
        return self._turned(ROTATION, picture)

    def jaw(self) -> Rotation:
        """The jaw's T rotations relative to the head, in an avatar's axes."""
        return self._turned(JAW, picture=False)

    def _turned(self, part: slice, picture: bool) -> Rotation:
        vectors = self.motion[:, part].astype(np.float64)
        in_picture = self.backend != "deca"  # FLAME's axes are an avatar's
        return Rotation.from_rotvec(vectors if picture == in_picture else vectors * _FLIP)
