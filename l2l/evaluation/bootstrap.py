"""How sure a number is: a bootstrap over whole recordings (Efron and Tibshirani 1993).

- Windows of one recording are alike, so drawing windows would make intervals far too narrow.
- All numbers share one set of draws: row i of two intervals saw the same recordings.
- A number is a function of sums over recordings, so a draw is a product of small matrices, not a second pass over the
  frames.
- Of the draws a number keeps its interval and its influence: how far it moves when a recording is drawn once more
  (Hampel 1974). Influences of two numbers tell how sure their difference is, see `l2l.evaluation.ranking`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

Number = dict[str, Any]  # {value, interval_95, influence} and, where one of the first two does not exist, reason
ONE_RECORDING = "one test recording: a bootstrap over recordings needs two"
GROUPS = 40  # recordings have an influence each; of more, groups of them
OFTEN_UNDEFINED = "undefined in more than half of the draws"


class Bootstrap:
    """Recordings drawn with replacement, `resamplings` times."""

    def __init__(self, recordings: np.ndarray, resamplings: int, seed: int) -> None:
        """`recordings` (N,) says which recording each clip is part of."""
        names, self.index = np.unique(recordings, return_inverse=True)  # (G,), (N,)
        drawn = np.random.default_rng(seed).integers(0, len(names), (resamplings, len(names)))
        self.counts = np.zeros((resamplings, len(names)))  # (R, G) how often each recording was drawn
        np.add.at(self.counts, (np.arange(resamplings)[:, None], drawn), 1)
        group = np.arange(len(names)) % GROUPS
        members = np.eye(GROUPS)[group][:, : len(names)]  # (G, K)
        self._design = (self.counts - 1) @ members / np.sqrt(members.sum(0))  # (R, K), of variance 1
        self._inverses: dict[bytes, np.ndarray] = {}

    def __len__(self) -> int:
        return self.counts.shape[1]

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Values of clips (N, ...) -> their sums over each recording (G, ...)."""
        found = np.zeros((len(self), *values.shape[1:]))
        np.add.at(found, self.index, values)
        return found

    def estimate(self, sums: np.ndarray, function: Callable[[np.ndarray], np.ndarray], missing: str) -> Number:
        """`function` of the sums (G, ...) over all recordings, with the interval that the draws give.

        It takes sums (B, ...) to values (B,), NaN where undefined.
        """
        value = float(function(sums.sum(0)[None])[0])
        drawn = np.empty(0)
        if len(self) > 1 and np.isfinite(value):
            drawn = function(np.tensordot(self.counts, sums, 1))
        return self.number(value, drawn, missing)

    def number(self, value: float, drawn: np.ndarray, missing: str) -> Number:
        """`number` of this value and its first draws (R,), with its influence: (K,), least squares over the draws.

        A constant has none.
        """
        found = number(value, drawn, missing)
        if found["interval_95"] and found["interval_95"][0] < found["interval_95"][1]:
            known = np.isfinite(drawn)
            if (key := known.tobytes()) not in self._inverses:
                self._inverses[key] = np.linalg.pinv(self._design[: len(drawn)][known], rcond=1e-9)
            moves = self._inverses[key] @ (drawn[known] - drawn[known].mean())
            found["influence"] = [float(f"{move:.3g}") for move in moves]
        return found

    def mean(self, values: np.ndarray, missing: str) -> Number:
        """Mean of the values of clips (N,), those that are NaN left out."""
        return self.estimate(self.sums(_counted(values)), ratio, missing)

    def mean_of_recordings(self, values: np.ndarray, missing: str) -> Number:
        """Mean of the values of recordings (G,), each counted once, those that are NaN left out."""
        return self.estimate(_counted(values), ratio, missing)


def _counted(values: np.ndarray) -> np.ndarray:
    """(N,) -> (N, 2): what each value adds to a sum, and to the number of values."""
    known = np.isfinite(values)
    return np.stack([np.where(known, values, 0), known], 1).astype(float)


def divide(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a / b, NaN where b is not positive; arrays of one shape."""
    return np.divide(a, b, out=np.full(np.shape(a), np.nan), where=b > 0)


def ratio(sums: np.ndarray) -> np.ndarray:
    """Sums (B, 2) -> the first over the second (B,), NaN where the second is 0."""
    return divide(sums[:, 0], sums[:, 1])


def known_mean(values: np.ndarray) -> np.ndarray:
    """Mean over the first axis (S, ...) -> (...), values that are NaN left out; NaN where all are."""
    known = np.isfinite(values)
    return divide(np.where(known, values, 0).sum(0), known.sum(0))


def absent(reason: str) -> Number:
    """A number that does not exist, as it stands in eval.json."""
    return {"value": None, "interval_95": None, "reason": reason}


def number(value: float, drawn: np.ndarray, missing: str) -> Number:
    """A number as it stands in eval.json; one that is not finite is absent, `missing` says why.

    The interval holds the middle 95 % of `drawn` (R,), moved so that their mean is the value. Drawing with replacement
    repeats recordings, which puts every distance between distributions far above its value; unmoved, the interval
    would often not contain it. What is never negative stays so. `drawn` is empty when there was nothing to draw from.
    """
    if not np.isfinite(value):
        return absent(missing)
    known = drawn[np.isfinite(drawn)]
    if len(drawn) and 2 * len(known) >= len(drawn):
        interval = np.quantile(known, [0.025, 0.975]) + (value - known.mean())
        low, high = np.maximum(interval, 0) if value >= 0 and known.min() >= 0 else interval
        return {"value": float(value), "interval_95": [float(low), float(high)]}
    return absent(OFTEN_UNDEFINED if len(drawn) else ONE_RECORDING) | {"value": float(value)}
