"""Writing files whole or not at all, and saying what is wrong with one that cannot be read.

- Every output is written under a temporary name in its own folder, flushed, then renamed into place.
- `create_array` and `NpzWriter` write what never has to fit in memory: a mapped .npy, and an .npz array by array.
- Nothing here writes or reads a pickle.
"""

import contextlib
import hashlib
import json
import os
import struct
import uuid
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from l2l.errors import UserError

# What numpy and zipfile raise for a file that is cut off or altered.
_DAMAGED = (
    *(ValueError, LookupError, ArithmeticError, OSError, EOFError, TypeError, RuntimeError),
    *(zipfile.BadZipFile, zlib.error, struct.error),
)


@contextlib.contextmanager
def atomic(path: str | Path, *, sync: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it becomes `path`, on failure it is removed.

    The temporary name keeps the suffix, because encoders choose their format by it. `sync=False` does not wait for the
    disk: for thousands of small files that are made again in a moment.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.stem}.{uuid.uuid4().hex[:8]}.partial{path.suffix}")
    try:
        yield partial
        if sync:
            with open(partial, "rb+") as file:
                os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


@contextlib.contextmanager
def reading(path: str | Path, kind: str, command: str, *, get: str = "") -> Iterator[None]:
    """Inside, what fails while `path` is read becomes a UserError that says which command makes such a file.

    `kind` is what the file should be, e.g. "a tracks.npz"; `get` is what to do where no command makes it.
    """
    try:
        yield
    except FileNotFoundError:
        raise UserError(f"{path} is missing; {get or f'make it with `{command}`'}.") from None
    except _DAMAGED as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"{path} is not {kind} ({reason}); {get or f'make it again with `{command}`'}.") from None


def create_array(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """A new .npy of float32, mapped, to be filled in place. Raises OSError when the disk has no room for all of it.

    Without that reservation a disk that becomes full would end the process by a signal, without a message.
    """
    array = np.lib.format.open_memmap(path, "w+", np.float32, shape)
    if hasattr(os, "posix_fallocate"):
        with open(path, "rb+") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    return array


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
