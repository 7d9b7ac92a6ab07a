"""Kill a step, or tell it to stop, at random moments; then run it again."""

import re
import signal
from collections.abc import Iterator

import numpy as np

from tests.ends.trial import End, Prepared


def moments(step: Prepared, kind: int, count: int, random: np.random.Generator, timed: bool = True) -> Iterator[End]:
    """A third each: any second of a run, a second near its end, and one of the things that it does to files; only the
    last, which are the same moments wherever they are tried, unless `timed`."""
    for number in range(count):
        if number % 3 == 2 or not timed:
            yield End(kind, at=int(random.integers(1, step.clean.deeds + 1)))
        else:
            share = random.random() if number % 3 == 0 else 1 - 0.3 * random.random()
            yield End(kind, seconds=0.03 + step.clean.seconds * share)


def kill(step: Prepared, end: End, previous: bool) -> Iterator[str]:
    """End one run; what is wrong. `previous`: what an earlier run has made lies there."""
    step.reset("after" if previous else "before")
    done = step.bench.run(step.step, end)
    if end.signal == signal.SIGTERM:
        if done.status == 75:
            yield from done.faults_of_words()
            yield from (f"after SIGTERM {name} lies there" for name in step.unfinished())
        elif done.status:
            yield f"status {done.status}: {done.said[-1500:]!r}"
        elif "Traceback" in done.said or "Exception" in done.said:
            yield f"status 0, but: {done.said[-1500:]!r}"
    elif done.status not in (0, 128 + signal.SIGKILL):
        yield f"status {done.status}: {done.said[-1500:]!r}"
    # New windows never lie beside the conversations of old ones: those go first, for as long as it takes to rename.
    yield from (fault for fault in step.left(previous) if not re.search("/conversations/.*gone$", fault))
    yield from step.again()
