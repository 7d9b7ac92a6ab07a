"""Runs of True in a mask, for those that need no more of speech than this."""

import numpy as np


def intervals(mask: np.ndarray) -> list[tuple[int, int]]:
    """[start, end) of every run of True in a mask (T,)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
