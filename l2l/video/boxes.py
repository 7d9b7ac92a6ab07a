"""How many samples an mp4 claims: FFmpeg takes memory for each of them, whether or not the file is large enough."""

import struct
from pathlib import Path
from typing import BinaryIO

_INSIDE = (b"moov", b"trak", b"mdia", b"minf", b"stbl")  # the boxes around the sizes of samples
_SIZES = (b"stsz", b"stz2")
_BOXES = 100_000  # looked at, at most


def claims_too_much(path: Path) -> bool:
    """Whether an mp4 claims more samples than it has bytes. Other files claim nothing."""
    size = path.stat().st_size
    with open(path, "rb") as file:
        return _claimed(file, 0, size, 0) > size


def _claimed(file: BinaryIO, start: int, end: int, depth: int) -> int:
    """The largest number of samples of a stream that boxes between two places claim."""
    most = 0
    for _ in range(_BOXES):
        if start + 8 > end:
            break
        file.seek(start)
        head = file.read(16).ljust(16, b"\0")
        length, kind = struct.unpack(">I4s", head[:8])
        first = start + 8
        if length == 1:
            length, first = struct.unpack(">Q", head[8:])[0], start + 16
        last = min(end, start + length) if length else end
        if last < first:
            break
        if depth < len(_INSIDE) and kind == _INSIDE[depth]:
            most = max(most, _claimed(file, first, last, depth + 1))
        elif kind in _SIZES and depth == len(_INSIDE):
            file.seek(first + 8)
            most = max(most, struct.unpack(">I", file.read(4).ljust(4, b"\0"))[0])
        start = last
    return most
