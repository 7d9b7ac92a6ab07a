"""The voices are the same whenever and wherever they speak."""

import hashlib
import importlib
import subprocess
import sys

import numpy as np
import pytest

from l2l.demo import voices
from l2l.errors import UserError

TEXTS = ("Right.", "I forgot my umbrella on the bus again.", "Yeah.")


def _digests(texts: tuple[str, ...]) -> dict[str, str]:
    voices.say.cache_clear()
    return {
        f"{person} {text}": hashlib.sha256(voices.say(text, person).tobytes()).hexdigest()
        for text in texts
        for person in (0, 1)
    }


def test_a_sentence_sounds_the_same_in_any_order_and_in_another_process() -> None:
    here = _digests(TEXTS)
    assert _digests(TEXTS[::-1]) == here
    code = (
        "import hashlib; from l2l.demo import voices; "
        f"print(hashlib.sha256(voices.say({TEXTS[2]!r}, 1).tobytes()).hexdigest())"
    )
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert there == here[f"1 {TEXTS[2]}"]


def test_sound_is_trimmed_and_as_long_as_the_sentence() -> None:
    for person in (0, 1):
        short, long = voices.say(TEXTS[2], person), voices.say(TEXTS[1], person)
        assert short.dtype == long.dtype == np.float32
        assert 0.2 < len(short) / voices.SAMPLE_RATE < 0.8
        assert 1.5 < len(long) / voices.SAMPLE_RATE < 4
        assert np.abs(long).max() == pytest.approx(0.6, abs=1e-3)
        assert min(abs(long[0]), abs(long[-1])) > 0


def test_the_two_voices_differ_in_pitch() -> None:
    def pitch(person: int) -> float:
        """Hz, from the strongest peak of the autocorrelation of voiced stretches."""
        sound = voices.say(TEXTS[1], person)
        lags = []
        for start in range(0, len(sound) - 1024, 512):
            piece = sound[start : start + 1024]
            if np.sqrt(np.mean(piece**2)) > 0.08:
                spectrum = np.abs(np.fft.rfft(piece, 4096)) ** 2
                correlation = np.fft.irfft(spectrum)
                lags.append(50 + np.argmax(correlation[50:200]))
        return voices.SAMPLE_RATE / float(np.median(lags))

    assert pitch(0) > 1.3 * pitch(1)


def test_a_missing_package_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    voices._espeak.cache_clear()
    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(UserError, match=r"espeakng_loader.*l2l\[demo\]"):
        voices.say("A sentence nobody has said before.", 0)
    voices._espeak.cache_clear()
