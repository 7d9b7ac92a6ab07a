"""The errors that a user may meet: a sentence that names the file or key, what is wrong, and what to do next.

A job works on several recordings, so it must know whose fault an error is: `blames_recording` says.

- What is wrong with one recording (any other UserError, or an exception that nobody expected) excludes that recording.
- What is temporary (a full disk, no memory, a killed program) and what is wrong with the installation end the job.
"""

import errno
import os
import re
from pathlib import Path

_LONGEST = 1500  # letters of a sentence


class ShownError(Exception):
    """A sentence that the command line prints, without a traceback."""

    status = 1  # what the command line exits with

    def __str__(self) -> str:
        """One line that can be read, whatever a file has put into it."""
        text = "".join(c if c.isprintable() else repr(c)[1:-1] for c in super().__str__())
        return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]} ... {text[-_LONGEST // 2 :]}"


class UserError(ShownError):
    """The input or the settings are wrong."""


class SetupError(UserError):
    """The installation or the settings are wrong, as a missing weight file: no recording can be worked on."""


class TemporaryError(ShownError):
    """Nothing is wrong with the input: the same command may work later.

    It is no UserError, so that whoever goes on without a bad input does not go on without room on the disk.
    """

    status = 75  # EX_TEMPFAIL of sysexits.h


class Stopped(TemporaryError):
    """A step was told to stop before its end, and left what the same command needs to go on."""


def shown(path: str | Path) -> str:
    """A path as a message can hold it: bytes of its name that are not UTF-8 are shown as such."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def last_words(log: Path) -> str:
    """The sentence with which a command that failed has ended its log; empty where none has."""
    last = log.read_text(encoding="utf-8", errors="replace").strip().rpartition("\n")[2] if log.is_file() else ""
    return last if last.startswith("l2l ") else ""


_TEMPORARY = {
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.ESTALE, errno.EACCES, errno.EPERM),
    *(errno.ENOMEM, errno.EAGAIN, errno.EMFILE, errno.ENFILE, errno.EBUSY, errno.EPIPE, errno.ENODEV, errno.ENXIO),
    *(errno.ETIMEDOUT, errno.ENOTCONN, errno.ECONNRESET, errno.ENETDOWN, errno.ENETUNREACH),
}
# libav numbers its own errors by these too, also where a file is damaged.
_TEMPORARY_LIBAV = {errno.ENOMEM, errno.EMFILE, errno.ENFILE}
# Kind and message of a RuntimeError, as torch raises it, where the machine is at fault.
_MACHINE = re.compile(
    r"OutOfMemoryError|AcceleratorError|out of memory|(?:can't|cannot|failed to) allocate|bad_alloc"
    r"|\bcu(?:da|dnn|blas|fft|solver|sparse)(?:\b|_)",
    re.I,
)


def temporary_cause(error: BaseException) -> BaseException | None:
    """The error that is the machine's fault (disk, memory, permission, a killed program), among `error` and those that
    it was raised from; None when the input is at fault."""
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, TemporaryError | MemoryError):
            return found
        if isinstance(found, RuntimeError) and _MACHINE.search(f"{type(found).__name__}: {found}"):
            return found
        libav = type(found).__module__.startswith("av.")
        if isinstance(found, OSError) and found.errno in (_TEMPORARY_LIBAV if libav else _TEMPORARY):
            return found
        if _is_unwritten(found):
            return found
        found = found.__cause__ or found.__context__
    return None


_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def is_full(error: BaseException | None) -> bool:
    """Whether a disk took no more."""
    return getattr(error, "errno", None) in _FULL or _is_unwritten(error)


def _is_unwritten(error: BaseException | None) -> bool:
    """Whether libsndfile or numpy could not write; neither says why."""
    if isinstance(error, OSError) and error.errno is None:
        return bool(re.fullmatch(r"\d+ requested and \d+ written", str(error)))
    return type(error).__name__ == "LibsndfileError" and getattr(error, "code", 0) == 2


def blames_recording(error: Exception) -> bool:
    """Whether an error in a step is the recording's own, so that the others can go on without it."""
    return not (isinstance(error, SetupError | ImportError | SyntaxError) or temporary_cause(error))
