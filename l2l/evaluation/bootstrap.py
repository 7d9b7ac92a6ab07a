"""How sure a number is: a bootstrap over whole recordings (Efron and Tibshirani 1993).

- Windows of one recording are alike, so drawing windows would make intervals far too narrow.
- All numbers share one set of draws: row i of two intervals saw the same recordings.
- A number is a function of sums over recordings, so that a draw is a product of small matrices, never a second pass
  over the frames.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

ONE_RECORDING = "one test recording: a bootstrap over recordings needs two"
OFTEN_UNDEFINED = "undefined in more than half of the draws"
Function = Callable[[np.ndarray], np.ndarray]  # sums (B, ...) -> values (B,), NaN where undefined


class Bootstrap:
    """Recordings drawn with replacement, `resamplings` times."""

    def __init__(self, recordings: np.ndarray, resamplings: int, seed: int) -> None:
        """`recordings` (N,) says which recording each clip is part of."""
        self.names, self.index = np.unique(recordings, return_inverse=True)  # (G,), (N,)
        groups = len(self.names)
        drawn = np.random.default_rng(seed).integers(0, groups, (resamplings, groups))
        self.counts = np.zeros((resamplings, groups))  # (R, G) how often each recording was drawn
        np.add.at(self.counts, (np.arange(resamplings)[:, None], drawn), 1)

    def __len__(self) -> int:
        return len(self.names)

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Values of clips (N, ...) -> their sums over each recording (G, ...)."""
        found = np.zeros((len(self), *values.shape[1:]))
        np.add.at(found, self.index, values)
        return found

    def estimate(self, sums: np.ndarray, function: Function, missing: str) -> dict[str, Any]:
        """`function` of the sums (G, ...) over all recordings, with the interval that the draws give."""
        value = float(function(sums.sum(0)[None])[0])
        drawn = np.empty(0)
        if len(self) > 1 and np.isfinite(value):
            drawn = function(np.tensordot(self.counts, sums, 1))
        return number(value, drawn, missing)

    def mean(self, values: np.ndarray, missing: str) -> dict[str, Any]:
        """Mean of the values of clips (N,), those that are NaN left out."""
        known = np.isfinite(values)
        return self.estimate(self.sums(np.stack([np.where(known, values, 0), known], 1)), ratio, missing)

    def mean_of_recordings(self, values: np.ndarray, missing: str) -> dict[str, Any]:
        """Mean of the values of recordings (G,), each counted once, those that are NaN left out."""
        known = np.isfinite(values)
        return self.estimate(np.stack([np.where(known, values, 0), known], 1).astype(float), ratio, missing)


def ratio(sums: np.ndarray) -> np.ndarray:
    """Sums (B, 2) -> the first over the second (B,), NaN for 0 / 0 and for anything over 0."""
    return np.divide(sums[:, 0], sums[:, 1], out=np.full(len(sums), np.nan), where=sums[:, 1] > 0)


def number(value: float, drawn: np.ndarray, missing: str) -> dict[str, Any]:
    """{value, interval_95} as it stands in eval.json; what does not exist is None, with the reason.

    The interval holds the middle 95 % of `drawn` (R,), moved so that their mean is the value. Drawing with replacement
    repeats recordings, which puts every distance between distributions far above its value; unmoved, the interval
    would often not contain it. What is never negative stays so. `drawn` is empty when there was nothing to draw from.
    """
    if not np.isfinite(value):
        return {"value": None, "interval_95": None, "reason": missing}
    known = drawn[np.isfinite(drawn)]
    if len(drawn) and 2 * len(known) >= len(drawn):
        interval = np.quantile(known, [0.025, 0.975]) + (value - known.mean())
        low, high = np.maximum(interval, 0) if value >= 0 and known.min() >= 0 else interval
        return {"value": float(value), "interval_95": [float(low), float(high)]}
    value = float(value)
    return {"value": value, "interval_95": None, "reason": OFTEN_UNDEFINED if len(drawn) else ONE_RECORDING}
