"""Sound as it arrives gives what the steps give for a whole recording."""

import numpy as np
import pytest
import soundfile

from l2l import config
from l2l.live.sound import LiveSound
from l2l.speech.mel import mel_rows
from l2l.speech.vad import voice_activity


@pytest.fixture(scope="module")
def sound():
    random = np.random.default_rng(0)
    return (random.normal(0, 0.1, 6 * 16000) * np.repeat(random.uniform(0, 1, 60), 1600)).astype(np.float32)


@pytest.mark.parametrize("block", [128, 1000, 5333])
def test_rows_are_those_of_the_step(tmp_path, sound, block):
    soundfile.write(tmp_path / "a.wav", sound, 16000, subtype="FLOAT")
    mel_rows(tmp_path / "a.wav", tmp_path / "a.npy", config.MelSettings())
    whole, live, first, found = np.load(tmp_path / "a.npy"), LiveSound(config.MelSettings()), 0, []
    for start in range(0, len(sound), block):
        live.add(sound[start : start + block])
        while live.frames >= first + 8:
            found.append(live.rows(first, first + 8))
            first += 8
    assert first / 30 > 6 - (live.after / 16000 + 8 / 30 + block / 16000)
    rows = np.concatenate(found)
    np.testing.assert_allclose(rows, whole[: len(rows)], rtol=1e-3, atol=1e-4 * whole.max())


def test_voice_activity_is_that_of_the_step(tmp_path, sound):
    soundfile.write(tmp_path / "a.wav", sound, 16000, subtype="FLOAT")
    live = LiveSound(config.MelSettings())
    for start in range(0, len(sound), 777):
        live.add(sound[start : start + 777])
    np.testing.assert_allclose(live.speaks(100, 170), voice_activity(tmp_path / "a.wav", 180)[100:170], atol=1e-5)


def test_memory_does_not_grow(sound):
    live = LiveSound(config.MelSettings())
    for _ in range(20):
        live.add(sound)
    assert live.samples == 20 * len(sound)
    assert len(live._sound) < 10 * 16000 and len(live._speaks) < 10 * 16000 / 512
