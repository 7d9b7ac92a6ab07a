"""Standardization: every channel to mean 0 and standard deviation 1 over all training frames.

- The released code divides by the standard deviation over windows of the standard deviation within windows. That
  leaves channels 3 to 6 times too wide, by accident of the data, and explodes on a channel that moves alike in every
  window; it is the switch `windows.statistics: released`.
- Smoothing over time, where there is any, comes first and belongs to the same numbers, so both travel together.
- A named shape that hardly moves is divided by `LEAST`: divided by its own spread, its noise would weigh as much as
  a smile. Other columns have no such unit, and none moves too little for its own.
- The numbers live in the checkpoint of the model that was trained with them, never in a file of their own that a
  later run could overwrite.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from l2l.config.section import Smoothing, Statistics
from l2l.faces.columns import are_shapes, columns_of
from l2l.features.bilateral import bilateral

BLOCK = 256  # windows read at a time, so that memory-mapped audio never has to fit in memory
_AT_ONCE = 1 << 20  # numbers standardized at a time
LEAST = 0.02  # of a weight of 0 to 1: what weights differ by in a face that is still

_WEIGHTS = np.array([column.unit == "weight" for column in columns_of("blendshapes")])  # (56,)


@dataclass(frozen=True)
class Standardizer:
    """x -> (x - mean) / std per channel, the last axis; in the units of what it was fitted to."""

    mean: np.ndarray  # (F,) float32
    std: np.ndarray  # (F,) float32, never zero
    smoothing: Smoothing = "none"  # done before

    @classmethod
    def fit(
        cls,
        windows: np.ndarray,
        chosen: np.ndarray | None = None,
        statistics: Statistics = "frames",
        smoothing: Smoothing = "none",
    ) -> "Standardizer":
        """Fitted to windows (N, T, F), or to the `chosen` rows of them, in one of two ways."""
        rows = np.arange(len(windows)) if chosen is None else chosen
        if not len(rows):
            raise ValueError("no windows to standardize by")
        if statistics == "released":
            return cls._fit_released(windows, rows, smoothing)
        return cls._fit_frames(windows, rows, smoothing)

    @classmethod
    def _fit_frames(cls, windows: np.ndarray, rows: np.ndarray, smoothing: Smoothing) -> "Standardizer":
        """Mean and standard deviation (ddof 0) over all frames.

        A frame in two overlapping windows counts twice. A channel that does not vary is divided by 1, as in
        scikit-learn's StandardScaler, so that a later small deviation stays small; one of named shapes that varies by
        less than `LEAST` is divided by that.
        """
        origin = windows[rows[0], 0].astype(np.float64)  # sums about a frame of the data lose no digits
        total, squares, count = np.zeros_like(origin), np.zeros_like(origin), 0
        for start in range(0, len(rows), BLOCK):
            block = smooth(windows[rows[start : start + BLOCK]], smoothing).astype(np.float64) - origin  # (.., T, F)
            total += block.sum(axis=(0, 1))
            squares += np.square(block).sum(axis=(0, 1))
            count += block.shape[0] * block.shape[1]
        mean = total / count
        std = np.sqrt(np.maximum(squares / count - mean**2, 0))
        mean = mean + origin
        constant = std <= 1e-6 * np.abs(mean)
        if are_shapes(np.stack([mean, std])):
            std = np.where(_WEIGHTS, np.maximum(std, LEAST), std)
        return cls(mean.astype(np.float32), np.where(constant, 1, std).astype(np.float32), smoothing)

    @classmethod
    def _fit_released(cls, windows: np.ndarray, rows: np.ndarray, smoothing: Smoothing) -> "Standardizer":
        """Mean over windows of their means; std over windows of their stds (both ddof 0) plus 1e-10."""
        means, stds = [], []
        for start in range(0, len(rows), BLOCK):
            block = smooth(windows[rows[start : start + BLOCK]], smoothing).astype(np.float64)  # (<= BLOCK, T, F)
            means.append(block.mean(axis=1))
            stds.append(block.std(axis=1))
        std = np.concatenate(stds).std(axis=0) + 1e-10
        return cls(np.concatenate(means).mean(axis=0).astype(np.float32), std.astype(np.float32), smoothing)

    def apply(self, x: np.ndarray) -> np.ndarray:
        """Raw (..., F) -> standardized, float32. With smoothing, (..., T, F) of WHOLE windows: cut them afterwards."""
        found = smooth(x, self.smoothing) - self.mean
        found /= self.std
        return found.astype(np.float32, copy=False)

    def fill(self, out: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Like `apply`, for what may be larger than memory: some rows at a time, into `out`, which may be `x`.

        Of windows, (N, T, F), `out` may have only the first frames, (N, T', F). Returns it.
        """
        rows = max(1, _AT_ONCE // max(1, x[:1].size))
        for start in range(0, len(x), rows):
            part = slice(start, start + rows)
            out[part] = self.apply(x[part])[:, : out.shape[1]]
        return out

    def undo(self, x: np.ndarray) -> np.ndarray:
        """Standardized (..., F) -> raw, float32."""
        return (x * self.std + self.mean).astype(np.float32)

    def to_dict(self) -> dict[str, np.ndarray]:
        return {"mean": self.mean, "std": self.std}

    @classmethod
    def from_dict(cls, arrays: Mapping[str, np.ndarray], smoothing: Smoothing = "none") -> "Standardizer":
        return cls(np.asarray(arrays["mean"], np.float32), np.asarray(arrays["std"], np.float32), smoothing)


def smooth(windows: np.ndarray, smoothing: Smoothing) -> np.ndarray:
    """Windows (..., T, F), smoothed over T or as they are."""
    return bilateral(windows) if smoothing == "bilateral" else windows
