"""Distances between predicted and true motion: frame by frame, and between distributions of frames.

Frechet distance of Gaussians fitted to frames (Heusel et al. 2017; for listeners Ng et al. 2022, section 4):

    FD = |m_p - m_g|^2 + Tr(S_p + S_g - 2 (S_g S_p)^1/2), covariances with ddof 1; units squared, lower is better

- The trace of the root is the sum of the roots of the eigenvalues of F^T S_p F for any F with F F^T = S_g. That matrix
  is symmetric, so the sum stays real and exact when there are fewer frames than channels, where a general matrix
  square root does not. F is the Cholesky factor, or the symmetric root where the covariance is singular.
- Per clip there are often fewer frames than channels. Then the sum is that of the singular values of the frames' own
  (T, T) product, which is the same number from a smaller matrix.
- `Moments` are sums over frames: those of many recordings, or of a bootstrap's draw, are sums of theirs.
"""

from typing import NamedTuple

import numpy as np


def l2(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """mean_t |P_t - G_t|: (..., T, C) -> (...), units of the data, lower is better (Ng et al. 2022, section 4).

    The square root is taken per frame, so a frame that is far off counts by its distance, not by its square.
    """
    return np.sqrt(np.square(predicted - truth).sum(-1)).mean(-1)


def mse(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """mean_tc (P_tc - G_tc)^2: (..., T, C) -> (...), units squared, lower is better.

    LM-Listener and DIM print this under the name L2.
    """
    return np.square(predicted - truth).mean((-1, -2))


def clip_frechet(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """One distance per clip, (..., T, C) x (..., U, C) -> (...); NaN with fewer than two frames."""
    frames, channels = truth.shape[-2:]
    if min(frames, predicted.shape[-2]) < 2:
        return np.full(np.broadcast_shapes(predicted.shape[:-2], truth.shape[:-2]), np.nan)
    p, g = predicted - predicted.mean(-2, keepdims=True), truth - truth.mean(-2, keepdims=True)
    p, g = p / np.sqrt(p.shape[-2] - 1), g / np.sqrt(frames - 1)
    apart = np.square(predicted.mean(-2) - truth.mean(-2)).sum(-1)
    if channels <= frames:
        return between(apart, _transposed(p) @ p, _transposed(g) @ g)
    product = p @ _transposed(g)  # (..., T, U)
    cross = _root_sum(product @ _transposed(product))
    return np.maximum(apart + np.square(p).sum((-1, -2)) + np.square(g).sum((-1, -2)) - 2 * cross, 0)


class Moments(NamedTuple):
    """Number (...), sum (..., C) and sum of outer products (..., C, C) of frames about a fixed origin."""

    number: np.ndarray
    total: np.ndarray
    outer: np.ndarray

    @classmethod
    def of(cls, frames: np.ndarray) -> "Moments":
        """Frames (..., T, C)."""
        number = np.full(frames.shape[:-2], float(frames.shape[-2]))
        return cls(number, frames.sum(-2), _transposed(frames) @ frames)

    @classmethod
    def stack(cls, recordings: "list[Moments]") -> "Moments":
        """Those of G recordings, along a new first axis."""
        return cls(*(np.stack(parts) for parts in zip(*recordings, strict=True)))

    def combined(self, weights: np.ndarray) -> "Moments":
        """Moments of G recordings, each taken `weights` (..., G) times."""
        return Moments(*(np.tensordot(weights, part, 1) for part in self))

    def of_channels(self, chosen: np.ndarray) -> "Moments":
        """Those of some channels alone."""
        return Moments(self.number, self.total[..., chosen], self.outer[..., chosen[:, None], chosen])

    def gaussian(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean (..., C) and covariance (..., C, C), ddof 1; NaN with fewer than two frames."""
        count = np.where(self.number < 2, np.nan, self.number)[..., None]
        mean = self.total / count
        spread = self.outer - self.total[..., None] * mean[..., None, :]
        return mean, spread / (count[..., None] - 1)


def moments_frechet(predicted: Moments, truth: Moments) -> np.ndarray:
    """One distance per pair of sets of frames, (...); NaN where there are fewer than two."""
    (mean_p, cov_p), (mean_g, cov_g) = predicted.gaussian(), truth.gaussian()
    apart = np.square(mean_p - mean_g).sum(-1)
    known = np.isfinite(apart)
    found = np.full(apart.shape, np.nan)
    found[known] = between(apart[known], cov_p[known], cov_g[known])
    return found


def between(apart: np.ndarray, cov_p: np.ndarray, cov_g: np.ndarray) -> np.ndarray:
    """The distance of Gaussians whose means are `apart` (...), a squared distance; covariances (..., C, C)."""
    factor = _factor(cov_g)
    cross = _root_sum(_transposed(factor) @ cov_p @ factor)
    traces = np.trace(cov_p, axis1=-2, axis2=-1) + np.trace(cov_g, axis1=-2, axis2=-1)
    # Rounding leaves a difference of equals slightly negative.
    return np.maximum(apart + traces - 2 * cross, 0)


def _transposed(matrix: np.ndarray) -> np.ndarray:
    return np.swapaxes(matrix, -1, -2)


def _factor(covariance: np.ndarray) -> np.ndarray:
    """F (..., C, C) with F F^T = covariance."""
    try:
        return np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(covariance)
        return vectors * np.sqrt(np.maximum(values, 0))[..., None, :]


def _root_sum(matrix: np.ndarray) -> np.ndarray:
    """Sum of the roots of the eigenvalues of positive semi-definite matrices (..., C, C)."""
    values = np.linalg.eigvalsh((matrix + _transposed(matrix)) / 2)
    return np.sqrt(np.maximum(values, 0)).sum(-1)
