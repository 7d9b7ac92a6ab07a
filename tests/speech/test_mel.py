"""mel: 4 rows of 128 bands per frame, aligned with the sound, whatever the blocks."""

import librosa
import numpy as np
import pytest
import soundfile

from l2l import config
from l2l.speech import mel
from l2l.speech.mel import MelRows, mel_rows
from l2l.video.normalise import samples_for


def write(path, frames, seed=0):
    sound = np.random.default_rng(seed).normal(0, 0.1, samples_for(frames)).astype(np.float32)
    soundfile.write(path, sound, 16000, subtype="FLOAT")
    return sound


@pytest.mark.parametrize("frames", [1, 2, 3, 64, 100, 601])
def test_every_frame_gets_exactly_four_rows(tmp_path, frames):
    write(tmp_path / "a.wav", frames)
    mel_rows(tmp_path / "a.wav", tmp_path / "a.npy", config.MelSettings())
    rows = np.load(tmp_path / "a.npy")
    assert rows.shape == (4 * frames, 128) and rows.dtype == np.float32
    assert np.isfinite(rows).all() and (rows >= 0).all()


@pytest.mark.parametrize("feature", ["power_mel", "log_mel", "mfcc"])
def test_the_result_does_not_depend_on_the_blocks(tmp_path, monkeypatch, feature):
    write(tmp_path / "a.wav", 200)
    settings = config.MelSettings(feature=feature)
    mel_rows(tmp_path / "a.wav", tmp_path / "whole.npy", settings)
    monkeypatch.setattr(mel, "_BLOCK_UNITS", 5)
    mel_rows(tmp_path / "a.wav", tmp_path / "parts.npy", settings)
    whole, parts = np.load(tmp_path / "whole.npy"), np.load(tmp_path / "parts.npy")
    np.testing.assert_allclose(parts, whole, rtol=1e-3, atol=1e-4 * np.abs(whole).max())


def test_before_resizing_it_is_the_power_of_each_band(tmp_path):
    sound = write(tmp_path / "a.wav", 30)
    centred = np.pad(sound, (256, 1256)).astype(np.float64)
    hann = np.pad(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400), 56)
    waves = np.exp(-2j * np.pi * np.outer(np.arange(257), np.arange(512)) / 512)
    power = np.stack(
        [np.abs(waves @ (hann * centred[at : at + 512])) ** 2 for at in range(0, 16000, 160)]
    )  # (100, 257)
    expected = power @ librosa.filters.mel(sr=16000, n_fft=512, n_mels=128, fmin=0, fmax=8000).T
    longer = np.concatenate([sound, np.zeros(1000, np.float32)])
    found = MelRows(config.MelSettings()).columns(lambda start, count: longer[start : start + count], 0, 10)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_a_click_appears_in_the_rows_of_its_frame(tmp_path):
    sound = np.zeros(samples_for(90), np.float32)
    sound[32000] = 1.0  # at 2 s: frame 60, row 240
    soundfile.write(tmp_path / "a.wav", sound, 16000, subtype="FLOAT")
    mel_rows(tmp_path / "a.wav", tmp_path / "a.npy", config.MelSettings())
    energy = np.load(tmp_path / "a.npy").sum(1)
    centre = (energy * np.arange(len(energy))).sum() / energy.sum()
    assert abs(centre - 240) < 2
