"""Sound as it arrives: mel rows and voice activity of the frames that are complete.

The rows are those of the step mel, to the bit: they wait until the sound that they depend on is there, which is
`after` samples beyond their frame.
"""

from collections import deque

import numpy as np

from l2l import config
from l2l.speech.mel import UNIT_FRAMES, MelRows
from l2l.speech.vad import CHUNK, VoiceActivity
from l2l.units import AUDIO_PER_FRAME, FPS, SAMPLE_RATE

_AHEAD = 4  # hops that the interpolation looks ahead
_KEPT = 4 * SAMPLE_RATE  # samples that are remembered
_PER_UNIT = UNIT_FRAMES * AUDIO_PER_FRAME


class LiveSound:
    """One person's sound, 16 kHz mono."""

    def __init__(self, settings: config.MelSettings) -> None:
        self._rows, self._voice = MelRows(settings), VoiceActivity()
        self.after = settings.window // 2 + _AHEAD * settings.hop  # samples; 840, 52 ms, by default
        self._sound, self._first = np.zeros(0, np.float32), 0  # what is remembered, and the place of its beginning
        self._speaks: deque[float] = deque(maxlen=_KEPT // CHUNK)  # of the last chunks

    @property
    def samples(self) -> int:
        """How many came so far."""
        return self._first + len(self._sound)

    @property
    def frames(self) -> int:
        """Of how many frames, from the beginning, the rows are known."""
        return max(0, (self.samples - self.after) * FPS // SAMPLE_RATE)

    def add(self, sound: np.ndarray) -> None:
        """The next samples, float32."""
        chunks = self.samples // CHUNK
        self._sound = np.concatenate([self._sound, sound.astype(np.float32)])
        for chunk in range(chunks, self.samples // CHUNK):
            self._speaks.append(self._voice(self._read(chunk * CHUNK, CHUNK)))
        forget = max(0, len(self._sound) - _KEPT)
        self._sound, self._first = self._sound[forget:], self._first + forget

    def rows(self, first: int, last: int) -> np.ndarray:
        """(4 n, 128) of the n frames [first, last), which must be known and lie in the last seconds."""
        begin, end = first // UNIT_FRAMES, -(-last // UNIT_FRAMES)
        rows = self._rows(self._read, begin, end)
        skip = first * AUDIO_PER_FRAME - begin * _PER_UNIT
        return rows[skip : skip + (last - first) * AUDIO_PER_FRAME]

    def speaks(self, first: int, last: int) -> np.ndarray:
        """(n,) probability that the person speaks in each of the frames [first, last), of the last seconds."""
        if not self._speaks:
            return np.zeros(last - first)
        middle = (np.arange(first, last) + 0.5) / FPS * SAMPLE_RATE / CHUNK - 0.5  # place among the chunks
        chunks = self.samples // CHUNK
        return np.interp(middle, np.arange(chunks - len(self._speaks), chunks), list(self._speaks))

    def _read(self, start: int, count: int) -> np.ndarray:
        """Samples, and silence where there are none yet."""
        found = self._sound[max(0, start - self._first) : max(0, start + count - self._first)]
        return np.pad(found, (0, count - len(found)))
