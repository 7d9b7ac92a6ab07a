"""The two voices of the demo: espeak-ng at 16 kHz.

- The library and its data come from the package espeakng_loader; nothing has to be installed on the system.
- It is GPL and runs only in a separate process (see `espeak.py`), one per sentence: ~0.05 s each.
- The same sentence gives the same samples, in any order and in any process.
"""

import importlib
import subprocess
import sys
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.signal import resample_poly

from l2l.errors import UserError
from l2l.units import SAMPLE_RATE

_SILENCE = 0.004  # of full scale: quieter samples at the beginning and the end are cut
_PEAK = 0.6  # of full scale: both voices are equally loud


class Voice(NamedTuple):
    """How one person sounds."""

    name: str  # espeak-ng's, with its variant
    pitch: int  # 0..100
    pitch_range: int  # 0..100, liveliness
    rate: int  # words per minute


VOICES = (Voice("en-us+f4", 72, 60, 172), Voice("en-us+f1", 18, 45, 164))  # left, right


@cache
def _espeak() -> tuple[str, str]:
    """Paths of espeak-ng's library and of its data."""
    try:
        loader = importlib.import_module("espeakng_loader")
    except ImportError:
        raise UserError("The demo's voices need the package espeakng_loader; install l2l[demo].") from None
    return str(loader.get_library_path()), str(loader.get_data_path())


@lru_cache(maxsize=512)
def say(text: str, person: int) -> np.ndarray:
    """`text` in the voice of `person` (0 or 1): (n,) float32 at 16 kHz, from its first to its last audible sample.

    Raises UserError when espeakng_loader is not installed or does not work.
    """
    voice = VOICES[person]
    settings = [str(value) for value in (voice.pitch, voice.pitch_range, voice.rate)]
    program = str(Path(__file__).with_name("espeak.py"))
    done = subprocess.run(
        [sys.executable, "-I", "-S", program, *_espeak(), voice.name, *settings, text], capture_output=True
    )
    if done.returncode or len(done.stdout) <= 4:
        words = (done.stderr.decode(errors="replace").strip().splitlines() or ["no message"])[-1]
        raise UserError(f"espeak-ng could not say {text!r} ({words}); install l2l[demo] again.")
    rate = int.from_bytes(done.stdout[:4], "little")
    sound = np.frombuffer(done.stdout[4:], "<i2").astype(np.float64) / 32768
    common = np.gcd(rate, SAMPLE_RATE)
    sound = resample_poly(sound, SAMPLE_RATE // common, rate // common)
    loud = np.flatnonzero(np.abs(sound) > _SILENCE)
    if not len(loud):
        raise UserError(f"espeak-ng stayed silent at {text!r}; install l2l[demo] again.")
    sound = sound[loud[0] : loud[-1] + 1]
    sound = (sound * (_PEAK / np.abs(sound).max())).astype(np.float32)
    sound.flags.writeable = False  # the cache shares it
    return sound
