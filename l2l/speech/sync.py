"""By how much the sound of a recording is late or early, from the lips of both people.

- A mouth that opens makes sound: how far it is open is compared with the level of three frequency bands, within a
  second around each frame, at every lag. Of the two people, the one whose lips fit better counts.
- The recording is divided into blocks. The best lag is certain when it is better than every other one in nearly all of
  them: two seconds of luck do not decide.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import scipy  # what is used of it is loaded when it is used: each part takes some tenths of a second

from l2l.speech.lip_motion import mouth_opening, running_mean
from l2l.speech.vad import read_part, read_wav
from l2l.units import FPS, SAMPLE_RATE
from l2l.video.tracks import PEOPLE, Tracks

_FARTHEST = 20  # frames that are looked at in both directions
_BANDS = ((100.0, 400.0), (400.0, 1000.0), (1000.0, 2500.0))  # Hz: voice, and the first two formants
_FFT = 1024  # points of the Fourier transform around a frame
_WINDOW = 31  # frames over which lips and sound are compared
_SMOOTH = 0.7  # frames
_BLOCK = 5 * FPS  # frames
_FEWEST = 4  # blocks with speech, below which nothing is certain
_NEAR = 2  # frames: lags so near to each other are not told apart
_STILL = 1e-4  # variance of a mouth at rest, in eye distances, and of silence, of the loudest
CERTAIN = 3.0  # standard errors by which the best lag is better than any other


class Sync(NamedTuple):
    """How sound and lips lie."""

    late: int  # frames by which the sound is late; negative: early
    certainty: float  # standard errors by which this is better than every other lag

    @property
    def certain(self) -> bool:
        return self.certainty >= CERTAIN


def lip_sync(tracks: Tracks, wav: Path) -> Sync:
    """By how much the sound (16 kHz mono) of tracked people is late."""
    return best_lag(mouth_opening(tracks), tracks.found, band_levels(wav, len(tracks)))


def band_levels(wav: Path, frames: int) -> np.ndarray:
    """(frames, 3) root mean square of each band around each video frame."""
    frequencies = np.fft.rfftfreq(_FFT, 1 / SAMPLE_RATE)
    bands = np.stack([(frequencies >= low) & (frequencies < high) for low, high in _BANDS], 1).astype(np.float32)
    window, levels = np.hanning(_FFT).astype(np.float32), np.empty((frames, len(_BANDS)), np.float32)
    with read_wav(wav) as file:
        for first in range(0, frames, FPS * 60):
            rows = np.arange(first, min(frames, first + FPS * 60))
            middle = np.round((rows + 0.5) * SAMPLE_RATE / FPS).astype(int)
            start = middle[0] - _FFT // 2
            heard = read_part(file, start, middle[-1] + _FFT // 2 - start)
            pieces = heard[(middle - middle[0])[:, None] + np.arange(_FFT)]  # (n, 1024)
            levels[rows] = np.sqrt(np.abs(np.fft.rfft(pieces * window)) ** 2 @ bands)
    return levels


def best_lag(opening: np.ndarray, found: np.ndarray, levels: np.ndarray) -> Sync:
    """The lag of levels (T, bands) behind the openings of mouths (T, 2) that are found (T, 2)."""
    lags = np.arange(-_FARTHEST, _FARTHEST + 1)
    frames = len(opening)
    loud = scipy.ndimage.gaussian_filter1d(levels / (np.percentile(levels, 98, axis=0) + 1e-9), _SMOOTH, axis=0)
    mouth = scipy.ndimage.gaussian_filter1d(opening, _SMOOTH, axis=0)
    usable = frames - 2 * _FARTHEST  # the same frames of the sound at every lag
    blocks = np.arange(max(usable, 0)) // _BLOCK
    if usable < _FEWEST * _BLOCK:
        return Sync(0, 0.0)
    heard = loud[_FARTHEST : frames - _FARTHEST]
    weight = running_mean(heard.mean(1), _WINDOW)
    fit = np.empty((len(lags), blocks[-1] + 1))
    for row, lag in enumerate(lags):
        part = slice(_FARTHEST - lag, frames - _FARTHEST - lag)
        best = np.zeros(usable)
        for person in range(PEOPLE):
            each = [_correlation(mouth[part, person], heard[:, band]) for band in range(heard.shape[1])]
            best = np.maximum(best, np.mean(each, 0) * found[part, person])
        fit[row] = np.bincount(blocks, best * weight)
    loudness = np.bincount(blocks, weight)
    fit = fit[:, loudness > 0.1 * loudness.max()]
    top = int(fit.sum(1).argmax())
    if fit.shape[1] < _FEWEST or top in (0, len(lags) - 1):
        return Sync(0, 0.0)
    better = (fit[top] - fit)[np.abs(lags - lags[top]) > _NEAR]  # (lags, blocks)
    error = better.std(1, ddof=1) / np.sqrt(better.shape[1])
    return Sync(int(lags[top]), float((better.mean(1) / np.maximum(error, 1e-9)).min()))


def _correlation(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(T,) correlation within a second around each frame; near 0 where one of them is still."""
    mean_one, mean_other = running_mean(one, _WINDOW), running_mean(other, _WINDOW)
    own = np.maximum(running_mean(one * one, _WINDOW) - mean_one**2, 0) + _STILL
    others = np.maximum(running_mean(other * other, _WINDOW) - mean_other**2, 0) + _STILL
    return (running_mean(one * other, _WINDOW) - mean_one * mean_other) / np.sqrt(own * others)
