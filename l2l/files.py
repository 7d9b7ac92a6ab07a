"""Writing files whole or not at all, and saying what is wrong with one that cannot be read.

- Every output is written under a temporary name in its own folder, flushed, then renamed into place.
- A temporary name tells whose it is. What a killed process has left, the next one that writes there removes.
- `create_array` and `NpzWriter` write what never has to fit in memory: a mapped .npy, and an .npz array by array.
  `large_array` holds it while a command runs.
- Nothing here writes or reads a pickle.
"""

import contextlib
import glob
import hashlib
import json
import lzma
import math
import os
import platform
import re
import shutil
import struct
import tempfile
import time
import uuid
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from l2l.errors import TemporaryError, UserError, is_full, shown, temporary_cause

_HOST = re.sub("[^A-Za-z0-9]", "", platform.node())[:16] or "host"
_OWNER = re.compile(r"([A-Za-z0-9]+)-(\d+)-[0-9a-f]{8}\b")
_DAY = 86400  # seconds
LARGE = 1 << 30  # bytes of an array from which it need not fit in memory
_unfinished: set[Path] = set()  # temporary files of this process

# What numpy and zipfile raise for a file that is cut off or altered.
_DAMAGED = (
    *(ValueError, LookupError, ArithmeticError, OSError, EOFError, TypeError, RuntimeError),
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error),
)


@contextlib.contextmanager
def atomic(path: str | Path, *, sync: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it becomes `path`, on failure it is removed.

    The temporary name keeps the suffix, because encoders choose their format by it. `sync=False` neither waits for the
    disk nor sweeps: for thousands of small files that are made again in a moment.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if sync:
        _sweep(path.parent, f".{path.stem}.", f".partial{path.suffix}")
    partial = path.with_name(f".{path.stem}.{_owner()}.partial{path.suffix}")
    _unfinished.add(partial)
    try:
        with room_at(path):
            yield partial
            if sync:
                with open(partial, "rb+") as file:
                    os.fsync(file.fileno())
            os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
        _unfinished.discard(partial)


def remove_unfinished() -> None:
    """The last thing a command does: a signal that comes just as a `with` ends can keep its end from running."""
    for partial in _unfinished:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


@contextlib.contextmanager
def scratch(folder: Path | None = None) -> Iterator[Path]:
    """A folder for files that nobody needs afterwards; default: where the system keeps such."""
    place = folder or temporary_folder()
    _sweep(place, ".l2l.", ".scratch")
    with tempfile.TemporaryDirectory(dir=place, prefix=f".l2l.{_owner()}.", suffix=".scratch") as made:
        with room_at(place):
            yield Path(made)


def temporary_folder() -> Path:
    """TMPDIR, else /tmp. Python's own choice would be another folder where TMPDIR is full."""
    chosen = Path(os.environ.get("TMPDIR") or "/tmp")
    return chosen if chosen.is_dir() else Path(tempfile.gettempdir())


@contextlib.contextmanager
def room_at(path: Path) -> Iterator[None]:
    """A full disk becomes a TemporaryError that says which file has no room, and how much there is."""
    try:
        yield
    except Exception as error:
        if full := no_room(error, path):
            raise full from error
        raise


def no_room(error: BaseException, path: Path) -> TemporaryError | None:
    """Where `error` says that a disk takes no more: a sentence with the file and what is free there; else None.

    `path` is what was written, should the error not name a file.
    """
    cause = temporary_cause(error)
    if isinstance(cause, TemporaryError) or not is_full(cause):
        return None
    if named := getattr(cause, "filename", None):
        path = Path(os.fsdecode(named))
    else:  # the fuller one: what is not needed for long lies there
        path = min(path, temporary_folder(), key=_free)
    reason = getattr(cause, "strerror", None) or "it could not be written"
    return TemporaryError(f"{with_room(path)}: {reason}; make room and run the same command again.")


def with_room(path: Path) -> str:
    """A path, and how many bytes its disk has left."""
    return f"{shown(path)} ({_free(path) / 1e6:.1f} MB are free there)"


def _free(path: Path) -> int:
    path = path.absolute()
    return shutil.disk_usage(next(place for place in (path, *path.parents) if place.exists())).free


def _owner() -> str:
    """This process, as it stands in a temporary name, and a few letters of chance: host-process-letters."""
    return f"{_HOST}-{os.getpid()}-{uuid.uuid4().hex[:8]}"


def _sweep(folder: Path, begin: str, end: str) -> None:
    """Remove what processes that are no more have left under a temporary name."""
    for left in folder.glob(f"{glob.escape(begin)}*{glob.escape(end)}"):
        match = _OWNER.match(left.name[len(begin) :])
        if match and _is_dead(match[1], int(match[2]), left):
            shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink(missing_ok=True)


def _is_dead(host: str, process: int, left: Path) -> bool:
    if host == _HOST:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        except OSError:
            pass  # it lives, and is another user's
        return False
    try:  # another host's process cannot be asked for; who writes is never still for a day
        return time.time() - left.stat().st_mtime > _DAY
    except OSError:
        return False


@contextlib.contextmanager
def reading(path: str | Path, kind: str, command: str, *, get: str = "") -> Iterator[None]:
    """Inside, damage that is met while `path` is read becomes a UserError that says which command makes such a file.

    `kind` is what the file should be, e.g. "a tracks.npz"; `get` is what to do where no command makes it.
    """
    try:
        yield
    except FileNotFoundError:
        raise UserError(f"{path} is missing; {get or f'make it with `{command}`'}.") from None
    except _DAMAGED as error:
        if temporary_cause(error):
            raise
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"{path} is not {kind} ({reason}); {get or f'make it again with `{command}`'}.") from None


def create_array(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """A new .npy of float32, mapped, to be filled in place. Raises OSError when the disk has no room for all of it.

    Without that reservation a disk that becomes full would end the process by a signal, without a message.
    """
    array = np.lib.format.open_memmap(path, "w+", np.float32, shape)
    with open(path, "rb+") as file:
        _reserve(file.fileno(), path.stat().st_size)
    return array


def _reserve(file: int, size: int) -> None:
    """Raises OSError when the disk has no room for so many bytes."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, size)
    else:
        os.truncate(file, size)


def large_array(*shape: int) -> np.ndarray:
    """A new array of float32, to be filled.

    From `LARGE` bytes on it lies in a file without a name in TMPDIR, of which the system keeps in memory what fits.
    Raises TemporaryError when the disk has no room for it.
    """
    size = np.dtype(np.float32).itemsize * math.prod(shape)
    if size < LARGE:
        return np.empty(shape, np.float32)
    place = temporary_folder()
    with room_at(place), tempfile.TemporaryFile(dir=place) as file:
        _reserve(file.fileno(), size)
        return np.asarray(np.memmap(file, np.float32, shape=shape))


def write_rows(path: Path, first: int, rows: np.ndarray) -> None:
    """Fill rows of a file of `create_array`; it is mapped only meanwhile, so that memory does not grow with it."""
    np.lib.format.open_memmap(path, "r+")[first : first + len(rows)] = rows


class NpzWriter(zipfile.ZipFile):
    """An uncompressed .npz that grows array by array; `np.load` reads members one at a time."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "w")

    def add(self, name: str, array: np.ndarray) -> None:
        with self.open(f"{name}.npy", "w", force_zip64=True) as member:
            np.lib.format.write_array(member, np.asarray(array, order="C"), allow_pickle=False)


def save_npz(path: str | Path, **arrays: np.ndarray) -> None:
    """Write a whole .npz at once."""
    with atomic(path) as partial, NpzWriter(partial) as writer:
        for name, array in arrays.items():
            writer.add(name, array)


def sha256_of(path: str | Path) -> str:
    """The sha256 of a file, as hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def save_json(path: str | Path, value: Any) -> None:
    """Write JSON that any reader accepts: NaN and infinity are refused, not written."""
    text = json.dumps(value, indent=2, allow_nan=False)
    with atomic(path) as partial:
        partial.write_text(text + "\n", encoding="utf-8")
