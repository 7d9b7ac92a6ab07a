"""MFCC: the 13 cepstral coefficients at 100 Hz that SyncNet and Light-ASD hear.

The recipe is that of python_speech_features 0.6 with its defaults: whole-number samples, no window function,
the last frame padded with zeros, the first coefficient replaced by the logarithm of the frame's power.
"""

import numpy as np
from scipy.fft import dct

from l2l.units import SAMPLE_RATE

COEFFICIENTS = 13
_FRAME, _HOP, _FFT, _BANDS = 400, 160, 512, 26  # samples, samples, points, mel bands
_EMPHASIS, _LIFTER = 0.97, 22
_BLOCK = 8192  # frames at a time: 25 MB


def mfcc(samples: np.ndarray) -> np.ndarray:
    """(T, 13) float64 of int16 samples (N,) at 16 kHz; T = 1 + ceil((N - 400) / 160), at least 1."""
    count = 1 + max(0, -(-(len(samples) - _FRAME) // _HOP))
    return np.concatenate([_rows(samples, start, min(start + _BLOCK, count)) for start in range(0, count, _BLOCK)])


def _rows(samples: np.ndarray, first: int, last: int) -> np.ndarray:
    """Frames [first, last)."""
    start, length = first * _HOP, (last - 1 - first) * _HOP + _FRAME
    heard = samples[max(start - 1, 0) : start + length].astype(np.float64)
    if not start:
        heard = np.concatenate([[0.0], heard])  # the very first sample stays as it is
    sound = np.zeros(length)
    sound[: len(heard) - 1] = heard[1:] - _EMPHASIS * heard[:-1]
    frames = np.lib.stride_tricks.sliding_window_view(sound, _FRAME)[::_HOP]  # (n, 400)
    power = np.abs(np.fft.rfft(frames, _FFT)) ** 2 / _FFT  # (n, 257)
    cepstrum = dct(np.log(_no_zeros(power @ _BANK.T)), type=2, axis=1, norm="ortho")[:, :COEFFICIENTS]
    cepstrum *= 1 + _LIFTER / 2 * np.sin(np.pi * np.arange(COEFFICIENTS) / _LIFTER)
    cepstrum[:, 0] = np.log(_no_zeros(power.sum(1)))
    return cepstrum


def _no_zeros(values: np.ndarray) -> np.ndarray:
    """What has no power gets the smallest step, so that it has a logarithm."""
    return np.where(values == 0, np.finfo(float).eps, values)


def _mel_bank() -> np.ndarray:
    """(26, 257) triangles whose corners are evenly spaced in mel from 0 to 8000 Hz."""
    mel = np.linspace(0, 2595 * np.log10(1 + SAMPLE_RATE / 2 / 700), _BANDS + 2)
    corner = np.floor((_FFT + 1) * 700 * (10 ** (mel / 2595) - 1) / SAMPLE_RATE)
    bins = np.arange(_FFT // 2 + 1)
    low, peak, high = corner[:-2, None], corner[1:-1, None], corner[2:, None]
    rising, falling = (bins - low) / (peak - low), (high - bins) / (high - peak)
    return np.where((low <= bins) & (bins < peak), rising, np.where((peak <= bins) & (bins < high), falling, 0.0))


_BANK = _mel_bank()
