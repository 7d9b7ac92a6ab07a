"""separate, backend multisensory: the right half is hidden, levels are put right, and missing weights are asked for."""

import math

import numpy as np
import pytest
import soundfile
import torch
from scipy.signal import butter, sosfilt
from torch import nn

from l2l import config
from l2l.errors import UserError
from l2l.speech.multisensory import separation
from l2l.speech.multisensory.separation import hide_other, separate
from l2l.video.footage import Footage
from tests.media import noise_video

SECONDS = 5


class Honest(nn.Module):
    """Gives back the mixture for the left person, silence for the right one; it must be shown exactly one of them."""

    def __init__(self) -> None:
        super().__init__()
        self.anything = nn.Parameter(torch.zeros(1))

    def forward(self, picture, sound, spectrum):
        left_hidden = bool((picture[..., :112, :] == 128).all())
        assert left_hidden != bool((picture[..., 112:, :] == 128).all())
        assert sound.shape[1] == 2 and math.isclose(float(sound.square().mean()), 0.02, rel_tol=0.05)
        kept = spectrum.clamp(-1 + 1e-7, 1 - 1e-7).double().atanh()
        silent = torch.full_like(kept, -20)
        return (silent if left_hidden else kept), silent


@pytest.fixture
def footage(tmp_path, monkeypatch):
    video = noise_video(tmp_path / "video.mp4", seconds=SECONDS, size="160x120")
    rng = np.random.default_rng(0)
    time = np.arange(16000 * SECONDS) / 16000
    # Below 6 kHz, as speech is: resampling loses what is next to 8 kHz.
    noise = sosfilt(butter(8, 6000, fs=16000, output="sos"), 0.01 * rng.standard_normal(len(time)))
    sound = 0.05 * np.sin(2 * np.pi * 500 * time) * (1 + np.sin(2 * np.pi * time)) + noise
    soundfile.write(tmp_path / "audio.wav", sound, 16000, subtype="PCM_16")
    monkeypatch.setattr(separation, "_network", lambda device: Honest().to(device))
    return Footage(video, tmp_path / "audio.wav", tmp_path / "tracks.npz")


def voices(footage, tmp_path, **settings):
    outs = [tmp_path / "speech_left.wav", tmp_path / "speech_right.wav"]
    chosen = config.SeparationSettings(backend="multisensory", multisensory={"device": "cpu", **settings})
    separate(footage, tmp_path / "speaking.npz", outs, chosen)
    return [soundfile.read(out)[0] for out in outs]


@pytest.mark.parametrize("settings", [{}, {"overlap": 0.05, "batch_size": 3}, {"window": 2}], ids=str)
def test_what_the_network_hears_comes_out_at_the_level_and_the_moment_of_the_mixture(footage, tmp_path, settings):
    sound, _ = soundfile.read(footage.audio)
    left, right = voices(footage, tmp_path, **settings)
    assert len(left) == len(right) == len(sound)
    inner = slice(1600, -1600)
    assert np.abs(left - sound)[inner].max() < 0.02 * np.abs(sound).max()
    assert np.abs(left).max() < 1.1 * np.abs(sound).max()
    assert np.abs(right).max() < 1e-3


def test_without_level_it_is_the_original_s(footage, tmp_path):
    left, _ = voices(footage, tmp_path, level=False)
    assert np.sqrt(np.mean(left[8000:-8000] ** 2)) == pytest.approx(1.5 * math.sqrt(0.02), rel=0.1)


def test_only_the_half_of_the_other_person_is_hidden():
    picture = torch.randint(0, 128, (2, 3, 224, 224, 3), dtype=torch.uint8)
    left, right = hide_other(picture, 0), hide_other(picture, 1)
    assert torch.equal(left[..., :112, :], picture[..., :112, :]) and (left[..., 112:, :] == 128).all()
    assert torch.equal(right[..., 112:, :], picture[..., 112:, :]) and (right[..., :112, :] == 128).all()
    assert picture.max() < 128


def test_weights_that_are_missing_are_asked_for_and_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.setenv("L2L_WEIGHTS", str(tmp_path / "none"))
    with pytest.raises(UserError, match=r"net\.tf-160000\.index is missing .*fetch multisensory.*backend: gating"):
        voices(Footage(tmp_path / "v", tmp_path / "a", tmp_path / "t"), tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_recording_that_breaks_off_leaves_no_voice(footage, tmp_path):
    content = footage.video.read_bytes()
    footage.video.write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match=r"video\.mp4"):
        voices(footage, tmp_path)
    assert not list(tmp_path.glob("*speech*"))


def test_the_weights_of_a_job_are_read_once(tmp_path, monkeypatch):
    read = []
    monkeypatch.setattr(separation, "TFCheckpoint", lambda index: index)
    monkeypatch.setattr(separation, "load", lambda index: read.append(index) or Honest())
    monkeypatch.setattr(separation.weights, "find", lambda name, file: tmp_path / file)
    for file in (separation.INDEX, separation.DATA):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).touch()
    separation._network.cache_clear()
    for _ in range(2):
        separation._network(torch.device("cpu"))
    separation._network.cache_clear()
    assert len(read) == 1
