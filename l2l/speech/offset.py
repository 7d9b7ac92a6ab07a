"""By how much two recordings of one conversation are apart, from what each microphone catches of the other person.

- Generalized cross-correlation with phase transform (Knapp & Carter 1976): every frequency counts the same.
- While the left person speaks, the right microphone hears it a little later than the left one, and the other way
  round. Each is looked for alone, and the mean of both is free of that delay.
- Sounds come in blocks: memory does not grow with the length of a recording.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import scipy  # what is used of it is loaded when it is used: each part takes some tenths of a second
import soundfile

from l2l.speech.vad import read_part

RATE = 4000  # Hz: a sample is a quarter of a millisecond
_FARTHEST = 600  # seconds that are searched in both directions
_BAND = (150.0, 1900.0)  # Hz: without hum
_CLEAR = 8.0  # a peak so many times as high as the correlation's root mean square is no chance: chance reaches 5.5
_DELAY = 1.0  # seconds: in a call, a voice leaves the other's loudspeaker later
_FRAME = RATE // 50  # samples of one level
_OWN = 10 ** (-12 / 10)  # of the power of a channel's loud frames: louder is its own person


class Offset(NamedTuple):
    """When the right recording starts."""

    seconds: float  # after the left one
    confidence: float  # height of the lower peak that was used, over the root mean square


def find_offset(left: Path, right: Path) -> Offset | None:
    """The offset of two mono sound files at RATE; None when neither microphone catches the other person."""
    with soundfile.SoundFile(str(left)) as one, soundfile.SoundFile(str(right)) as other:
        reach = min(_FARTHEST * RATE, max(len(one), len(other)))  # samples
        block = min(len(one), max(2 * reach, 60 * RATE))
        loud = _loud(one), _loud(other)
        size = scipy.fft.next_fast_len(block + 2 * reach, real=True)
        frequencies = scipy.fft.rfftfreq(size, 1 / RATE)
        band = (frequencies > _BAND[0]) & (frequencies < _BAND[1])
        spectra = np.zeros((2, len(frequencies)), np.complex64)  # while the left, and while the right person speaks
        for start in range(0, len(one), block):
            near, far = read_part(one, start, block), read_part(other, start - reach, block + 2 * reach)
            for person, (x, y) in enumerate([(_own(near, loud[0]), far), (near, _own(far, loud[1]))]):
                cross = np.conj(scipy.fft.rfft(x, size)) * scipy.fft.rfft(y, size)
                spectra[person] += np.where(band, cross / np.maximum(np.abs(cross), 1e-12), 0)
    lags, heights = zip(*(_peak(spectrum, size, reach) for spectrum in spectra), strict=True)
    clear = [height >= _CLEAR for height in heights]
    if not any(clear):
        return None
    if all(clear) and abs(lags[0] - lags[1]) <= 2 * _DELAY:
        return Offset(-(lags[0] + lags[1]) / 2, min(heights))
    best = int(np.argmax(heights))
    return Offset(-lags[best], heights[best])


def _loud(file: soundfile.SoundFile) -> float:
    """Power of the loudest twentieth of a sound's frames."""
    blocks = file.blocks(_FRAME * 3000, dtype="float32", fill_value=0.0)
    return float(np.quantile(np.concatenate([_power(block) for block in blocks] or [np.zeros(1)]), 0.95))


def _power(sound: np.ndarray) -> np.ndarray:
    """(ceil(n / _FRAME),) mean power of each frame of a sound (n,)."""
    whole = np.pad(sound, (0, -len(sound) % _FRAME)).reshape(-1, _FRAME)
    return np.mean(whole**2, axis=1)


def _own(sound: np.ndarray, loud: float) -> np.ndarray:
    """The sound where it is loud enough to be the person's own voice, elsewhere silence."""
    return sound * np.repeat(_power(sound) > _OWN * loud, _FRAME)[: len(sound)]


def _peak(spectrum: np.ndarray, size: int, reach: int) -> tuple[float, float]:
    """Lag in seconds of the highest peak of a cross-spectrum, and its height over the root mean square."""
    # `far` begins `reach` samples before `near`: lag 0 is at sample `reach`.
    found = scipy.fft.irfft(spectrum, size)[: 2 * reach + 1]
    highest = int(np.argmax(found))
    return (highest - reach) / RATE, float(found[highest] / (np.sqrt(np.mean(found**2)) + 1e-12))
