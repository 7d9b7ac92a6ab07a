"""Synchrony: what SyncNet's distances say about a face track and a sound.

- `offset` and the two measures that people report of talking faces: LSE-D is the least mean distance over all shifts,
  LSE-C the median over the shifts minus that.
- `score` is the only score per frame that the original shows; it has no threshold of its own.
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from scipy.signal import medfilt
from torch import Tensor

_SMOOTH = 9  # frames of the median filter over scores
_EDGE, _FAR = 3, 10.0  # windows added at both ends of a track, and the distance they get


def distances(lips: Tensor, sound: Tensor) -> Tensor:
    """(n, 2 V + 1) distances of lips (n, 1024) to sound (n + 2 V, 1024): row i, column j is sound i + j."""
    shifts = len(sound) - len(lips) + 1
    return torch.stack([F.pairwise_distance(lips, sound[j : j + len(lips)]) for j in range(shifts)], 1)


@dataclass(frozen=True)
class Synchrony:
    """How well one face track goes with the sound."""

    offset: int  # frames at 25 per second that the sound comes too early
    lse_c: float  # confidence
    lse_d: float  # distance
    score: np.ndarray  # (K + 6,) what the original shows for each frame of the track


def synchrony(distance: np.ndarray) -> Synchrony:
    """Of a matrix of distances (K, 2 V + 1)."""
    mean = torch.from_numpy(distance).mean(0)
    best = int(mean.argmin())
    median = float(mean.median())
    padded = np.pad(distance[:, best], _EDGE, constant_values=_FAR)
    return Synchrony(
        offset=(distance.shape[1] - 1) // 2 - best,
        lse_c=median - float(mean[best]),
        lse_d=float(mean[best]),
        score=medfilt(median - padded, _SMOOTH),
    )
