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
    apart = predicted - truth
    return np.sqrt(np.einsum("...tc,...tc->...t", apart, apart)).mean(-1)


def mse(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """mean_tc (P_tc - G_tc)^2: (..., T, C) -> (...), units squared, lower is better.

    LM-Listener and DIM print this under the name L2.
    """
    return np.square(predicted - truth).mean((-1, -2))


class Centred(NamedTuple):
    """Frames of clips about their mean, divided so that the product with themselves is their covariance, ddof 1."""

    mean: np.ndarray  # (..., C)
    frames: np.ndarray  # (..., T, C)

    @classmethod
    def of(cls, frames: np.ndarray) -> "Centred":
        """Frames (..., T, C)."""
        count = frames.shape[-2]
        mean = frames.sum(-2, keepdims=True) / max(count, 1)
        return cls(mean[..., 0, :], (frames - mean) / np.sqrt(max(count - 1, 1)))

    def of_channels(self, chosen: slice) -> "Centred":
        """Those of some channels alone; nothing is copied."""
        return Centred(*(part[..., chosen] for part in self))


def clip_frechet(predicted: Centred, truth: Centred, beside: Centred | None = None) -> np.ndarray:
    """One distance per clip, (..., T, C) x (..., T, C) -> (...); NaN with fewer than two frames.

    `beside` are more channels, the same in both.
    """
    p, g, same = predicted.frames, truth.frames, None if beside is None else beside.frames
    frames = g.shape[-2]
    if frames < 2:
        return np.full(np.broadcast_shapes(p.shape[:-2], g.shape[:-2]), np.nan)
    apart = np.square(predicted.mean - truth.mean).sum(-1)
    if p.shape[-1] + (0 if same is None else same.shape[-1]) <= frames:
        if same is not None:
            p, g = (np.concatenate([np.broadcast_to(same, part.shape), part], -1) for part in (p, g))
        return between(apart, _transposed(p) @ p, _transposed(g) @ g)
    product, spread = p @ _transposed(g), _square(p) + _square(g)  # (..., T, T), (...)
    if same is not None:
        product, spread = product + same @ _transposed(same), spread + 2 * _square(same)
    cross = _root_sum(product @ _transposed(product))
    return np.maximum(apart + spread - 2 * cross, 0)


def _square(frames: np.ndarray) -> np.ndarray:
    """Sum of squares, (..., T, C) -> (...)."""
    return np.einsum("...tc,...tc->...", frames, frames)


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
    def none(cls, *shape: int) -> "Moments":
        """Of no frames, (..., C)."""
        return cls(np.zeros(shape[:-1]), np.zeros(shape), np.zeros((*shape, shape[-1])))

    def add(self, which: tuple[int, ...], more: "Moments") -> None:
        """To those at a place in the first axes, in place."""
        for part, own in zip(self, more, strict=True):
            part[which] += own

    def of_sample(self, number: int) -> "Moments":
        """Of moments (G, S, ...), those of one of S samples (G, ...)."""
        return Moments(*(part[:, number] for part in self))

    def combined(self, weights: np.ndarray) -> "Moments":
        """Moments of G recordings, each taken `weights` (..., G) times."""
        return Moments(*(np.tensordot(weights, part, 1) for part in self))

    def of_channels(self, chosen: np.ndarray) -> "Moments":
        """Those of some channels alone."""
        return Moments(self.number, self.total[..., chosen], self.outer[..., chosen[:, None], chosen])

    def gaussian(self) -> "Gaussian":
        """Mean (..., C) and covariance (..., C, C), ddof 1; NaN with fewer than two frames."""
        count = np.where(self.number < 2, np.nan, self.number)[..., None]
        mean = self.total / count
        spread = self.outer - self.total[..., None] * mean[..., None, :]
        return Gaussian(mean, spread / (count[..., None] - 1))


class Gaussian(NamedTuple):
    """Mean (..., C) and covariance (..., C, C)."""

    mean: np.ndarray
    covariance: np.ndarray


class Truth(NamedTuple):
    """What distances from Gaussians need of them, so that several predictions can share it."""

    mean: np.ndarray  # (..., C), NaN where there are fewer than two frames
    trace: np.ndarray  # (...) of the covariance
    factor: np.ndarray  # (..., C, C), times its transpose the covariance

    @classmethod
    def of(cls, gaussian: Gaussian) -> "Truth":
        known = np.isfinite(gaussian.mean).all(-1)
        factor = np.full_like(gaussian.covariance, np.nan)
        factor[known] = _factor(gaussian.covariance[known])
        return cls(gaussian.mean, np.trace(gaussian.covariance, axis1=-2, axis2=-1), factor)

    @classmethod
    def stack(cls, parts: "list[Truth]") -> "Truth":
        """Those of several parts, one after another."""
        return cls(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))

    def of_those(self, chosen: np.ndarray) -> "Truth":
        """Those of some of them (n,), which may be there more than once."""
        return Truth(*(part[chosen] for part in self))


def frechet(predicted: Gaussian, truth: Truth) -> np.ndarray:
    """Distances (...) of Gaussians from theirs; NaN where there are fewer than two frames."""
    apart = np.square(predicted.mean - truth.mean).sum(-1)
    known = np.isfinite(apart)
    found = np.full(apart.shape, np.nan)
    found[known] = _distance(apart[known], predicted.covariance[known], truth.factor[known], truth.trace[known])
    return found


def moments_frechet(predicted: Moments, truth: Moments) -> np.ndarray:
    """One distance per pair of sets of frames, (...); NaN where there are fewer than two."""
    return frechet(predicted.gaussian(), Truth.of(truth.gaussian()))


def between(apart: np.ndarray, cov_p: np.ndarray, cov_g: np.ndarray) -> np.ndarray:
    """The distance of Gaussians whose means are `apart` (...), a squared distance; covariances (..., C, C)."""
    return _distance(apart, cov_p, _factor(cov_g), np.trace(cov_g, axis1=-2, axis2=-1))


def _distance(apart: np.ndarray, cov_p: np.ndarray, factor: np.ndarray, trace: np.ndarray) -> np.ndarray:
    cross = _root_sum(_transposed(factor) @ cov_p @ factor)
    # Rounding leaves a difference of equals slightly negative.
    return np.maximum(apart + np.trace(cov_p, axis1=-2, axis2=-1) + trace - 2 * cross, 0)


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
