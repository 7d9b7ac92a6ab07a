"""Standardization: every channel to mean 0 and standard deviation 1 over all training frames.

- We differ from the released code, which divides by the standard deviation over windows of the standard deviation
  within windows. That leaves channels 3 to 6 times too wide, by accident of the data, and explodes on a channel that
  moves alike in every window.
- The numbers live in the checkpoint of the model that was trained with them, never in a file of their own that a
  later run could overwrite.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

BLOCK = 256  # windows read at a time, so that memory-mapped audio never has to fit in memory


@dataclass(frozen=True)
class Standardizer:
    """x -> (x - mean) / std per channel, the last axis; in the units of what it was fitted to."""

    mean: np.ndarray  # (F,) float32
    std: np.ndarray  # (F,) float32, never zero

    @classmethod
    def fit(cls, windows: np.ndarray, chosen: np.ndarray | None = None) -> "Standardizer":
        """Mean and standard deviation (ddof 0) of windows (N, T, F), or of the `chosen` rows, over all their frames.

        A frame in two overlapping windows counts twice. A channel that does not vary is divided by 1, as in
        scikit-learn's StandardScaler, so that a later small deviation stays small.
        """
        rows = np.arange(len(windows)) if chosen is None else chosen
        if not len(rows):
            raise ValueError("no windows to standardize by")
        origin = windows[rows[0], 0].astype(np.float64)  # sums about a frame of the data lose no digits
        total, squares, count = np.zeros_like(origin), np.zeros_like(origin), 0
        for start in range(0, len(rows), BLOCK):
            block = windows[rows[start : start + BLOCK]].astype(np.float64) - origin  # (<= BLOCK, T, F)
            total += block.sum(axis=(0, 1))
            squares += np.square(block).sum(axis=(0, 1))
            count += block.shape[0] * block.shape[1]
        mean = total / count
        std = np.sqrt(np.maximum(squares / count - mean**2, 0))
        mean = mean + origin
        constant = std <= 1e-6 * np.abs(mean)
        return cls(mean.astype(np.float32), np.where(constant, 1, std).astype(np.float32))

    def apply(self, x: np.ndarray) -> np.ndarray:
        """Raw (..., F) -> standardized, float32."""
        return ((x - self.mean) / self.std).astype(np.float32)

    def undo(self, x: np.ndarray) -> np.ndarray:
        """Standardized (..., F) -> raw, float32."""
        return (x * self.std + self.mean).astype(np.float32)

    def to_dict(self) -> dict[str, np.ndarray]:
        return {"mean": self.mean, "std": self.std}

    @classmethod
    def from_dict(cls, arrays: Mapping[str, np.ndarray]) -> "Standardizer":
        return cls(np.asarray(arrays["mean"], np.float32), np.asarray(arrays["std"], np.float32))
