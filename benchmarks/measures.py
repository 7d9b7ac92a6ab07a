"""What the table of benchmarks/quality.py is made of: numbers of one row, over whole recordings.

Arrays: truth (N, T, 56) and a row's samples (S, N, T, 56), both in units of the training frames' std; N recordings.
Intervals are 95 %, over recordings: percentile bootstraps of means and shares; for distances and entropies of pooled
frames, which a bootstrap biases by drawing recordings twice, 1.96 standard errors of the jackknife.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.cluster import KMeans

from benchmarks.dyads import Speaker, answered
from l2l.dataset.layout import REGIONS

RESAMPLINGS = 200
SID_CLUSTERS = {"expression": 40, "pose": 20}
POSE = slice(50, 56)


def interval(statistic: Callable[[np.ndarray], float], count: int) -> list[float]:
    """[value, low, high] of a statistic of recordings, given as an array of their numbers."""
    random = np.random.default_rng(0)
    drawn = [statistic(random.integers(0, count, count)) for _ in range(RESAMPLINGS)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return [float(statistic(np.arange(count))), float(low), float(high)]


def jackknife(statistic: Callable[[np.ndarray], float], count: int) -> list[float]:
    """The same for statistics that are not means, leaving out one recording at a time."""
    everything = np.arange(count)
    value = float(statistic(everything))
    left = np.array([statistic(np.delete(everything, n)) for n in range(count)])
    spread = 1.96 * float(np.sqrt((count - 1) * np.square(left - left.mean()).mean()))
    return [value, value - spread, value + spread]


class Moments:
    """Sums from which the mean and covariance of any choice of recordings follow."""

    def __init__(self, x: np.ndarray) -> None:
        """x (N, T, C)."""
        x = x.astype(np.float64)
        self.count, self.first, self.second = x.shape[1], x.sum(1), np.einsum("ntc,ntd->ncd", x, x)

    def of(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        n = self.count * len(rows)
        mean = self.first[rows].sum(0) / n
        return mean, (self.second[rows].sum(0) - n * np.outer(mean, mean)) / (n - 1)


def frechet(a: tuple[np.ndarray, np.ndarray], b: tuple[np.ndarray, np.ndarray]) -> float:
    """Squared Frechet distance of two Gaussians, each a mean and a covariance."""
    values, vectors = np.linalg.eigh(b[1])
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    product = root @ a[1] @ root
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh((product + product.T) / 2), 0)).sum()
    return float(np.square(a[0] - b[0]).sum() + np.trace(a[1]) + np.trace(b[1]) - 2 * cross)


def distances(samples: np.ndarray, truth: np.ndarray, speakers: np.ndarray) -> dict[str, Any]:
    """fd of listener frames; p_fd with the speaker's frames beside them. Mean over sample sets, frames pooled."""

    def paired(x: np.ndarray) -> np.ndarray:
        return np.concatenate([speakers, x], axis=-1)

    true, true_pairs = Moments(truth), Moments(paired(truth))
    sets = [(Moments(sample), Moments(paired(sample))) for sample in samples]
    count = len(truth)
    return {
        "fd": jackknife(lambda rows: np.mean([frechet(m.of(rows), true.of(rows)) for m, _ in sets]), count),
        "p_fd": jackknife(lambda rows: np.mean([frechet(m.of(rows), true_pairs.of(rows)) for _, m in sets]), count),
    }


def events(samples: np.ndarray, speakers: list[Speaker]) -> dict[str, Any]:
    """Share of pauses answered by a nod, of other moments with one, of smiles returned; samples in RAW units."""
    found = [[answered(motion, speaker) for motion in samples[:, n]] for n, speaker in enumerate(speakers)]
    results = {}
    for k, name in enumerate(("nods", "base", "smiles")):
        hits = np.array([np.mean([one[k].sum() for one in recording]) for recording in found])
        counts = np.array([len(recording[0][k]) for recording in found])
        results[name] = interval(
            lambda rows, hits=hits, counts=counts: hits[rows].sum() / counts[rows].sum(), len(speakers)
        )
    return results


def seam(samples: np.ndarray, period: int = 8) -> dict[str, float]:
    """Mean acceleration at the border of two patches over that inside, and of the worst phase over all others."""
    acceleration = np.abs(np.diff(samples, n=2, axis=2)).mean((0, 1, 3))  # (T - 2,), centred on frame 1, 2, ...
    phase = (np.arange(len(acceleration)) + 1) % period
    means = np.array([acceleration[phase == p].mean() for p in range(period)])
    if not means.any():
        return {"border": 0.0, "worst": 0.0}  # nothing moves
    border = np.isin(np.arange(period), (0, period - 1))
    return {
        "border": float(means[border].mean() / means[~border].mean()),
        "worst": float(max(means[p] / np.delete(means, p).mean() for p in range(period))),
    }


def empty_frames(samples: np.ndarray) -> float:
    """Share of frames that equal the one before, in every channel."""
    return float((np.abs(np.diff(samples, axis=2)) < 1e-7).all(-1).mean())


def variety(samples: np.ndarray) -> dict[str, float]:
    """Variance between the samples of one input, mean over frames and channels of a region."""
    if len(samples) < 2:
        return {region: 0.0 for region in REGIONS}
    between = samples.var(axis=0, ddof=1).mean((0, 1))  # (56,)
    return {region: float(between[channels].mean()) for region, channels in REGIONS.items()}


def shannon(samples: np.ndarray, truth: np.ndarray) -> dict[str, list[float]]:
    """SID in bits: entropy of the clusters, found on true frames, that the samples' frames fall into."""
    found = {}
    for name, channels in (("expression", slice(0, 50)), ("pose", POSE)):
        k = SID_CLUSTERS[name]
        true = truth[..., channels].reshape(-1, truth[..., channels].shape[-1])
        clusters = KMeans(k, n_init=1, random_state=0).fit(true[::4].astype(np.float32))
        counts = np.stack(  # (N, k)
            [
                np.bincount(
                    clusters.predict(samples[:, n, :, channels].reshape(-1, true.shape[1]).astype(np.float32)),
                    minlength=k,
                )
                for n in range(samples.shape[1])
            ]
        )

        def entropy(rows: np.ndarray, counts: np.ndarray = counts) -> float:
            p = counts[rows].sum(0) / counts[rows].sum()
            return float(-(p * np.log2(p + 1e-6)).sum())

        found[name] = jackknife(entropy, len(counts))
    return found
