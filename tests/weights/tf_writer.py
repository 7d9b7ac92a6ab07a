"""Writes TensorFlow checkpoints (format V2), as few ways of them as tests need."""

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from l2l.weights.tf_checkpoint import masked_sum

_MAGIC = 0xDB4775248B80FB57
_NUMBERS = {"f4": 1, "f8": 2, "i4": 3, "i8": 9}


class Place(NamedTuple):
    """A variable and where it lies in the data file."""

    array: np.ndarray
    offset: int


def write_checkpoint(prefix: Path, arrays: Mapping[str, np.ndarray]) -> Path:
    """Write both files; returns the index."""
    places, offset = {}, 0
    with open(f"{prefix}.data-00000-of-00001", "wb") as data:
        for name, array in sorted(arrays.items()):
            places[name] = Place(array, offset)
            data.write(np.asarray(array, order="C").tobytes())
            offset += array.nbytes
    return write_index(prefix, places)


def write_index(prefix: Path, places: Mapping[str, Place]) -> Path:
    """Write the index alone."""
    header = _number(1, 1)  # one data file
    entries = {"": header} | {name: _entry(place) for name, place in places.items()}
    return write_table(Path(f"{prefix}.index"), [(name.encode(), value) for name, value in sorted(entries.items())])


def write_table(path: Path, entries: list[tuple[bytes, bytes]], kind: int = 0) -> Path:
    """Write a table of one block; its checksums are right whatever is in it."""
    content = b"".join(_varint(0) + _varint(len(k)) + _varint(len(v)) + k + v for k, v in entries)
    return write_blocks(path, content + struct.pack("<II", 0, 1), kind)


def write_blocks(path: Path, block: bytes, kind: int = 0) -> Path:
    """Write a table around a block of entries."""
    place = _varint(0) + _varint(len(block))
    listing = _varint(0) + _varint(1) + _varint(len(place)) + b"~" + place + struct.pack("<II", 0, 1)
    first = _sealed(block, kind)
    handles = _varint(0) + _varint(len(block)) + _varint(len(first)) + _varint(len(listing))
    path.write_bytes(first + _sealed(listing, 0) + handles.ljust(40, b"\0") + struct.pack("<Q", _MAGIC))
    return path


def _sealed(block: bytes, kind: int) -> bytes:
    content = block + bytes([kind])
    return content + struct.pack("<I", masked_sum(content))


def _entry(place: Place) -> bytes:
    array = place.array
    shape = b"".join(_bytes(2, _number(1, size)) for size in array.shape)
    numbers = _number(1, _NUMBERS[array.dtype.str[1:]]) + _bytes(2, shape)
    checksum = b"\x35" + struct.pack("<I", masked_sum(np.asarray(array, order="C").tobytes()))
    return numbers + _number(4, place.offset) + _number(5, array.nbytes) + checksum


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])
