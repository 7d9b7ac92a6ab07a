"""SIGTERM ends a command in one sentence, also where its first exception is lost.

A handler runs between two steps of Python, wherever that is: in a function that compiled code calls (numba, ctypes), in
a destructor, under somebody's `except Exception`. What it raises there gets no further. Such an exception is freed, so
it is looked at until it has ended the command, and raised anew when it is gone. Who handles it for good calls `ignore`.
"""

import logging
import signal
import sys
import weakref
from types import FrameType
from typing import Any

from l2l.errors import Stopped

_AGAIN = 0.1  # seconds between two looks
_raised: "weakref.ref[Stopped] | None" = None
_sentence = ""


def listen() -> None:
    """From now on SIGTERM raises Stopped in the main thread, which calls this."""
    logging.raiseExceptions = False  # else logging shows as a fault what is raised while it writes
    sys.unraisablehook = _unraisable
    signal.signal(signal.SIGALRM, _look_again)
    signal.signal(signal.SIGTERM, _stop)


def ignore() -> None:
    """From now on SIGTERM does nothing: what is left to do takes no time."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.setitimer(signal.ITIMER_REAL, 0)


def heard() -> Stopped | None:
    """What SIGTERM has raised, if it came: a package may have made a fault of the input of it (torch, of weights)."""
    return Stopped(_sentence) if _sentence else None


def _stop(number: int, _: FrameType | None) -> None:
    """A scheduler ends a job with SIGTERM: what is half-written goes, and the same command can be run again."""
    global _raised, _sentence
    _sentence = f"stopped by {signal.Signals(number).name}; run the same command again."
    error = Stopped(_sentence)
    _raised = weakref.ref(error)
    signal.setitimer(signal.ITIMER_REAL, _AGAIN)
    try:
        raise error
    finally:
        del error  # its traceback knows this frame: together they would never be freed


def _look_again(*_: Any) -> None:
    if _raised and _raised():
        signal.setitimer(signal.ITIMER_REAL, _AGAIN)
    else:
        signal.raise_signal(signal.SIGTERM)  # to whoever handles it by now, as a training that remembers it


def _unraisable(lost: Any) -> None:
    """Python's words for an exception that is lost, but for the one that comes again."""
    if not isinstance(lost.exc_value, Stopped):
        sys.__unraisablehook__(lost)
