"""TensorFlow checkpoints (format V2), read without TensorFlow; nothing in them is ever run.

- `<prefix>.index` is a sorted table, as LevelDB writes it: blocks of keys with common prefixes left out, a block that
  lists the blocks, a footer. Its values are protocol buffers that say where each variable lies.
- `<prefix>.data-00000-of-00001` holds the variables' raw bytes, one after the other.
- Both carry CRC-32C sums, and each part that is read is checked. No size that a file states is believed before it was
  compared with how long the file is.
"""

import math
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import google_crc32c
import numpy as np
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet

from l2l.errors import SetupError

_FOOTER, _TRAILER = 48, 5  # bytes: at the end of the file; after each block
_MAGIC = 0xDB4775248B80FB57
_MAX_INDEX = 64 << 20  # bytes; the index of a thousand variables has about 100 kB
_DTYPES = {1: "<f4", 2: "<f8", 3: "<i4", 9: "<i8"}  # TensorFlow's numbers of those a network is made of


class Variable(NamedTuple):
    """Where a variable lies and what it is."""

    dtype: str | None  # None: one that networks do not hold, such as text
    shape: tuple[int, ...]
    offset: int  # bytes into the data file
    size: int  # bytes
    sum: int  # CRC-32C of the bytes, masked


class TFCheckpoint:
    """The variables of one checkpoint. Raises SetupError naming the file when it is missing, cut off or malformed."""

    def __init__(self, index: Path) -> None:
        self.index = index
        self.data = index.with_name(f"{index.stem}.data-00000-of-00001")
        for path in (self.index, self.data):
            if not path.is_file():
                raise SetupError(f"{path} is missing; a TensorFlow checkpoint is two files, .index and .data.")
        try:
            self.variables = _read_index(index)
        except (ValueError, IndexError, TypeError, struct.error, DecodeError) as error:
            reason = str(error) or type(error).__name__
            raise SetupError(
                f"{index} is cut off, damaged or not the index of a TensorFlow checkpoint ({reason}); "
                "get the file again from its publisher."
            ) from None

    def read(self, wanted: Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
        """The wanted variables; others in the file are left alone. Raises SetupError naming what does not fit."""
        for name, shape in wanted.items():  # before anything is read: another network's file is refused at once
            self._check(name, shape)
        with open(self.data, "rb") as file:
            return {name: self._array(file, name) for name in wanted}

    def _check(self, name: str, shape: tuple[int, ...]) -> None:
        found, length = self.variables.get(name), self.data.stat().st_size
        if found is None:
            raise SetupError(f"{self.index}: the variable {name!r} is missing; this is another network's file.")
        if found.shape != tuple(shape):
            raise SetupError(f"{self.index}: the variable {name!r} has shape {found.shape}, {tuple(shape)} is needed.")
        if found.dtype is None or found.size != math.prod(found.shape) * np.dtype(found.dtype).itemsize:
            raise SetupError(f"{self.index}: the variable {name!r} is not stored as numbers of its shape.")
        if found.offset + found.size > length:
            raise SetupError(
                f"{self.data} is cut off: the variable {name!r} ends at byte {found.offset + found.size}, the file at "
                f"{length}; get it again from its publisher."
            )

    def _array(self, file: BinaryIO, name: str) -> np.ndarray:
        found = self.variables[name]
        file.seek(found.offset)
        content = file.read(found.size)
        if masked_sum(content) != found.sum:
            raise SetupError(f"{self.data}: the checksum of the variable {name!r} is wrong; get the file again.")
        return np.frombuffer(bytearray(content), found.dtype).reshape(found.shape)


def _read_index(path: Path) -> dict[str, Variable]:
    """The variables by name. Raises an error of several kinds when the bytes make no sense."""
    if not _FOOTER <= path.stat().st_size <= _MAX_INDEX:
        raise ValueError(f"it has {path.stat().st_size} bytes")
    table = path.read_bytes()
    footer = table[-_FOOTER:]
    if struct.unpack("<Q", footer[-8:])[0] != _MAGIC:
        raise ValueError("its end is not that of a table")
    _, start = _handle(footer, 0)  # of a block about blocks, which nobody needs
    blocks, _ = _handle(footer, start)
    variables: dict[str, Variable] = {}
    for _, place in _entries(_block(table, *blocks)):
        (block, _) = _handle(place, 0)
        for key, value in _entries(_block(table, *block)):
            if key:
                variables[key.decode()] = _variable(key.decode(), value)
            elif (shards := dict(_fields(value)).get(1)) != 1:
                raise ValueError(f"its data is in {shards!r} files, not in one")
    return variables


def _block(table: bytes, offset: int, size: int) -> bytes:
    if offset + size + _TRAILER > len(table):
        raise ValueError("a block ends after the file")
    content, (kind, stated) = table[offset : offset + size], struct.unpack_from("<BI", table, offset + size)
    if kind != 0:
        raise ValueError("a block is compressed, which TensorFlow does not do")
    if masked_sum(table[offset : offset + size + 1]) != stated:
        raise ValueError("the checksum of a block is wrong")
    return content


def _entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(key, value) of a block; each key is stored without what it shares with the one before."""
    (restarts,) = struct.unpack("<I", block[-4:])
    end = len(block) - 4 * (restarts + 1)
    position, key = 0, b""
    while position < end:
        shared, position = _varint(block, position)
        own, position = _varint(block, position)
        length, position = _varint(block, position)
        if shared > len(key) or position + own + length > end:
            raise ValueError("an entry is longer than its block")
        key = key[:shared] + block[position : position + own]
        position += own + length
        yield key, block[position - length : position]


def _handle(data: bytes, position: int) -> tuple[tuple[int, int], int]:
    """((offset, size) of a block, where the handle ends)."""
    offset, position = _varint(data, position)
    size, position = _varint(data, position)
    return (offset, size), position


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """(the number, where it ends); 7 bits per byte, the lowest first."""
    value = 0
    for shift in range(0, 64, 7):
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
    raise ValueError("a number has more than 64 bits")


def _fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """(number, value) of each field of a protocol buffer; bytes stand for text and for messages, too."""
    found = Empty.FromString(message)  # Empty knows none of the fields, and keeps them all
    return ((field.field_number, field.data) for field in UnknownFieldSet(found))


def _variable(name: str, message: bytes) -> Variable:
    """What a BundleEntryProto says: 1 dtype, 2 shape, 3 shard, 4 offset, 5 size, 6 checksum, 7 slices."""
    fields = dict(_fields(message))
    if 7 in fields or fields.get(3, 0) != 0:
        raise ValueError(f"the variable {name!r} is stored in parts")
    # TensorShapeProto: 2 dimension {1 size}
    dimensions = [part for field, part in _fields(fields.get(2, b"")) if field == 2]
    shape = tuple(dict(_fields(part)).get(1, 0) for part in dimensions)
    dtype, *numbers = (fields.get(field, 0) for field in (1, 4, 5, 6))
    if not all(isinstance(number, int) for number in (dtype, *shape, *numbers)):
        raise ValueError(f"a number of the variable {name!r} is none")
    return Variable(_DTYPES.get(dtype), shape, *numbers)


def masked_sum(data: bytes) -> int:
    """CRC-32C, rotated and shifted as the file format has it."""
    crc = google_crc32c.value(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF
