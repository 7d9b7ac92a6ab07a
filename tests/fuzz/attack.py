"""Mutants of one format, one after another, each with a limit of time and of memory."""

import resource
import signal
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from l2l.errors import UserError
from tests.fuzz.formats import FORMATS
from tests.fuzz.mutants import mutant

SECONDS, MEGABYTES = 30, 2000


def attack(name: str, folder: Path, numbers: range, until: float = float("inf")) -> tuple[int, list[str]]:
    """How many mutants were read, and a line for each with another answer than numbers or one sentence."""
    form, wrong, count = FORMATS[name], list[str](), 0
    folder.mkdir(parents=True, exist_ok=True)
    path = form.make(folder)
    good = path.read_bytes()
    form.read(path)
    for number in numbers:
        if time.time() > until:
            break
        path.write_bytes(mutant(good, number))
        count += 1
        before = _peak()
        try:
            with _at_most(SECONDS):
                form.read(path)
        except UserError as error:
            if "\n" in str(error) or len(str(error)) > 2000:
                wrong.append(f"{name} {number}: not a sentence: {str(error)[:300]!r}")
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            wrong.append(f"{name} {number}: {type(error).__name__}: {str(error)[:200]} ({last.filename}:{last.lineno})")
        if _peak() - before > MEGABYTES:
            wrong.append(f"{name} {number}: {_peak() - before:.0f} MB")
    path.write_bytes(good)
    return count, wrong


def _peak() -> float:
    return max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024


@contextmanager
def _at_most(seconds: int) -> Iterator[None]:
    def late(*_: object) -> None:
        raise TimeoutError(f"more than {seconds} s")

    previous = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)
