"""Voice activity: silence is none, and every frame gets an answer."""

import numpy as np
import soundfile

from l2l.speech.vad import voice_activity


def test_silence_and_noise_are_no_speech(tmp_path):
    rng = np.random.default_rng(0)
    soundfile.write(tmp_path / "a.wav", rng.normal(0, 1e-3, 64000).astype(np.float32), 16000)
    found = voice_activity(tmp_path / "a.wav", 120)
    assert found.shape == (120,) and found.dtype == np.float32
    assert found.max() < 0.5


def test_a_wav_shorter_than_one_chunk_still_gives_an_answer(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(100), 16000)
    assert voice_activity(tmp_path / "a.wav", 1).shape == (1,)
