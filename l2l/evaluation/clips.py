"""What predictions are compared with: clips of any length, each part of a recording.

- A clip is a stretch of predicted frames: half of a window, or a whole recording. Clips may differ in length.
- Predictions come in parts, one after another, and a part is forgotten when it is measured.
- Clips of one length are stacked and measured together, in blocks that bound the memory.
- Columns are those of `l2l.dataset.layout`, raw units.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from l2l.dataset import layout
from l2l.units import MODEL_DIM

POSE = slice(50, 56)  # head rotation and jaw
REGIONS = {**layout.REGIONS, "pose": POSE, "all": slice(0, MODEL_DIM)}
_VALUES = 1 << 19  # numbers in the largest array of a block: fewer are slower, more take memory and gain nothing
_PART = 1 << 13  # frames of a part: the clip that reaches them is its last

Clips = Sequence[np.ndarray]
Predicted = np.ndarray | Clips | Iterator[np.ndarray]  # (S, N, T, 56); N arrays (S, T, 56); parts (S, n, T, 56) of N


@dataclass(frozen=True)
class Reference:
    """N clips: the true listener, the speaker at the same moments, and what the listener did just before."""

    truth: Clips  # N arrays (T, 56)
    speaker: Clips  # N arrays (T, 56), the same frames
    before: (
        Clips  # N arrays (P, 56), the true listener's last frames before the clip, where they were given; P may be 0
    )
    recordings: np.ndarray  # (N,) the recording that each clip is part of

    def __post_init__(self) -> None:
        lengths = {len(self.truth), len(self.speaker), len(self.before), len(self.recordings)}
        if len(lengths) > 1 or any(len(g) != len(x) for g, x in zip(self.truth, self.speaker, strict=True)):
            raise ValueError("truth, speaker, before and recordings do not belong together")

    def __len__(self) -> int:
        return len(self.truth)

    @property
    def lengths(self) -> list[int]:
        """Predicted frames of each clip."""
        return [len(clip) for clip in self.truth]

    def fingerprint(self) -> str:
        """sha256 over truth, speaker and recordings: two files with the same one can be compared."""
        digest = hashlib.sha256()
        for truth, speaker, recording in zip(self.truth, self.speaker, self.recordings, strict=True):
            for array in (truth, speaker):
                digest.update(np.ascontiguousarray(array, np.float32).tobytes())
            digest.update(str(recording).encode())
        return digest.hexdigest()


def in_parts(predicted: Predicted) -> Iterator[tuple[slice, Clips]]:
    """Which clips, and these as arrays (S, T, 56), in order and each once; nothing is copied.

    A part that was given is asked for when it is needed, and kept until its last clip has been taken.
    """
    given = predicted if isinstance(predicted, Iterator) else iter([predicted])
    some, first, frames = list[np.ndarray](), 0, 0
    for clip in chain.from_iterable(np.moveaxis(p, 1, 0) if isinstance(p, np.ndarray) else p for p in given):
        some.append(clip)
        frames += clip.shape[-2]
        if frames >= _PART:
            yield slice(first, first + len(some)), some
            some, first, frames = [], first + len(some), 0
    if some:
        yield slice(first, first + len(some)), some


def blocks(reference: Reference, chosen: slice, width: int) -> Iterator[np.ndarray]:
    """Indices of clips of one length, also of what comes before, so many that `width` numbers a frame fit in memory."""
    parts = reference.truth[chosen], reference.before[chosen]
    lengths = np.array([[len(clip) for clip in part] for part in parts]).T  # (n, 2)
    for length in np.unique(lengths, axis=0):
        same = chosen.start + np.flatnonzero((lengths == length).all(1))
        count = max(1, _VALUES // max(1, int(length[0]) * width))
        for start in range(0, len(same), count):
            yield same[start : start + count]


def stacked(clips: Clips, chosen: np.ndarray) -> np.ndarray:
    """Clips of one length as one array (n, ..., T, C), float64."""
    return np.stack([clips[n] for n in chosen]).astype(np.float64)
