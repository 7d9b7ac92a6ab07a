"""Arrays that others made: mapped, checked, stored as float32. A pickle in a .npy is never loaded."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np

from l2l.arrays import INSANE, Array, map_npy, sane
from l2l.errors import UserError
from l2l.files import atomic, create_array, write_rows

_BLOCK_BYTES = 1 << 25


def open_array(path: Path, kind: Literal["numbers", "text"], name: str | None = None) -> np.ndarray:
    """Map a .npy of floating-point numbers or of text. `name` is what messages call it. Raises UserError."""
    name = name or str(path)
    array = map_npy(path, "a whole .npy array", "", Array(None, "biufcSUMm"), get="save it with numpy.save", name=name)
    if array.dtype.kind != ("f" if kind == "numbers" else "U"):
        wanted = "floating-point numbers (float32)" if kind == "numbers" else "text (unicode)"
        raise UserError(f"{name} has type {array.dtype.str}, expected {wanted}; convert it with numpy's astype.")
    return array


def _blocks(array: np.ndarray) -> Iterator[np.ndarray]:
    """float32 copies of stretches along the first axis, of a few MiB each."""
    rows = max(1, _BLOCK_BYTES // max(1, 4 * int(np.prod(array.shape[1:], dtype=np.int64))))
    for start in range(0, len(array), rows):
        with np.errstate(over="ignore"):  # too large for float32 becomes infinite, and is found
            yield np.ascontiguousarray(array[start : start + rows], "<f4")


def check_finite(array: np.ndarray, name: str) -> None:
    """Raises UserError when a number is NaN, infinite, or larger than any that is measured."""
    if not all(map(sane, _blocks(array))):
        raise UserError(f"{name} holds {INSANE}; it cannot be trained or tested on.")


def store_as_float32(path: Path, array: np.ndarray) -> None:
    """Rewrite the file of a mapped array as row-major float32; a file that is that already is left alone."""
    if array.dtype.str == "<f4" and array.flags.c_contiguous:
        return
    with atomic(path) as partial:
        create_array(partial, array.shape)
        row = 0
        for block in _blocks(array):
            write_rows(partial, row, block)
            row += len(block)
