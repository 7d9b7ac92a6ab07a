"""Distances frame by frame: pure functions of arrays (..., T, C), one number per clip."""

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
