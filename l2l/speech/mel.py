"""mel: 4 rows of 128 bands for each video frame.

The recipe of the released arrays was never published. The default is the one that fits them best: 16 kHz, window 400,
hop 160, power (no dB), resized along time to 4 rows per frame; all of it can be set. Sound is read in blocks, so that
memory does not grow with the recording; the result does not depend on the blocks.
"""

import functools
from collections.abc import Callable
from pathlib import Path

import cv2
import librosa
import numpy as np
import scipy  # what is used of it is loaded when it is used: each part takes some tenths of a second

from l2l import config
from l2l.arrays import Array, map_npy
from l2l.files import atomic, create_array, write_rows
from l2l.speech.vad import read_part, read_wav
from l2l.units import AUDIO_PER_FRAME, FPS, MEL_BANDS, SAMPLE_RATE

# 3 frames are 1600 samples, a whole number of hops, and 12 rows: blocks that start there tile the recording.
UNIT_FRAMES, UNIT_SAMPLES = 3, 1600
_BLOCK_UNITS = 200  # 20 seconds
_MARGIN_UNITS = 2  # what the interpolation may look at beyond a block
_INTERPOLATION = {"lanczos": cv2.INTER_LANCZOS4, "cubic": cv2.INTER_CUBIC, "linear": cv2.INTER_LINEAR}


def mel_rows(wav: str | Path, out: str | Path, settings: config.MelSettings) -> None:
    """Write (4 T, 128) float32 for a wav that covers T frames; silence is assumed before and after the sound."""
    rows_of = MelRows(settings)
    with read_wav(wav) as file, atomic(out) as partial:
        frames = len(file) * FPS // SAMPLE_RATE
        units = -(-frames // UNIT_FRAMES)
        shape = (frames * AUDIO_PER_FRAME, MEL_BANDS)
        create_array(partial, shape)

        for first in range(0, units, _BLOCK_UNITS):
            rows = rows_of(functools.partial(read_part, file), first, min(first + _BLOCK_UNITS, units), units)
            first_row = first * UNIT_FRAMES * AUDIO_PER_FRAME
            write_rows(partial, first_row, rows[: shape[0] - first_row])


class MelRows:
    """The rows of any part of a sound."""

    def __init__(self, settings: config.MelSettings) -> None:
        self._settings = settings
        self._bank = librosa.filters.mel(
            sr=SAMPLE_RATE, n_fft=settings.n_fft, n_mels=MEL_BANDS, fmin=settings.f_min, fmax=settings.f_max
        )
        around = settings.n_fft - settings.window  # the window is in the middle of the samples that are transformed
        self._window = np.pad(librosa.filters.get_window("hann", settings.window), (around // 2, around - around // 2))

    def __call__(
        self, read: Callable[[int, int], np.ndarray], first: int, last: int, units: int | None = None
    ) -> np.ndarray:
        """(12 n, 128) float32 of the n units [first, last), of `units` in all (None: of any number).

        `read` gives samples by their place and number; the place is 0 or more, and after the sound there is silence.
        """
        after = _MARGIN_UNITS if units is None else min(units - last, _MARGIN_UNITS)
        before, per_unit = min(first, _MARGIN_UNITS), UNIT_FRAMES * AUDIO_PER_FRAME
        columns = self.columns(read, first - before, last + after)  # (n, 128)
        rows = (last + after - first + before) * per_unit
        resized = cv2.resize(columns, (MEL_BANDS, rows), interpolation=_INTERPOLATION[self._settings.resize])
        if self._settings.feature == "power_mel":
            resized = np.maximum(resized, 0)  # Lanczos rings below zero; power cannot be negative
        return np.asarray(resized[before * per_unit : rows - after * per_unit])

    def columns(self, read: Callable[[int, int], np.ndarray], first: int, last: int) -> np.ndarray:
        """Features (n, 128) of the units [first, last): one column of sound every hop, centred."""
        settings = self._settings
        count = (last - first) * UNIT_SAMPLES // settings.hop
        start = first * UNIT_SAMPLES - settings.n_fft // 2
        before, length = max(-start, 0), (count - 1) * settings.hop + settings.n_fft
        sound = np.pad(read(max(start, 0), length - before), (before, 0))
        # As librosa.stft, which has numba compile for 26 s when it is first called in an environment.
        windows = np.lib.stride_tricks.sliding_window_view(sound, settings.n_fft)[:: settings.hop]  # (n, n_fft)
        columns = scipy.fft.rfft(windows * self._window).astype(np.complex64)  # (n, n_fft / 2 + 1)
        mel = self._bank @ (np.abs(columns.T) ** 2)  # (128, n)
        if settings.feature != "power_mel":
            mel = np.log(mel + 1e-6)
        if settings.feature == "mfcc":
            mel = scipy.fft.dct(mel, axis=0, norm="ortho")
        return np.ascontiguousarray(mel.T, np.float32)


def load_mel(path: str | Path) -> np.ndarray:
    """The rows (4 T, 128) of a recording, mapped. Raises UserError when the file is missing or not one."""
    return map_npy(path, "an array", "l2l mel", Array(("rows", MEL_BANDS)))
