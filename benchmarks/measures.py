"""What the table of benchmarks/quality.py is made of: numbers of one row, over whole recordings.

Arrays: truth (N, T, 56) and a row's samples (S, N, T, 56), both in units of the training frames' std; N recordings.
FD, P-FD, SID and the variety of samples are those of `l2l.evaluation`. Intervals are 95 %, over recordings: percentile
bootstraps of means and shares; for distances and entropies of pooled frames, which a bootstrap biases by drawing
recordings twice, 1.96 standard errors of the jackknife.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.dyads import Speaker, answered
from l2l.dataset.layout import REGIONS
from l2l.evaluation import motion
from l2l.evaluation.clips import REGIONS as ALL_REGIONS
from l2l.evaluation.distances import Moments, moments_frechet

RESAMPLINGS = 200


def interval(statistic: Callable[[np.ndarray], float], count: int) -> list[float]:
    """[value, low, high] of a statistic of recordings, given as an array of their numbers."""
    random = np.random.default_rng(0)
    drawn = [statistic(random.integers(0, count, count)) for _ in range(RESAMPLINGS)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return [float(statistic(np.arange(count))), float(low), float(high)]


def jackknife(statistic: Callable[[np.ndarray], np.ndarray], count: int) -> list[float]:
    """The same for statistics that are not means, leaving out one recording at a time.

    `statistic` takes weights (R, N), how often each recording counts, to values (R,).
    """
    value, *left = statistic(np.concatenate([np.ones((1, count)), 1 - np.eye(count)])).tolist()
    spread = 1.96 * float(np.sqrt((count - 1) * np.square(left - np.mean(left)).mean()))
    return [value, value - spread, value + spread]


def distances(samples: np.ndarray, truth: np.ndarray, speakers: np.ndarray) -> dict[str, Any]:
    """fd of listener frames; p_fd with the speaker's frames beside them. Mean over sample sets, frames pooled."""

    def apart(sets: list[np.ndarray], true: np.ndarray) -> list[float]:
        moments = [Moments.of(frames.astype(np.float64)) for frames in (true, *sets)]

        def statistic(weights: np.ndarray) -> np.ndarray:
            first, *others = [each.combined(weights) for each in moments]
            return np.mean([moments_frechet(other, first) for other in others], 0)

        return jackknife(statistic, len(truth))

    def paired(x: np.ndarray) -> np.ndarray:
        return np.concatenate([speakers, x], axis=-1)

    return {"fd": apart(list(samples), truth), "p_fd": apart([paired(x) for x in samples], paired(truth))}


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


def phases(samples: np.ndarray, period: int = 8) -> dict[str, float]:
    """Mean acceleration at the border of two patches over that inside, and of the worst phase over all others.

    Unlike `seam` of eval.json it looks at every phase of a patch, and at the channels one by one.
    """
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
    """Variance between the samples of one input, mean over frames and channels of a region; 0 of a single sample."""
    found = {region: motion.samples_variance(samples[..., channels]).mean() for region, channels in REGIONS.items()}
    return {region: float(np.nan_to_num(value)) for region, value in found.items()}


def shannon(samples: np.ndarray, truth: np.ndarray) -> dict[str, list[float]]:
    """SID in bits: entropy of the clusters, found on every fourth true frame, that the samples' frames fall into."""
    found = {}
    for region, clusters in motion.CLUSTERS["sid_40_20"].items():
        channels = ALL_REGIONS[region]
        centres = motion.fit_clusters(truth[..., channels].reshape(-1, truth[..., channels].shape[-1])[::4], clusters)
        assert centres is not None, "fewer different true frames than clusters"
        counts = motion.cluster_counts(samples[..., channels].astype(np.float64), centres).sum(0)  # (N, k)
        found[region] = jackknife(lambda weights, counts=counts: motion.sid(weights @ counts), len(counts))
    return found
