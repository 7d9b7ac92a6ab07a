"""Voice activity: silence is none, and every frame gets an answer."""

import os
import subprocess
import sys

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


def test_onnxruntime_sends_and_writes_nothing(tmp_path):
    """Its telemetry is off before it is imported: it leaves a device id in the home folder otherwise."""
    soundfile.write(tmp_path / "a.wav", np.random.default_rng(0).normal(0, 1e-2, 16000), 16000)
    program = (
        "import importlib.abc, os, sys\n"
        "class Watch(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        assert name != 'onnxruntime' or os.environ['ORT_DISABLE_TELEMETRY'] == '1'\n"
        "sys.meta_path.insert(0, Watch())\n"
        "from l2l.speech.vad import voice_activity\n"
        f"assert len(voice_activity({str(tmp_path / 'a.wav')!r}, 30)) == 30\n"
        "assert 'onnxruntime' in sys.modules\n"
    )
    home, scratch = tmp_path / "home", tmp_path / "scratch"
    home.mkdir()
    scratch.mkdir()
    unset = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    places = {"HOME": str(home), "TMPDIR": str(scratch), "XDG_CACHE_HOME": str(home / "cache")}
    subprocess.run([sys.executable, "-c", program], env={**unset, **places}, check=True)
    assert [path for folder in (home, scratch) for path in folder.rglob("*") if path.is_file()] == []
