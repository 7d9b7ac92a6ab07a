"""Listener and speaker together: pure functions of arrays (..., T, C) of the same moments.

- `rpcc` asks whether a prediction follows the speaker as much as the true listener does, not whether it is right.
- `tlcc` asks with what delay. A lag > 0 means that the listener comes later than the speaker.
"""

from typing import NamedTuple

import numpy as np

from l2l.evaluation.bootstrap import divide


def correlation_sums(motion: np.ndarray, speaker: np.ndarray) -> np.ndarray:
    """What `correlation` needs of each column, as sums over frames: (..., T, C) -> (..., C, 6).

    Those of a region, of several clips or of a recording are sums of these.
    """
    a, b = motion, np.broadcast_to(speaker, motion.shape)
    number = np.full((*a.shape[:-2], a.shape[-1]), float(a.shape[-2]))
    products = (np.einsum("...tc,...tc->...c", x, y) for x, y in ((a, a), (b, b), (a, b)))
    return np.stack([number, a.sum(-2), b.sum(-2), *products], -1)


def correlation(sums: np.ndarray) -> np.ndarray:
    """Pearson's correlation over flattened (time, column) from sums (..., 6); NaN when one of the two is constant."""
    n, a, b, aa, bb, ab = np.moveaxis(sums, -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        spread_a, spread_b = aa - a * a / n, bb - b * b / n
        varies = (spread_a > 1e-12 * aa) & (spread_b > 1e-12 * bb)
        return np.where(varies, (ab - a * b / n) / np.sqrt(np.where(varies, spread_a * spread_b, 1)), np.nan)


def rpcc(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """|corr(G, X) - corr(P, X)| from sums (..., 6) of P with X and of G with X: 0 to 2, lower is better.

    Over the sums of the whole set it is DIM's number, over those of a recording, then averaged, R-DGG's.
    """
    return np.abs(correlation(truth) - correlation(predicted))


class Lags(NamedTuple):
    """Of each clip: correlation at the peak, and the peak's lag in frames; NaN where nothing varies."""

    correlation: np.ndarray  # (...)
    lag: np.ndarray  # (...)


def lags_of(frames: int, fps: int) -> np.ndarray:
    """-(2 fps - 1) .. 2 fps - 1 frames, but never so far that less than half of the clip overlaps."""
    longest = min(2 * fps - 1, frames // 2)
    return np.arange(-longest, longest + 1)


def lagged_correlation(motion: np.ndarray, speaker: np.ndarray, lags: np.ndarray) -> np.ndarray:
    """Correlation of each column with the speaker's at each lag: (S, N, T, C) and (N, T, C) -> (S, N, L, C).

    Lag l > 0 compares motion[l:] with speaker[:-l]. NaN where one of the two is constant.
    """
    samples, clips, frames, channels = motion.shape
    found = np.empty((samples, clips, len(lags), channels))
    p, x = (part - part.mean(-2, keepdims=True) for part in (motion, speaker))
    p_until, pp_until, x_until, xx_until = (_until(part) for part in (p, np.square(p), x, np.square(x)))
    whole = xx_until[:, -1] * pp_until[:, :, -1]  # (S, N, C)
    for number, lag in enumerate(lags):
        late, early = max(lag, 0), max(-lag, 0)
        n = frames - late - early  # of the motion from `late` on, of the speaker's from `early` on
        of_p, of_x = (..., slice(late, late + n), slice(None)), (..., slice(early, early + n), slice(None))
        sum_p, sum_pp = (part[..., late + n, :] - part[..., late, :] for part in (p_until, pp_until))
        sum_x, sum_xx = (part[..., early + n, :] - part[..., early, :] for part in (x_until, xx_until))
        products = np.einsum("sntc,ntc->snc", p[of_p], x[of_x])
        spread = np.maximum(sum_xx - sum_x**2 / n, 0) * np.maximum(sum_pp - sum_p**2 / n, 0)
        # Relative to the whole clip's: a column that stands still in the overlap has no correlation there.
        varies = spread > 1e-12 * whole
        with np.errstate(invalid="ignore", divide="ignore"):
            found[:, :, number] = np.where(varies, (products - sum_x * sum_p / n) / np.sqrt(spread), np.nan)
    return found


def _until(frames: np.ndarray) -> np.ndarray:
    """Sums of the frames before each one, (..., T, C) -> (..., T + 1, C)."""
    return np.concatenate([np.zeros_like(frames[..., :1, :]), frames.cumsum(-2)], -2)


def tlcc(correlations: np.ndarray, lags: np.ndarray) -> Lags:
    """Time-lagged cross-correlation (REACT): the peak over lags of the mean over columns; (..., L, C) -> (...).

    Columns that are constant are left out of the mean. Of equal peaks the one at the smallest |lag| is taken.
    """
    known = np.isfinite(correlations)
    mean = divide(np.where(known, correlations, 0).sum(-1), known.sum(-1))  # (..., L)
    mean[np.isnan(mean)] = -np.inf  # never the peak
    order = np.argsort(np.abs(lags), kind="stable")
    best = order[mean[..., order].argmax(-1)]  # (...)
    peak = np.take_along_axis(mean, best[..., None], -1)[..., 0]
    exists = np.isfinite(peak)
    return Lags(np.where(exists, peak, np.nan), np.where(exists, lags[best], np.nan))
