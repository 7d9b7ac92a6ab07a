"""Arrays from strangers: the header of a .npy is checked against the file's length before anything is read.

A header that promises more numbers than the file has, an array of Python objects (a pickle), or a number that is not
finite is refused with the name of the file.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np

from l2l.errors import UserError
from l2l.files import atomic

_BLOCK_BYTES = 1 << 25

Kind = Literal["numbers", "text"]


def open_array(path: Path, kind: Kind, name: str | None = None) -> np.ndarray:
    """Map a .npy of floating-point numbers or of text. `name` is what messages call it. Raises UserError."""
    name = name or str(path)
    shape, _, dtype, start = _header(path, name)
    if dtype.hasobject:
        raise UserError(f"{name} holds Python objects, which are never loaded; save it as a plain array.")
    if dtype.kind != ("f" if kind == "numbers" else "U") or dtype.itemsize > (8 if kind == "numbers" else 1 << 14):
        wanted = "floating-point numbers (float32)" if kind == "numbers" else "text (unicode)"
        raise UserError(f"{name} has type {dtype.str}, expected {wanted}; convert it with numpy's astype.")
    count = 1
    for length in shape:
        count *= length  # Python's integers: a product that would overflow does not
    if min(shape, default=0) < 0 or start + count * dtype.itemsize != path.stat().st_size:
        raise UserError(
            f"{name} says that it has shape {shape}, but the file has {path.stat().st_size - start} bytes for it; "
            "it is damaged: get it again."
        )
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError) as error:
        raise UserError(f"{name} is not a readable .npy array ({error}); get it again.") from None


def _header(path: Path, name: str) -> tuple[tuple[int, ...], bool, np.dtype, int]:
    """(shape, column-major, dtype, where the numbers start)."""
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    try:
        with open(path, "rb") as file:
            return *readers[np.lib.format.read_magic(file)](file), file.tell()
    except FileNotFoundError:
        raise UserError(f"{name} is missing; put it there.") from None
    except (ValueError, OSError, KeyError, TypeError, SyntaxError, RecursionError, MemoryError):
        raise UserError(f"{name} is not a .npy array; save it with numpy.save.") from None


def blocks(array: np.ndarray) -> Iterator[np.ndarray]:
    """float32 copies of stretches along the first axis, of a few MiB each."""
    rows = max(1, _BLOCK_BYTES // max(1, 4 * int(np.prod(array.shape[1:], dtype=np.int64))))
    for start in range(0, len(array), rows):
        with np.errstate(over="ignore"):  # too large for float32 becomes infinite, and is found
            yield np.ascontiguousarray(array[start : start + rows], "<f4")


def check_finite(array: np.ndarray, name: str) -> None:
    """Raises UserError when a number is NaN, infinite, or too large for float32."""
    for block in blocks(array):
        if not np.isfinite(block).all():
            raise UserError(f"{name} holds NaN or infinite numbers; it cannot be trained or tested on.")


def store_as_float32(path: Path, array: np.ndarray) -> None:
    """Rewrite the file of a mapped array as row-major float32; a file that is that already is left alone."""
    if array.dtype.str == "<f4" and array.flags.c_contiguous:
        return
    with atomic(path) as partial, open(partial, "wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": array.shape}
        np.lib.format.write_array_header_1_0(file, header)
        for block in blocks(array):
            file.write(block.tobytes())
