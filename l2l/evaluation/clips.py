"""What predictions are compared with: clips of any length, each part of a recording.

- A clip is a stretch of predicted frames: half of a window, or a whole recording. Clips may differ in length.
- Clips of one length are stacked and measured together, in blocks that bound the memory.
- Columns are those of `l2l.dataset.layout`, raw units.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from l2l.dataset import layout
from l2l.units import MODEL_DIM

POSE = slice(50, 56)  # head rotation and jaw
REGIONS = {**layout.REGIONS, "pose": POSE, "all": slice(0, MODEL_DIM)}
_VALUES = 1 << 19  # numbers in the largest array of a block: fewer are slower, more take memory and gain nothing

Clips = Sequence[np.ndarray]


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


def by_clip(predicted: np.ndarray | Clips) -> list[np.ndarray]:
    """Samples (S, N, T, 56), or N arrays (S, T, 56), as N arrays (S, T, 56); nothing is copied."""
    return list(np.moveaxis(predicted, 1, 0) if isinstance(predicted, np.ndarray) else predicted)


def blocks(reference: Reference, width: int) -> Iterator[np.ndarray]:
    """Indices of clips of one length, also of what comes before, so many that `width` numbers a frame fit in memory."""
    lengths = np.array([reference.lengths, [len(past) for past in reference.before]]).T  # (N, 2)
    for length in np.unique(lengths, axis=0):
        same = np.flatnonzero((lengths == length).all(1))
        count = max(1, _VALUES // max(1, int(length[0]) * width))
        for start in range(0, len(same), count):
            yield same[start : start + count]


def stacked(clips: Clips, chosen: np.ndarray) -> np.ndarray:
    """Clips of one length as one array (n, ..., T, C), float64."""
    return np.stack([clips[n] for n in chosen]).astype(np.float64)
