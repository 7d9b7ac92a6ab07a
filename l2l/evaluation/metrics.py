"""Distances between predicted and true motion: pure functions of arrays.

- Arrays hold the frames to compare, (N, T, C): windows, frames, the channels of one region. Units are those of the
  data: coefficients for expression, radians for head and jaw rotation.
- Sources: Ng et al. 2022, section 4 (L2 and Frechet distance, per region); Heusel et al. 2017 (the Frechet distance of
  two Gaussians). We differ: raw units where the released code prints the L2 of standardized motion, so that numbers
  of two codebooks can be compared.
"""

import numpy as np


def l2(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Mean over frames of the Euclidean norm of the error, (..., T, C) -> (...): one number per window."""
    error = np.asarray(predicted, np.float64) - truth
    return np.linalg.norm(error, axis=-1).mean(axis=-1)


def _root(matrix: np.ndarray) -> np.ndarray:
    """Symmetric square root of a positive semi-definite matrix."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T


def frechet(predicted: np.ndarray, truth: np.ndarray) -> float:
    """Squared Frechet distance of two Gaussians fitted to the frames of two sets, (N, T, C) each; squared units.

    |m_p - m_g|^2 + Tr(S_p + S_g - 2 (S_g^1/2 S_p S_g^1/2)^1/2), covariances with ddof 1, frames of all windows pooled.
    The trace of the last root is the sum of the roots of eigenvalues of a symmetric matrix, so it stays real and
    exact when there are fewer frames than channels, where a general matrix square root does not.
    """
    p = np.asarray(predicted, np.float64).reshape(-1, predicted.shape[-1])
    g = np.asarray(truth, np.float64).reshape(-1, truth.shape[-1])
    if len(p) < 2 or len(g) < 2:
        raise ValueError("a covariance needs at least two frames")
    cov_p, cov_g = (np.cov(x, rowvar=False, ddof=1).reshape(p.shape[1], p.shape[1]) for x in (p, g))
    root = _root(cov_g)
    product = root @ cov_p @ root
    # Rounding makes zero eigenvalues slightly negative.
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh((product + product.T) / 2), 0)).sum()
    distance = np.square(p.mean(0) - g.mean(0)).sum() + np.trace(cov_p) + np.trace(cov_g) - 2 * cross
    return float(max(distance, 0.0))


def bootstrap_interval(
    values: np.ndarray, groups: np.ndarray, resamplings: int, seed: int, share: float = 0.95
) -> tuple[float, float] | None:
    """Percentile interval of the mean of `values` (N,) when the GROUPS they belong to (N,) are drawn anew.

    Windows of one recording are alike, so drawing windows would make the interval far too narrow. None when there
    is only one group: nothing can then be said about another.
    """
    names, index = np.unique(groups, return_inverse=True)
    if len(names) < 2:
        return None
    sums, counts = np.bincount(index, weights=values), np.bincount(index)
    drawn = np.random.default_rng(seed).integers(0, len(names), (resamplings, len(names)))  # (R, G)
    means = sums[drawn].sum(1) / counts[drawn].sum(1)
    low, high = np.quantile(means, [(1 - share) / 2, (1 + share) / 2])
    return float(low), float(high)
