"""What a listener model has to beat (Ng et al. 2022, section 4).

- Each baseline is a set of futures (S, N, T, 56) in raw units, as the model's own, so that all are measured alike.
- A random training window moves like a listener but hears nothing; mirroring hears everything but is not a listener;
  the mean pose wins on mean errors by taking no risk.
"""

import numpy as np

from l2l.dataset.layout import Chunks
from l2l.units import MODEL_DIM


def mean_pose(train: Chunks, windows: int, frames: slice) -> np.ndarray:
    """The mean of all training frames, held still: (1, N, T, 56)."""
    mean = train.listener[..., :MODEL_DIM].mean(axis=(0, 1), dtype=np.float64)
    length = len(range(*frames.indices(train.listener.shape[1])))
    return np.broadcast_to(mean.astype(np.float32), (1, windows, length, MODEL_DIM))


def mirror(test: Chunks, frames: slice) -> np.ndarray:
    """The speaker's own motion at the same moment: (1, N, T, 56)."""
    return np.asarray(test.speaker[None, :, frames, :MODEL_DIM], np.float32)


def random_training_window(train: Chunks, windows: int, frames: slice, samples: int, seed: int) -> np.ndarray:
    """The same frames of training windows, drawn anew for each window and sample: (S, N, T, 56)."""
    rows = np.random.default_rng(seed).integers(0, len(train), (samples, windows))  # (S, N)
    return np.asarray(train.listener[:, frames, :MODEL_DIM][rows], np.float32)
