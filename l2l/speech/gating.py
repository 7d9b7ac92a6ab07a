"""separate, embedded backend `gating`: each person is muted while only the other one speaks.

A person's file keeps their own speech and the pauses; the other's turns and back-channels are gone. Where each has a
microphone it is made from its sound, so that only cross-talk is muted.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

from l2l import config
from l2l.files import atomic
from l2l.speech.intervals import intervals
from l2l.speech.speaking import SPEAKS, load_speaking
from l2l.speech.vad import read_wav
from l2l.units import FPS, SAMPLE_RATE
from l2l.video.footage import Footage

_BLOCK = SAMPLE_RATE * 30  # samples


def separate(footage: Footage, speaking: Path, outs: Sequence[Path], settings: config.SeparationSettings) -> None:
    """Write speech_left.wav and speech_right.wav, as long as the sound."""
    speaks = load_speaking(speaking) >= SPEAKS  # (T, 2)
    for person, out in enumerate(outs):
        muted = speaks[:, 1 - person] & ~speaks[:, person]
        times, gains = _ramps(muted, settings.fade)
        with (
            read_wav(footage.voices[person] if footage.voices else footage.audio) as mixture,
            atomic(out) as partial,
            soundfile.SoundFile(str(partial), "w", SAMPLE_RATE, 1, "PCM_16") as speech,
        ):
            start = 0
            for block in mixture.blocks(_BLOCK, dtype="float32"):
                moments = (start + np.arange(len(block))) / SAMPLE_RATE
                speech.write(block * np.interp(moments, times, gains).astype(np.float32))
                start += len(block)


def _ramps(muted: np.ndarray, fade: float) -> tuple[np.ndarray, np.ndarray]:
    """Corner points (seconds, gain) of a gain that is 0 where muted (T,), with fades of `fade` seconds around."""
    times, gains = [-1.0], [1.0]
    for start, end in intervals(muted):
        begin, finish = start / FPS, end / FPS
        half = min(fade, finish - begin) / 2
        times += [begin - half, begin + half, finish - half, finish + half]
        gains += [1.0, 0.0, 0.0, 1.0]
    # Neighbouring fades may overlap by less than a frame; times must not decrease.
    return np.maximum.accumulate(np.array(times)), np.array(gains)
