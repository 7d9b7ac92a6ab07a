"""Nods, shakes, smiles and blinks: what a person would count. Detectors are ours, simple on purpose.

- nod: head pitch dips by at least 0.07 radians (4 degrees) and comes back within 1 s; dips at most 0.6 s apart are one
  nod. Its moment is the middle of its dips.
- shake: head yaw turns at least 3 times, left and right, each time 0.07 radians deep and at most 0.5 s after the last.
  Its moment is their middle.
- smile: the mouth is wider than at rest for at least 0.4 s. Its moment is the first frame.
- blink: the lids close and open within 0.5 s. Its moment is the lowest point.
- Smiles and blinks need a face basis, which says which expression coefficients show them, and how much is one
  (`Directions`). Named shapes say it themselves.
- The frames before a clip are looked at too, so that an event at its beginning is seen whole, but only events whose
  moment lies in the clip count.
- How often they are right on the demo's recordings is in docs/metrics.md.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from l2l.dataset.layout import EXPRESSION, ROTATION
from l2l.evaluation.bootstrap import divide
from l2l.faces.columns import SHAPES, are_shapes
from l2l.faces.geometry import FaceBasis
from l2l.faces.landmarks import load_basis
from l2l.faces.store import backend_of
from l2l.speech.intervals import intervals
from l2l.units import FPS
from l2l.video import mesh

KINDS = ("nod", "shake", "smile", "blink")
_DEPTH = 0.07  # radians that a nod or a swing of a shake is deep
_AGAIN = 0.6  # seconds between two dips of one nod, at most
_SWING = 0.5  # seconds between two turning points of a shake, at most
_TURNS = 3  # turning points of a shake, at least
_SMILE = 0.4  # seconds
# How much wider the mouth is in a smile, and how far the lids close in a blink.
_WIDER, _LIDS = 0.025, 0.008  # landmarks: outer-eye distances
_SMILE_WEIGHT, _BLINK_WEIGHT = 0.065, 0.05  # blendshapes: weights, mean of left and right
_LID_PAIRS = ((159, 145), (158, 153), (160, 144), (386, 374), (385, 380), (387, 373))  # upper, lower
_WALL = 1e6  # stands between clips in one long signal: no peak is seen beyond it


@dataclass(frozen=True)
class Directions:
    """How expression coefficients (50,) show smiles and blinks: weighted sums of them, and how much of each is one."""

    smile: np.ndarray  # (50,) weights of a sum that grows with a smile
    blink: np.ndarray  # (50,) weights of a sum that grows as the lids close
    smiles_from: float  # the sum of a smile is above this
    blink_depth: float  # the sum of a blink rises and falls by this

    def smiling(self, motion: np.ndarray) -> np.ndarray:
        """(T,) how much motion (T, 56) smiles; above 1 it is a smile."""
        return np.asarray(motion[:, EXPRESSION] @ self.smile / self.smiles_from)

    def closing(self, motion: np.ndarray) -> np.ndarray:
        """(T,) how far the lids of motion (T, 56) are closed; a rise and fall by 1 is a blink."""
        return np.asarray(motion[:, EXPRESSION] @ self.blink / self.blink_depth)

    @classmethod
    def of(cls, basis: Path) -> "Directions | None":
        """Of the faces of a face_basis.npz. None for deca: FLAME has no direction of the lids, and no checked smile."""
        backend = backend_of(basis)
        if backend == "landmarks":
            return cls.of_mesh(load_basis(basis))
        return cls.of_shapes() if backend == "blendshapes" else None

    @classmethod
    def without_basis(cls, faces: np.ndarray) -> "Directions | None":
        """Of faces (..., 56) when these are named shapes, as those of a phone; else None."""
        return cls.of_shapes() if are_shapes(faces) and faces[..., EXPRESSION].any() else None

    @classmethod
    def of_mesh(cls, basis: FaceBasis) -> "Directions":
        """By the width of the mouth and the opening of the eyes, in outer-eye distances."""
        x, y, _ = np.moveaxis(basis.components.reshape(len(basis.components), -1, 3), -1, 0)  # (50, 468)
        # Not by number: which corner stands on the picture's right follows from the face.
        left, right = sorted(mesh.MOUTH_CORNERS, key=lambda corner: basis.template[corner, 0])
        upper, lower = np.array(_LID_PAIRS).T
        return cls(x[:, right] - x[:, left], (y[:, upper] - y[:, lower]).mean(1), _WIDER, _LIDS)

    @classmethod
    def of_shapes(cls) -> "Directions":
        """By the weights of the named shapes, mean of left and right."""
        smile, blink = np.zeros((2, EXPRESSION.stop))
        for side in ("Left", "Right"):
            smile[SHAPES.index(f"mouthSmile{side}")] = blink[SHAPES.index(f"eyeBlink{side}")] = 0.5
        return cls(smile, blink, _SMILE_WEIGHT, _BLINK_WEIGHT)


@dataclass(frozen=True)
class Events:
    """Events of one kind in a set of clips, in order."""

    clip: np.ndarray  # (E,) int
    time: np.ndarray  # (E,) frames since the clip's first predicted one

    def of_clips(self, chosen: slice) -> "Events":
        """Those of some clips, which are counted from 0 on."""
        inside = slice(*np.searchsorted(self.clip, (chosen.start, chosen.stop)))
        return Events(self.clip[inside] - chosen.start, self.time[inside])


def detect(motion: Sequence[np.ndarray], first: Sequence[int], directions: Directions | None) -> dict[str, Events]:
    """Events of N clips (T, 56), by kind; `first` are their first predicted frames, fewer than one before is fine.

    Kinds that the face vector does not have are left out.
    """
    lengths = np.array([len(clip) for clip in motion])
    joined = np.concatenate([*motion, np.zeros((0, 56))]).astype(np.float64)
    starts = np.cumsum(lengths) - lengths
    clip, time = np.repeat(np.arange(len(motion)), lengths), np.arange(lengths.sum()) - np.repeat(starts, lengths)
    time = time - np.repeat(np.asarray(first, int), lengths)
    walls = starts[1:]

    def found(frames: np.ndarray) -> Events:
        inside = frames[time[frames] >= 0]
        return Events(clip[inside], time[inside])

    pitch, yaw = joined[:, ROTATION.start], joined[:, ROTATION.start + 1]
    events = {"nod": found(_nods(pitch, walls)), "shake": found(_shakes(yaw, walls))}
    if directions is not None:
        expression = joined[:, EXPRESSION]
        events["smile"] = found(_smiles(expression @ directions.smile > directions.smiles_from, walls))
        events["blink"] = found(_peaks(expression @ directions.blink, walls, directions.blink_depth, 0.5))
    return events


def _peaks(signal: np.ndarray, walls: np.ndarray, depth: float, seconds: float) -> np.ndarray:
    """Frames of peaks that stand out by `depth` within `seconds`, each clip for itself."""
    from scipy.signal import find_peaks  # it takes a second, and most who import this file look for no events

    walled = np.insert(signal, walls, _WALL)
    window = 2 * round(seconds * FPS / 2) + 1
    peaks, _ = find_peaks(walled, height=(None, _WALL / 2), prominence=(depth, _WALL / 2), wlen=window)
    return peaks - np.searchsorted(walls + np.arange(len(walls)), peaks)


def _nods(pitch: np.ndarray, walls: np.ndarray) -> np.ndarray:
    dips = _peaks(pitch, walls, _DEPTH, 1.0)
    if not len(dips):
        return dips
    first, last = _runs(np.diff(dips) <= _AGAIN * FPS, dips, walls)
    return (dips[first] + dips[last]) // 2


def _shakes(yaw: np.ndarray, walls: np.ndarray) -> np.ndarray:
    left, right = (_peaks(side * yaw, walls, _DEPTH, 1.0) for side in (1, -1))
    turns = np.concatenate([left, right])
    if not len(turns):
        return turns
    order = np.argsort(turns, kind="stable")
    turns, side = turns[order], order < len(left)
    first, last = _runs((np.diff(turns) <= _SWING * FPS) & np.diff(side), turns, walls)
    return ((turns[first] + turns[last]) // 2)[last - first + 1 >= _TURNS]


def _runs(follows: np.ndarray, frames: np.ndarray, walls: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and last of each run of moments `frames` (n,), n > 0: `follows` (n - 1,) says whether one goes on with the
    next. No run goes over a wall."""
    goes_on = follows & (np.diff(np.searchsorted(walls, frames, side="right")) == 0)
    ends = np.flatnonzero(~goes_on)
    return np.concatenate([[0], ends + 1]), np.concatenate([ends, [len(frames) - 1]])


def _smiles(smiling: np.ndarray, walls: np.ndarray) -> np.ndarray:
    walled = np.insert(smiling, walls, False)
    begins = np.array([start for start, end in intervals(walled) if end - start >= _SMILE * FPS], int)
    return begins - np.searchsorted(walls + np.arange(len(walls)), begins)


def match(predicted: Events, truth: Events, clips: int, window: float) -> np.ndarray:
    """Counts of each clip (N, 3): matched, predicted and true events.

    Two events match when they lie at most `window` seconds apart in the same clip; each is matched once, in order of
    time (GLARE scores its events so).
    """
    counts = np.zeros((clips, 3))
    np.add.at(counts[:, 1], predicted.clip, 1)
    np.add.at(counts[:, 2], truth.clip, 1)
    i = j = 0
    while i < len(predicted.clip) and j < len(truth.clip):
        ahead = (predicted.clip[i], predicted.time[i] - window * FPS) > (truth.clip[j], truth.time[j])
        behind = (predicted.clip[i], predicted.time[i] + window * FPS) < (truth.clip[j], truth.time[j])
        if not ahead and not behind:
            counts[predicted.clip[i], 0] += 1
        i, j = i + (not ahead), j + (not behind)
    return counts


SCORES: dict[str, Callable[[np.ndarray], np.ndarray]] = {  # of counts (..., 3) -> (...), 0 to 1; NaN for 0 / 0
    "precision": lambda counts: divide(counts[..., 0], counts[..., 1]),
    "recall": lambda counts: divide(counts[..., 0], counts[..., 2]),
    "f1": lambda counts: divide(2 * counts[..., 0], counts[..., 1] + counts[..., 2]),
}
