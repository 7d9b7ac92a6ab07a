"""Does the model listen? Its error with the true speaker against its error with the speaker of another moment.

- Distances can be small and motion fluent without a look at the speaker: in 2026 generators that never hear it win
  Frechet distances and rPCC. This number is 0 for them, whatever they do.
- The idea of a conditional gain is R-DGG's; the form here is ours.
"""

from typing import Any

import numpy as np

from l2l.evaluation.bootstrap import Bootstrap
from l2l.evaluation.distances import l2

ZERO_ERROR = "an error of zero has no logarithm"
DEAF = {"value": 0.0, "interval_95": [0.0, 0.0], "p": 1.0}  # the speaker is never looked at, so nothing can change


def gain(errors: np.ndarray, shifted: np.ndarray, bootstrap: Bootstrap) -> dict[str, Any]:
    """mean_r ( mean_k log E'_kr - log E_r ): no unit, > 0 when the true speaker helps, higher is better.

    errors (N,) with the true speaker, shifted (K, N) with K others; E_r and E'_kr are their means over the clips of
    recording r. 0.1 says: without the right moment of the speaker the error is 10 % larger. If a shifted speaker took
    the true one's place the number would be 0 on average over the K, exactly, so nothing is to be subtracted.

    The interval draws recordings. `p` is the share of the K + 1 speakers, the true one among them, with which the
    error (over all recordings) is no larger than with the true one: small when the true one is special.
    """
    clips = bootstrap.sums(np.ones(len(errors)))  # (G,)
    true = bootstrap.sums(errors) / clips  # (G,)
    other = bootstrap.sums(shifted.T).T / clips  # (K, G)
    if (true <= 0).any() or (other <= 0).any():
        return {"value": None, "interval_95": None, "reason": ZERO_ERROR}
    log_true, log_other = np.log(true), np.log(other)
    found = bootstrap.mean_of_recordings(log_other.mean(0) - log_true, ZERO_ERROR)
    as_good = (log_other.mean(1) <= log_true.mean()).sum()
    return {**found, "p": float((1 + as_good) / (1 + len(other)))}


def l2_errors(predicted: np.ndarray, truth: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Mean over samples of the L2 in units of each channel's spread: (S, N, T, C), (N, T, C), (C,) -> (N,)."""
    return l2(predicted / scale, truth / scale).mean(0)
