"""Parts of an evaluation that run side by side: numpy and torch let other threads run while they compute."""

import os
from concurrent.futures import ThreadPoolExecutor

AT_ONCE = 2  # each part needs up to a few hundred MB


def side_by_side() -> ThreadPoolExecutor:
    """A pool of threads; no more than there are cores. What is computed does not depend on their number."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    return ThreadPoolExecutor(min(AT_ONCE, cores))
