"""separate: nobody is heard in the other's file; one's own speech passes unchanged."""

import numpy as np
import pytest
import soundfile

from l2l import config
from l2l.errors import UserError
from l2l.speech.gating import separate
from l2l.speech.speaking import write_speaking
from l2l.video.footage import Footage
from l2l.video.normalise import samples_for


def test_each_file_holds_one_persons_speech(tmp_path):
    frames = 120
    probability = np.zeros((frames, 2), np.float32)
    probability[:50, 0], probability[60:110, 1] = 1, 1
    write_speaking(tmp_path / "s.npz", tmp_path / "s.rttm", probability, np.ones(frames), "a")
    sound = np.random.default_rng(0).uniform(-0.5, 0.5, samples_for(frames)).astype(np.float32)
    soundfile.write(tmp_path / "mix.wav", sound, 16000, subtype="PCM_16")
    outs = [tmp_path / "speech_left.wav", tmp_path / "speech_right.wav"]
    separate(
        Footage(tmp_path, tmp_path / "mix.wav", tmp_path),
        tmp_path / "s.npz",
        outs,
        config.SeparationSettings(fade=0.03),
    )
    first, second = (soundfile.read(path)[0] for path in outs)
    assert len(first) == len(second) == len(sound)
    own, theirs, nobody = slice(1000, 25000), slice(33000, 57000), slice(28000, 31000)
    np.testing.assert_allclose(first[own], sound[own], atol=1e-4)
    np.testing.assert_allclose(second[theirs], sound[theirs], atol=1e-4)
    assert np.abs(first[theirs]).max() == 0 and np.abs(second[own]).max() == 0
    np.testing.assert_allclose(first[nobody], sound[nobody], atol=1e-4)  # the room stays


def test_the_fade_is_gradual(tmp_path):
    probability = np.zeros((60, 2), np.float32)
    probability[30:, 1] = 1
    write_speaking(tmp_path / "s.npz", tmp_path / "s.rttm", probability, np.ones(60), "a")
    soundfile.write(tmp_path / "mix.wav", np.full(32000, 0.5, np.float32), 16000, subtype="PCM_16")
    outs = [tmp_path / "0.wav", tmp_path / "1.wav"]
    separate(
        Footage(tmp_path, tmp_path / "mix.wav", tmp_path), tmp_path / "s.npz", outs, config.SeparationSettings(fade=0.1)
    )
    steps = np.abs(np.diff(soundfile.read(outs[0])[0]))
    assert steps.max() < 0.5 / 1600 * 1.5


def test_a_wav_of_another_rate_is_refused(tmp_path):
    soundfile.write(tmp_path / "mix.wav", np.zeros(100), 44100)
    write_speaking(tmp_path / "s.npz", tmp_path / "s.rttm", np.zeros((3, 2)), np.zeros(3), "a")
    with pytest.raises(UserError, match=r"mix\.wav is 44100 Hz"):
        separate(
            Footage(tmp_path, tmp_path / "mix.wav", tmp_path),
            tmp_path / "s.npz",
            [tmp_path / "0.wav"],
            config.SeparationSettings(),
        )
