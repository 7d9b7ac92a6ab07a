"""A whole recording in windows, for a network that sees a few seconds at a time.

- The network has clocks of its own: 29.97 pictures and 21000 samples per second.
- Windows overlap and are cross-faded. The original takes each sample from the first window that has it.
- Picture and sound come and go in pieces: memory does not grow with the length of the recording.
"""

import itertools
import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import soundfile
import soxr

from l2l.units import FPS, SAMPLE_RATE
from l2l.video.media import read_frames

PICTURES, RATE = 29.97, 21000  # per second
SIDE = 224  # pixels: the middle of a picture that was squeezed to 256 x 256
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
    frames = int((0.064 + 0.016 * 128.5 * multiple) * PICTURES)
    return Size(frames, first_sample(frames), 128 * multiple)


def first_sample(frame: int) -> int:
    """The sample at which a picture begins."""
    return round(frame * RATE / PICTURES)


def starts(samples: int, size: Size, overlap: float) -> list[int]:
    """First pictures of the windows over a recording of this many samples at 16 kHz; the last one ends with it."""
    # One picture more than the recording has: a window's result ends a little before its last picture does.
    pictures = math.ceil(samples / SAMPLE_RATE * PICTURES) + 1
    hop = max(1, round(size.frames * (1 - overlap)))
    last = max(0, pictures - size.frames)
    return [*range(0, last, hop), last]


class Pictures:
    """Windows of pictures, each as the network sees it, from a video at 30 frames per second."""

    def __init__(self, video: Path) -> None:
        self._source = self._converted(video)
        self._kept: list[np.ndarray] = []
        self._first = 0  # number of the first kept picture

    def window(self, start: int, count: int) -> np.ndarray:
        """(count, 224, 224, 3) uint8 from `start` on; starts never go back. After the end the last picture stays."""
        while self._first + len(self._kept) < start + count:
            self._kept.append(next(self._source))
        del self._kept[: start - self._first]
        self._first = start
        return np.stack(self._kept[:count])

    @staticmethod
    def _converted(video: Path) -> Iterator[np.ndarray]:
        """Pictures at 29.97 per second, and the last one for ever."""
        margin = (_SQUEEZED - SIDE) // 2
        inside = slice(margin, margin + SIDE)
        picture: np.ndarray = np.full((SIDE, SIDE, 3), 128, np.uint8)
        number = 0
        for frame, image in enumerate(read_frames(video)):
            if frame == round(number * FPS / PICTURES):  # of 1000 frames one is left out
                squeezed = cv2.resize(image, (_SQUEEZED, _SQUEEZED), interpolation=cv2.INTER_AREA)
                picture = squeezed[inside, inside]
                number += 1
                yield picture
        yield from itertools.repeat(picture)


class Mixture:
    """Windows of sound at 21 kHz, from a file at 16 kHz."""

    def __init__(self, file: soundfile.SoundFile) -> None:
        self._file = file
        self._stream = soxr.ResampleStream(SAMPLE_RATE, RATE, 1, "float32")
        self._kept = np.zeros(0, np.float32)
        self._first = 0  # number of the first kept sample

    def window(self, start: int, count: int) -> np.ndarray:
        """(count,) float32 from sample `start` on; starts never go back. After the end there is silence."""
        self._kept = self._kept[start - self._first :]
        self._first = start
        while len(self._kept) < count:
            self._kept = np.concatenate([self._kept, self._more()])
        return self._kept[:count]

    def _more(self) -> np.ndarray:
        block = self._file.read(_BLOCK, dtype="float32")
        last = self._file.tell() == len(self._file)
        if len(block):
            return self._stream.resample_chunk(block, last)
        return np.zeros(RATE, np.float32)


class Joined:
    """Cross-faded windows at 21 kHz, written to a file at 16 kHz."""

    def __init__(self, file: soundfile.SoundFile, samples: int) -> None:
        self._file, self._left = file, samples
        self._stream = soxr.ResampleStream(RATE, SAMPLE_RATE, 1, "float32")
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
        """Write what is left; the file has as many samples as was promised."""
        self._write(self._first + len(self._sum), last=True)
        self._file.write(np.zeros(self._left, np.float32))

    def _write(self, until: int, last: bool = False) -> None:
        """Write the samples before `until`, to which nothing will be added."""
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
