"""The offset of two microphones: found from faint cross-talk, and nothing where there is none."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from l2l.speech import offset
from l2l.speech.offset import RATE, find_offset
from tests.speech.microphones import turns


def write(folder: Path, left: np.ndarray, right: np.ndarray) -> tuple[Path, Path]:
    for name, sound in (("left", left), ("right", right)):
        soundfile.write(folder / f"{name}.wav", np.clip(sound, -1, 1), RATE, subtype="PCM_16")
    return folder / "left.wav", folder / "right.wav"


@pytest.mark.parametrize("seconds", [0.0, 0.37, -2.6, 21.3])
@pytest.mark.parametrize("cross_talk", [-8.0, -15.0, -25.0])
def test_a_later_start_is_found_to_the_millisecond(tmp_path, seconds, cross_talk):
    left, right = turns(60, RATE, cross_talk)
    cut = round(abs(seconds) * RATE)
    sounds = (left, right[cut:]) if seconds >= 0 else (left[cut:], right)
    found = find_offset(*write(tmp_path, *sounds))
    assert found and found.seconds == pytest.approx(seconds, abs=0.004) and found.confidence > 10


def test_the_delay_of_a_call_is_no_offset(tmp_path):
    found = find_offset(*write(tmp_path, *turns(60, RATE, -15, way=0.2)))
    assert found and found.seconds == pytest.approx(0, abs=0.004)


def test_one_who_only_listens_is_enough(tmp_path):
    left, right = turns(60, RATE, -15, speaks=(True, False))
    found = find_offset(*write(tmp_path, left, right[RATE:]))
    assert found and found.seconds == pytest.approx(1, abs=0.004)


@pytest.mark.parametrize("seconds", [1, 60])
def test_without_cross_talk_nothing_is_found(tmp_path, seconds):
    assert find_offset(*write(tmp_path, *turns(seconds, RATE, -200))) is None


def test_silence_has_no_offset(tmp_path):
    assert find_offset(*write(tmp_path, np.zeros(RATE), turns(2, RATE, -15)[0])) is None


def test_long_recordings_are_heard_in_parts(tmp_path, monkeypatch):
    monkeypatch.setattr(offset, "_FARTHEST", 5)
    left, right = turns(150, RATE, -20)
    found = find_offset(*write(tmp_path, left, right[2 * RATE :]))
    assert found and found.seconds == pytest.approx(2, abs=0.004)
