"""What the table of benchmarks/quality.py is made of: numbers of one training, and intervals over several.

Arrays: truth (N, T, 56) and samples (S, N, T, 56), N recordings of T frames, S listeners to each. FD, P-FD and the
variety of samples are those of `l2l.evaluation`.

Numbers of a recording are kept for each one, so that intervals can draw recordings and trainings: all trainings have
the same test recordings, so each bootstrap draw takes some of the trainings and, for all of these, the same
recordings. FD and P-FD are of pooled frames, which a bootstrap biases by drawing recordings twice; their intervals are
1.96 standard errors, of the jackknife over recordings and of the mean over trainings together.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.signal import butter, sosfiltfilt

from benchmarks.coupled import correlation
from benchmarks.dyads import PITCH, USUAL, Habits, Speaker, answered, nods, smile_of
from l2l.dataset.layout import REGIONS
from l2l.evaluation import motion
from l2l.evaluation.distances import Moments, moments_frechet
from l2l.units import FPS

RESAMPLINGS = 2000
LAGS = (0.0, 2.0, 4.0)  # seconds, of the correlation of two persons' smiles


def interval(values: np.ndarray, weights: np.ndarray | None = None) -> list[float]:
    """[value, low, high], 95 %, of the mean of values (K, N) of K trainings and N recordings, weighted (K, N)."""
    weights = np.ones(values.shape) if weights is None else weights
    trainings, recordings = values.shape
    random, found = np.random.default_rng(0), []
    for _ in range(RESAMPLINGS):
        chosen = np.ix_(random.integers(0, trainings, trainings), random.integers(0, recordings, recordings))
        found.append((values * weights)[chosen].sum() / max(weights[chosen].sum(), 1e-9))
    low, high = np.quantile(found, [0.025, 0.975])
    return [float((values * weights).sum() / max(weights.sum(), 1e-9)), float(low), float(high)]


def interval_of_distances(found: list[list[float]]) -> list[float]:
    """[value, low, high] of the mean over trainings of [value, standard error over recordings]."""
    values, errors = np.array(found).T
    between = values.var(ddof=1) / len(values) if len(values) > 1 else 0.0
    spread = 1.96 * float(np.sqrt(np.square(errors).mean() + between))
    return [float(values.mean()), float(values.mean()) - spread, float(values.mean()) + spread]


def jackknife(statistic: Callable[[np.ndarray], np.ndarray], count: int) -> list[float]:
    """[value, standard error] of a statistic of recordings, leaving out one at a time.

    `statistic` takes weights (R, N), how often each recording counts, to values (R,).
    """
    value, *left = statistic(np.concatenate([np.ones((1, count)), 1 - np.eye(count)])).tolist()
    return [value, float(np.sqrt((count - 1) * np.square(left - np.mean(left)).mean()))]


def distances(samples: np.ndarray, truth: np.ndarray, speakers: np.ndarray) -> dict[str, list[float]]:
    """fd of listener frames; p_fd with the speaker's frames beside them. Mean over sample sets, frames pooled.

    All in units of the true frames' std.
    """

    def apart(sets: list[np.ndarray], true: np.ndarray) -> list[float]:
        moments = [Moments.of(frames.astype(np.float64)) for frames in (true, *sets)]

        def statistic(weights: np.ndarray) -> np.ndarray:
            first, *others = [each.combined(weights) for each in moments]
            return np.mean([moments_frechet(other, first) for other in others], 0)

        return jackknife(statistic, len(truth))

    def paired(x: np.ndarray) -> np.ndarray:
        return np.concatenate([speakers, x], axis=-1)

    return {"fd": apart(list(samples), truth), "p_fd": apart([paired(x) for x in samples], paired(truth))}


def events(samples: np.ndarray, speakers: list[Speaker], habits: Habits = USUAL) -> dict[str, dict[str, list[float]]]:
    """Pauses answered by a nod, other moments with one, smiles returned: `hits` and `counts` of each recording.

    samples (S, N, T, 56) raw; hits are means over the S.
    """
    found = [[answered(motion, speaker, habits) for motion in samples[:, n]] for n, speaker in enumerate(speakers)]
    return {
        name: {
            "hits": [float(np.mean([one[k].sum() for one in recording])) for recording in found],
            "counts": [float(len(recording[0][k])) for recording in found],
        }
        for k, name in enumerate(("nods", "base", "smiles"))
    }


def nods_in_silence(motions: np.ndarray, speakers: list[Speaker], silence: tuple[float, float]) -> dict[str, Any]:
    """Nods per second of raw listeners (N, T, 56) while the speaker is silent: `hits` and seconds, `counts`.

    From 1.5 s after the last word, so that a nod that answers its end is not one in silence.
    """
    hits, seconds = [], []
    for moved, speaker in zip(motions, speakers, strict=True):
        last = max((int(p) for p in speaker.pauses if p / FPS < silence[0] + 1), default=round(silence[0] * FPS))
        first, end = last + round(1.5 * FPS), round(silence[1] * FPS)
        found = nods(moved)
        hits.append(float(((found >= first) & (found < end)).sum()))
        seconds.append((end - first) / FPS)
    return {"hits": hits, "counts": seconds}


def smiles_together(samples: np.ndarray, speakers: list[Speaker]) -> list[float]:
    """Correlation of both persons' smiles at each of `LAGS`, all recordings together; mean over the S."""
    smiles = np.stack([speaker.smile for speaker in speakers])
    return [float(np.mean([correlation(smiles, smile_of(one), lag) for one in samples])) for lag in LAGS]


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


def variety(samples: np.ndarray) -> dict[str, float]:
    """Variance between the samples of one input, mean over frames and channels of a region; 0 of a single sample."""
    found = {region: motion.samples_variance(samples[..., channels]).mean() for region, channels in REGIONS.items()}
    return {region: float(np.nan_to_num(value)) for region, value in found.items()}


def fast_pitch(motions: np.ndarray, truth: np.ndarray) -> float:
    """Slope of the 2-6 Hz pitch of motions (N, T, 56) on that of the truth: 1 when fast nods are as deep as true."""
    band = butter(4, (2, 6), "bandpass", fs=FPS, output="sos")
    found, true = (sosfiltfilt(band, x[..., PITCH].astype(float), axis=1) for x in (motions, truth))
    return float((found * true).sum() / np.square(true).sum())
