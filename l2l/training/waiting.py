"""How the threads of a training wait for each other, several times in each step. Results do not depend on it.

- A thread that spins is there at once when the others are done. Where the cores are busy it takes the time that the
  others need: on two busy cores, training on two spinning threads was 6 times slower than on one.
- So threads spin for about 0.1 ms, which is as good as forever where cores are free, and not at all where they are busy
  when the training starts.
- libgomp reads this when torch is loaded, so it is set before. Who sets OMP_WAIT_POLICY or GOMP_SPINCOUNT knows better.
"""

import os
import sys
import time
from pathlib import Path

_SPIN = 3000  # turns of libgomp's waiting loop
_LOOK = 0.2  # seconds
_FREE = 0.5  # of a core that others may use
_STAT = Path("/proc/stat")


def share_cores() -> None:
    """Set how torch's threads wait, by how busy the machine is now. Nothing where torch is imported already."""
    if "torch" in sys.modules or "OMP_WAIT_POLICY" in os.environ or "GOMP_SPINCOUNT" in os.environ:
        return
    cores, asked = _own_cores(), os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    wanted = min(int(asked), len(cores)) if asked.isdecimal() else len(cores)  # libgomp ignores what is no number
    busy = wanted > 1 and _idle(cores) < wanted - _FREE
    os.environ["GOMP_SPINCOUNT"] = str(0 if busy else _SPIN)


def _own_cores() -> set[int]:
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))


def _idle(cores: set[int]) -> float:
    """How many of the cores had nothing to do in the last moment; all where the system does not say."""
    before = _ticks()
    time.sleep(_LOOK)
    after = _ticks()
    idle = 0.0
    for core in cores:
        (free, total), (free_before, total_before) = after.get(core, (0, 0)), before.get(core, (0, 0))
        idle += (free - free_before) / (total - total_before) if total > total_before else 1.0
    return idle


def _ticks() -> dict[int, tuple[int, int]]:
    """Of each core, the ticks that it was idle, and all."""
    try:
        lines = [line.split() for line in _STAT.read_text().splitlines()]
    except OSError:
        return {}
    cores = {line[0][3:]: [int(word) for word in line[1:9]] for line in lines if line and line[0].startswith("cpu")}
    return {int(core): (ticks[3] + ticks[4], sum(ticks)) for core, ticks in cores.items() if core}
