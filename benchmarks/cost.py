"""What a command costs: seconds, CPU-seconds and memory, of itself and of all that it starts."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
# Linux counts the memory of whoever starts a process as the process's own, so it is started by something small.
_START = """
import json, os, resource, subprocess, sys, time
notes, cores, limit, *command = sys.argv[1:]
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:int(cores)])
start = time.perf_counter()
try:
    status = subprocess.run(command, timeout=float(limit)).returncode
except subprocess.TimeoutExpired:
    status = None
seconds, used = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
with open(notes, "w") as file:
    json.dump([status, seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024], file)
"""


class Cost(NamedTuple):
    """What a command cost, and what it said."""

    status: int | None  # None: it took too long and was ended
    seconds: float  # on the clock
    cpu: float  # seconds that processors worked: what counts on a machine that others use too
    peak: float  # MB, of its largest process
    said: str

    @property
    def last_words(self) -> str:
        """Its last line."""
        return (self.said.strip().splitlines() or [""])[-1]


def cost(
    command: list[str],
    cores: int = 1,
    limit: float = 1e6,
    folder: Path | None = None,
    environment: dict[str, str] | None = None,
) -> Cost:
    """The cost of one command, on so many cores and as many threads, ended after `limit` seconds."""
    with tempfile.TemporaryDirectory() as scratch:
        notes = Path(scratch) / "notes.json"
        done = subprocess.run(
            [sys.executable, "-S", "-E", "-c", _START, str(notes), str(cores), str(limit), *command],
            cwd=folder,
            env=os.environ | dict.fromkeys(LIMITS, str(cores)) | (environment or {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=True,
        )
        return Cost(*json.loads(notes.read_text()), done.stdout.decode(errors="replace"))


def exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """b of costs = a sizes^b, least squares on logarithms."""
    return float(np.polyfit(np.log(sizes), np.log(costs), 1)[0])


def l2l(words: list[str], cores: int = 1) -> Cost:
    """The cost of one of our commands, which must succeed."""
    found = cost([sys.executable, "-m", "l2l", *words], cores)
    if found.status:
        sys.exit(f"failed: l2l {' '.join(words)}\n{found.said}")
    return found
