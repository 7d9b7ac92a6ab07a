"""Reading .npz and .npy files that may be cut off, altered, or made to do harm.

- The reader says what it expects: `Array`. A length that is a letter is the same in all arrays of one file.
- The header is looked at first. A file that claims more than it holds, an object, another type or shape is refused
  before memory is taken for it.
- Floating-point numbers must be finite and not above `LARGEST`; where `holes` are allowed, they may be NaN.
- An .npz of ours is stored, not packed, so it takes no more memory than disk. Others may unpack to `UNPACKED` bytes.

The only module that opens such files; what does not fit is a UserError with what to do next.
"""

import contextlib
import os
import tokenize
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from l2l.files import reading

LARGEST = 1e12  # its square still fits a float32
UNPACKED = 1 << 30  # bytes of an .npz that somebody else has packed


@dataclass(frozen=True)
class Array:
    """What an array must be."""

    shape: tuple[int | str, ...] | None  # None: any
    kind: str = "f"  # letters of numpy: f floating point, i and u whole numbers, b bool, U text
    holes: bool = False  # NaN and infinity stand for what is not known

    def check(self, name: str, shape: tuple[int, ...], dtype: np.dtype, lengths: dict[str, int]) -> None:
        """Raises ValueError. Letters that `lengths` does not know yet are added to it."""
        if dtype.kind not in self.kind:
            raise ValueError(f"{name} has type {dtype.str}")
        if self.shape is None:
            return
        wanted = tuple(lengths.get(n, n) if isinstance(n, str) else n for n in self.shape)
        same = len(shape) == len(wanted)
        if not same or any(isinstance(w, int) and w != n for n, w in zip(shape, wanted, strict=True)):
            shown = ", ".join(map(str, wanted)) + ("," if len(wanted) == 1 else "")
            raise ValueError(f"{name} has shape {shape}, expected ({shown})")
        for letter, length in zip(self.shape, shape, strict=True):
            if isinstance(letter, str):
                lengths.setdefault(letter, length)

    def check_numbers(self, name: str, array: np.ndarray) -> None:
        """Raises ValueError."""
        if array.dtype.kind == "f" and not sane(array[np.isfinite(array)] if self.holes else array):
            raise ValueError(f"{name} holds {INSANE}")


INSANE = f"NaN, infinity or numbers above {LARGEST:g}"


def sane(array: np.ndarray) -> bool:
    """Whether every number is finite, and not above `LARGEST`."""
    return not array.size or bool(max(array.max(), -array.min()) <= LARGEST)  # a comparison with NaN is false


NUMBER, TEXT = Array((), "fiu"), Array((), "U")


class Npz:
    """An open .npz; arrays are read one at a time."""

    def __init__(self, file: zipfile.ZipFile, packed: bool) -> None:
        self._file, self._packed, self._lengths = file, packed, dict[str, int]()
        self._left = UNPACKED if packed else os.stat(cast(str, file.filename)).st_size

    @property
    def names(self) -> list[str]:
        return [name.removesuffix(".npy") for name in self._file.namelist()]

    def __contains__(self, name: str) -> bool:
        return f"{name}.npy" in self._file.NameToInfo

    def read(self, name: str, wanted: Array) -> np.ndarray:
        """Raises LookupError and ValueError, which `open_npz` turns into a sentence."""
        member = self._file.getinfo(f"{name}.npy")
        if member.compress_type != zipfile.ZIP_STORED and not self._packed:
            raise ValueError(f"{name} is packed")
        if member.file_size > self._left:
            raise ValueError(f"{name} claims {member.file_size} bytes")
        with self._file.open(member) as file:
            shape, dtype, begin = _header(cast(BinaryIO, file))
            wanted.check(name, shape, dtype, self._lengths)
            if begin + _bytes(shape, dtype) != member.file_size:
                raise ValueError(f"{name} does not have the numbers that its header claims")
        with self._file.open(member) as file:
            array = np.lib.format.read_array(file, allow_pickle=False)
        if self._packed:
            self._left -= member.file_size
        wanted.check_numbers(name, array)
        return cast(np.ndarray, array)


@contextlib.contextmanager
def open_npz(path: str | Path, kind: str, command: str, *, get: str = "", packed: bool = False) -> Iterator[Npz]:
    """An .npz to read arrays from. Raises UserError as `l2l.files.reading`. `packed`: it may be compressed."""
    with reading(path, kind, command, get=get), zipfile.ZipFile(path) as file:
        yield Npz(file, packed)


def map_npy(
    path: str | Path, kind: str, command: str, wanted: Array, *, get: str = "", name: str | None = None
) -> np.ndarray:
    """A mapped, read-only .npy. Its numbers are not looked at, for there may be many.

    `name` is what messages call it. Raises UserError as `l2l.files.reading`.
    """
    with reading(name or path, kind, command, get=get):
        with open(path, "rb") as file:
            shape, dtype, begin = _header(file)
            wanted.check("it", shape, dtype, {})
            if begin + _bytes(shape, dtype) > os.fstat(file.fileno()).st_size:
                raise ValueError("it is cut off")
        return np.lib.format.open_memmap(path, mode="r")


def _header(file: BinaryIO) -> tuple[tuple[int, ...], np.dtype, int]:
    """(shape, type, where the numbers begin). Raises ValueError."""
    version = np.lib.format.read_magic(file)
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in readers:
        raise ValueError(f"it is written in version {version[0]}.{version[1]} of the format")
    try:
        shape, _, dtype = readers[version](file)
    except (tokenize.TokenError, RecursionError, MemoryError):  # numpy reads a header as Python would
        raise ValueError("its header cannot be read") from None
    if dtype.hasobject or dtype.fields:
        raise ValueError("it holds Python objects")
    if any(length < 0 for length in shape):
        raise ValueError(f"it has shape {shape}")
    return shape, dtype, file.tell()


def _bytes(shape: tuple[int, ...], dtype: np.dtype) -> int:
    count = dtype.itemsize
    for length in shape:
        count *= length  # Python's integers do not overflow
    return count
