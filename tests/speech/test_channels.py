"""Who speaks, from two channels: cross-talk is no speech, two at once are, and gains do not matter."""

import json

import numpy as np
import pytest
import soundfile

from l2l import config
from l2l.speech import channels
from l2l.speech.channels import who_speaks
from l2l.speech.gating import separate
from l2l.speech.lip_motion import loudness
from l2l.speech.speaking import SPEAKS, diarize, load_speaking, write_speaking
from l2l.units import SAMPLE_RATE
from l2l.video.footage import VOICES, Footage
from l2l.video.normalise import samples_for
from tests.speech.microphones import turns

FRAMES = 900


def truth() -> np.ndarray:
    """(T, 2) bool: one, nobody, the other, both, nobody."""
    speaks = np.zeros((FRAMES, 2), bool)
    speaks[30:330, 0], speaks[360:660, 1] = True, True
    speaks[700:760] = True
    return speaks


def levels(speaks: np.ndarray, cross_talk: float, gains: tuple[float, float], room: float) -> np.ndarray:
    """(T, 2) root mean square of each channel."""
    voices = 0.1 * speaks * np.exp(0.7 * np.random.default_rng(0).standard_normal(speaks.shape))
    leak = 10 ** (cross_talk / 20)
    return np.sqrt(voices**2 + (leak * voices[:, ::-1]) ** 2 + room**2) * gains


@pytest.mark.parametrize("cross_talk", [-12.0, -15.0, -25.0, -90.0])
@pytest.mark.parametrize("gains", [(1.0, 1.0), (0.1, 1.0)])
@pytest.mark.parametrize("room", [1e-5, 1e-3])
def test_cross_talk_is_no_speech_and_two_at_once_are(cross_talk, gains, room):
    speaks = truth()
    level = levels(speaks, cross_talk, gains, room)
    # Voice activity does not know whose voice it is: it shows whatever can be heard.
    activity = np.where(level > 3 * room * np.array(gains), 1.0, 0.0)
    found, report = who_speaks(level, activity, 0.5)
    alone = ~speaks.all(1)
    assert (found == speaks)[alone].mean() > 0.99
    assert found[speaks.all(1)].any(1).all() and found[speaks.all(1)].mean() > 0.7
    if cross_talk > -25:
        assert report["left_in_right_db"] == pytest.approx(cross_talk, abs=2)


def test_one_who_only_listens_never_speaks():
    speaks = truth() & [True, False]
    level = levels(speaks, -15, (1.0, 1.0), 1e-3)
    found, _ = who_speaks(level, np.where(level > 3e-3, 1.0, 0.0), 0.5)
    assert not found[:, 1].any() and found[:, 0][speaks[:, 0]].mean() > 0.99


def test_in_silence_nobody_speaks():
    found, report = who_speaks(np.zeros((50, 2)), np.zeros((50, 2)), 0.5)
    assert not found.any() and report == {}


def test_the_channels_decide_where_each_person_has_one(tmp_path, monkeypatch):
    left, right = turns(10, SAMPLE_RATE, -15)
    for name, sound in zip(VOICES, (left, right), strict=True):
        soundfile.write(tmp_path / name, np.clip(sound, -1, 1), SAMPLE_RATE, subtype="PCM_16")
    monkeypatch.setattr(channels, "load_tracks", lambda path: np.zeros(300))
    monkeypatch.setattr(channels, "voice_activity", lambda wav, frames: loudness(wav, frames) > 0.005)
    diarize(Footage.of(tmp_path), tmp_path / "speaking.npz", config.DiarizationSettings(), channels)
    speaks = load_speaking(tmp_path / "speaking.npz") >= SPEAKS
    first, second = slice(10, 110), slice(130, 230)  # turns of four seconds
    assert not speaks[first, 1].any() and not speaks[second, 0].any()
    assert speaks[first, 0].mean() > 0.8 and speaks[second, 1].mean() > 0.8
    report = json.loads((tmp_path / "speaking.json").read_text())
    assert report["backend"] == "channels" and report["channels"]["left_in_right_db"] == pytest.approx(-15, abs=2)


def test_each_voice_comes_from_its_own_microphone_without_cross_talk(tmp_path):
    count = samples_for(240)
    left, right = turns(8, SAMPLE_RATE, -15)
    for name, sound in zip(VOICES, (left, right), strict=True):
        soundfile.write(tmp_path / name, np.clip(sound[:count], -1, 1), SAMPLE_RATE, subtype="PCM_16")
    probability = np.repeat(np.eye(2), 120, axis=0).astype(np.float32)
    write_speaking(tmp_path / "s.npz", tmp_path / "s.rttm", probability, np.ones(240), "a")
    outs = [tmp_path / "speech_left.wav", tmp_path / "speech_right.wav"]
    separate(Footage.of(tmp_path), tmp_path / "s.npz", outs, config.SeparationSettings())
    first, second = (soundfile.read(out)[0] for out in outs)
    mine, theirs = slice(1000, 60000), slice(70000, count - 1000)  # without fades
    np.testing.assert_allclose(first[mine], np.clip(left[mine], -1, 1), atol=1e-4)
    np.testing.assert_allclose(second[theirs], np.clip(right[theirs], -1, 1), atol=1e-4)
    assert not first[theirs].any() and not second[mine].any()
