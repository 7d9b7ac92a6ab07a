"""A whole recording in windows, for a network that takes a few seconds at a time.

- The network has its own rates: 29.97 pictures and 21000 samples per second.
- Windows overlap and are cross-faded. The original takes each sample from the first window that has it.
- Picture and sound are read and written in pieces: memory does not grow with the length of the recording.
"""

import itertools
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import soundfile
import soxr

from l2l.units import FPS, SAMPLE_RATE
from l2l.video.media import read_frames

NETWORK_FPS, NETWORK_RATE = 29.97, 21000  # per second
PICTURE_SIDE = 224  # pixels: the middle of a picture that was squeezed to 256 x 256
_SQUEEZED = 256
_BLOCK = SAMPLE_RATE * 10  # samples read at a time
# Where windows hardly reach, at the very ends of a recording, the sound fades instead of being raised without limit.
_LEAST_WEIGHT = 0.1


class Size(NamedTuple):
    """The size of a window."""

    frames: int  # pictures
    samples: int  # at 21 kHz, of the mixture
    rows: int  # of the spectrogram


def size_of(multiple: int) -> Size:
    """The size of a window of `multiple` (1, 2, 4, 8) times 2.1 seconds, as the original has it."""
    frames = int((0.064 + 0.016 * 128.5 * multiple) * NETWORK_FPS)
    return Size(frames, first_sample(frames), 128 * multiple)


def first_sample(frame: int) -> int:
    """The sample at which a picture begins."""
    return round(frame * NETWORK_RATE / NETWORK_FPS)


def starts(samples: int, size: Size, overlap: float) -> list[int]:
    """First pictures of the windows over a recording of this many samples at 16 kHz; the last one ends with it."""
    # One picture more than the recording has: a window's sound ends a little before its last picture does.
    pictures = math.ceil(samples / SAMPLE_RATE * NETWORK_FPS) + 1
    hop = max(1, round(size.frames * (1 - overlap)))
    last = max(0, pictures - size.frames)
    return [*range(0, last, hop), last]


def windows(blocks: Iterator[np.ndarray], starts: Iterable[int], count: int) -> Iterator[np.ndarray]:
    """(count, ...) from each start on, of a stream of blocks (n, ...) that does not end; starts never go back."""
    kept, first = next(blocks), 0
    for start in starts:
        while first + len(kept) <= start:
            kept, first = next(blocks), first + len(kept)
        kept, first = kept[start - first :], start
        parts, missing = [kept], count - len(kept)
        while missing > 0:
            parts.append(next(blocks))
            missing -= len(parts[-1])
        kept = np.concatenate(parts)
        yield kept[:count]


def pictures(video: Path) -> Iterator[np.ndarray]:
    """(1, 224, 224, 3) uint8 at 29.97 per second, of a video at 30; the last one repeats without end."""
    margin = (_SQUEEZED - PICTURE_SIDE) // 2
    inside = slice(margin, margin + PICTURE_SIDE)
    picture: np.ndarray = np.full((1, PICTURE_SIDE, PICTURE_SIDE, 3), 128, np.uint8)
    number = 0
    for frame, image in enumerate(read_frames(video)):
        if frame == round(number * FPS / NETWORK_FPS):  # of 1000 frames one is left out
            squeezed = cv2.resize(image, (_SQUEEZED, _SQUEEZED), interpolation=cv2.INTER_AREA)
            picture = squeezed[None, inside, inside]
            number += 1
            yield picture
    yield from itertools.repeat(picture)


def mixture(file: soundfile.SoundFile) -> Iterator[np.ndarray]:
    """(n,) float32 at 21 kHz, of a file at 16 kHz; then silence without end."""
    stream = soxr.ResampleStream(SAMPLE_RATE, NETWORK_RATE, 1, "float32")
    while len(block := file.read(_BLOCK, dtype="float32")):
        yield stream.resample_chunk(block, file.tell() == len(file))
    yield from itertools.repeat(np.zeros(NETWORK_RATE, np.float32))


class Joined:
    """Cross-faded windows at 21 kHz, written to a file at 16 kHz."""

    def __init__(self, file: soundfile.SoundFile, samples: int) -> None:
        self._file, self._left = file, samples
        self._stream = soxr.ResampleStream(NETWORK_RATE, SAMPLE_RATE, 1, "float32")
        self._sum, self._weight = np.zeros(0), np.zeros(0)
        self._first = 0  # number of the first sample that is kept

    def add(self, start: int, sound: np.ndarray, weight: np.ndarray) -> None:
        """Add a window: `sound` (n,), already weighted, and its weights (n,). Starts never go back."""
        self._write(start)
        missing = max(0, len(sound) - len(self._sum))
        self._sum, self._weight = (np.pad(kept, (0, missing)) for kept in (self._sum, self._weight))
        self._sum[: len(sound)] += sound
        self._weight[: len(sound)] += weight

    def close(self) -> None:
        """Write what is left; the file has as many samples as announced."""
        self._write(self._first + len(self._sum), last=True)
        self._file.write(np.zeros(self._left, np.float32))

    def _write(self, until: int, last: bool = False) -> None:
        """Write the samples before `until`, which are final."""
        count = until - self._first
        ready = (self._sum[:count] / np.maximum(self._weight[:count], _LEAST_WEIGHT)).astype(np.float32)
        self._sum, self._weight, self._first = self._sum[count:], self._weight[count:], until
        if len(ready) or last:
            converted = self._stream.resample_chunk(ready, last)[: self._left]
            self._file.write(np.clip(converted, -1, 1))
            self._left -= len(converted)


def fade(length: int, overlap: int, first: bool, last: bool) -> np.ndarray:
    """(length,) weights of a window: rising over what it shares with the one before, falling with the next one."""
    ramp = np.minimum(1.0, (np.arange(length) + 0.5) / max(overlap, 1))
    weights = np.ones(length) if first else ramp
    return weights if last else np.minimum(weights, ramp[::-1])
