"""Writing files whole or not at all, and saying what is wrong with one that cannot be read.

- Every output is written under a temporary name in its own folder, flushed, then renamed into place.
- `NpzWriter` adds arrays one by one, so that a long recording never has to fit in memory.
- Nothing here writes or reads a pickle.
"""

import contextlib
import hashlib
import json
import os
import struct
import uuid
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from l2l.errors import UserError


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
def reading(path: str | Path, kind: str, command: str) -> Iterator[None]:
    """Inside, what fails while `path` is read becomes a UserError that says which command makes such a file.

    `kind` is what the file should be, e.g. "a tracks.npz".
    """
    try:
        yield
    except FileNotFoundError:
        raise UserError(f"{path} is missing; make it with `{command}`.") from None
    except (ValueError, KeyError, OSError, EOFError, TypeError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} is not {kind} ({error}); make it again with `{command}`.") from None


class NpzWriter:
    """An uncompressed .npz that grows array by array; `np.load` reads members one at a time."""

    def __init__(self, path: Path) -> None:
        self._zip = zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, allowZip64=True)

    def add(self, name: str, array: np.ndarray) -> None:
        # A fixed time stamp: the same arrays always give the same bytes.
        info = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
        with self._zip.open(info, "w", force_zip64=True) as member:
            np.lib.format.write_array(member, np.asarray(array, order="C"), allow_pickle=False)

    def add_blocks(self, name: str, shape: tuple[int, ...], dtype: np.dtype, blocks: Iterable[np.ndarray]) -> None:
        """Add one array of a known shape, given in blocks along its first axis."""
        info = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
        header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
        with self._zip.open(info, "w", force_zip64=True) as member:
            np.lib.format.write_array_header_1_0(member, header)
            for block in blocks:
                member.write(np.ascontiguousarray(block, dtype).tobytes())

    def close(self) -> None:
        self._zip.close()

    def __enter__(self) -> "NpzWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def map_npz(path: str | Path, name: str) -> np.ndarray:
    """One array of an uncompressed .npz, memory-mapped and read-only, so that it never has to fit in memory.

    Raises KeyError when there is no such array, ValueError or zipfile.BadZipFile when the file is not of that kind.
    """
    with zipfile.ZipFile(path) as archive:
        member = archive.getinfo(f"{name}.npy")
        if member.compress_type != zipfile.ZIP_STORED:
            raise ValueError(f"{name} is compressed")
    with open(path, "rb") as file:
        # The local header repeats name and extra field, whose lengths may differ from the directory's.
        file.seek(member.header_offset + 26)
        name_length, extra_length = struct.unpack("<HH", file.read(4))
        file.seek(name_length + extra_length, os.SEEK_CUR)
        read_header = {1: np.lib.format.read_array_header_1_0, 2: np.lib.format.read_array_header_2_0}
        shape, fortran, dtype = read_header[np.lib.format.read_magic(file)[0]](file)
        if dtype.hasobject or fortran or 0 in shape:
            raise ValueError(f"{name} cannot be mapped")
        return np.memmap(path, dtype, "r", file.tell(), shape)


def save_npz(path: str | Path, **arrays: np.ndarray) -> None:
    """Write a whole .npz at once."""
    with atomic(path) as partial, NpzWriter(partial) as writer:
        for name, array in arrays.items():
            writer.add(name, np.asarray(array))


def sha256_of(path: str | Path) -> str:
    """The sha256 of a file, as hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def save_json(path: str | Path, value: Any) -> None:
    """Write JSON that any reader accepts: NaN and infinity are refused, not written."""
    text = json.dumps(value, indent=2, allow_nan=False)
    with atomic(path) as partial:
        partial.write_text(text + "\n", encoding="utf-8")
