"""mel: 4 rows of 128 bands for each video frame.

The recipe of the released arrays was never published. The default is the one that fits them best: 16 kHz, window 400,
hop 160, power (no dB), resized along time to 4 rows per frame; all of it can be set. Sound is read in blocks, so that
memory does not grow with the recording; the result does not depend on the blocks.
"""

from pathlib import Path

import cv2
import librosa
import numpy as np
import scipy.fft

from l2l import config
from l2l.files import atomic, create_array, reading, write_rows
from l2l.speech.vad import read_wav
from l2l.units import AUDIO_PER_FRAME, FPS, MEL_BANDS, SAMPLE_RATE

# 3 frames are 1600 samples, a whole number of hops, and 12 rows: blocks that start there tile the recording.
_UNIT_FRAMES, _UNIT_SAMPLES = 3, 1600
_BLOCK_UNITS = 200  # 20 seconds
_MARGIN_UNITS = 2  # what the interpolation may look at beyond a block
_INTERPOLATION = {"lanczos": cv2.INTER_LANCZOS4, "cubic": cv2.INTER_CUBIC, "linear": cv2.INTER_LINEAR}


def mel_rows(wav: str | Path, out: str | Path, settings: config.MelSettings) -> None:
    """Write (4 T, 128) float32 for a wav that covers T frames; silence is assumed before and after the sound."""
    bank = librosa.filters.mel(
        sr=SAMPLE_RATE, n_fft=settings.n_fft, n_mels=MEL_BANDS, fmin=settings.f_min, fmax=settings.f_max
    )
    rows_per_unit = _UNIT_FRAMES * AUDIO_PER_FRAME
    with read_wav(wav) as file, atomic(out) as partial:
        frames = len(file) * FPS // SAMPLE_RATE
        units = -(-frames // _UNIT_FRAMES)
        shape = (frames * AUDIO_PER_FRAME, MEL_BANDS)
        create_array(partial, shape)
        for first in range(0, units, _BLOCK_UNITS):
            last = min(first + _BLOCK_UNITS, units)
            before, after = min(first, _MARGIN_UNITS), min(units - last, _MARGIN_UNITS)
            columns = _features(file, first - before, last + after, bank, settings)  # (n, 128)
            rows = (last + after - first + before) * rows_per_unit
            resized = cv2.resize(columns, (MEL_BANDS, rows), interpolation=_INTERPOLATION[settings.resize])
            if settings.feature == "power_mel":
                resized = np.maximum(resized, 0)  # Lanczos rings below zero; power cannot be negative
            resized = resized[before * rows_per_unit : rows - after * rows_per_unit]
            first_row = first * rows_per_unit
            write_rows(partial, first_row, resized[: shape[0] - first_row])


def load_mel(path: str | Path) -> np.ndarray:
    """The rows (4 T, 128) of a recording, mapped. Raises UserError when the file is missing or not one."""
    with reading(path, "an array", "l2l mel"):
        return np.load(path, mmap_mode="r", allow_pickle=False)


def _features(file, first: int, last: int, bank: np.ndarray, settings: config.MelSettings) -> np.ndarray:
    """Features (n, 128) of the units [first, last): one column of sound every hop, centred."""
    half = settings.n_fft // 2
    count = (last - first) * _UNIT_SAMPLES // settings.hop
    start = first * _UNIT_SAMPLES - half
    length = (count - 1) * settings.hop + settings.n_fft
    before = max(-start, 0)
    file.seek(min(max(start, 0), len(file)))
    sound = np.pad(file.read(length - before, dtype="float32", fill_value=0), (before, 0))
    columns = librosa.stft(
        sound, n_fft=settings.n_fft, hop_length=settings.hop, win_length=settings.window, center=False
    )
    mel = bank @ (np.abs(columns) ** 2)  # (128, n)
    if settings.feature != "power_mel":
        mel = np.log(mel + 1e-6)
    if settings.feature == "mfcc":
        mel = scipy.fft.dct(mel, axis=0, norm="ortho")
    return np.ascontiguousarray(mel.T, np.float32)
