"""two channels: a voice in each is told from stereo, and the lips say which is whose."""

import json

import numpy as np
import pytest
import soundfile

from l2l import config
from l2l.recordings.recordings import Recording
from l2l.recordings.synchronise import sync_warning, synchronise
from l2l.recordings.two_channels import a_person_each, split_voices
from l2l.units import FPS, SAMPLE_RATE
from l2l.video.footage import VOICES, Footage
from l2l.video.normalise import normalise
from tests.media import ffmpeg
from tests.speech.lips import write_talk
from tests.speech.microphones import turns

SECONDS = 12


def film(folder, left, right, *streams):
    """A normalised recording whose two channels are these sounds (n,)."""
    soundfile.write(folder / "both.wav", np.clip(np.stack([left, right], 1), -1, 1), SAMPLE_RATE)
    picture = ["-f", "lavfi", "-i", f"color=gray:size=64x64:rate=5:duration={SECONDS}"]
    coded = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac"]
    ffmpeg(*picture, "-i", str(folder / "both.wav"), *streams, *coded, str(folder / "a.mp4"))
    out = folder / "out"
    normalise(folder / "a.mp4", out / "video.mp4", out / "audio.wav", out / "probe.json", config.VideoSettings())
    return Recording("a", str(folder / "a.mp4")), out


def test_a_lapel_microphone_for_each_person_is_found(tmp_path):
    recording, out = film(tmp_path, *turns(SECONDS, SAMPLE_RATE, -15))
    assert split_voices(recording, out)
    assert json.loads((out / "probe.json").read_text())["voices"]
    assert len(Footage.of(out).voices) == 2
    voices = [np.abs(soundfile.read(out / name)[0]) for name in VOICES]
    first = slice(SAMPLE_RATE, 3 * SAMPLE_RATE)  # of the first turn, which is the left one's
    assert voices[0][first].mean() > 3 * voices[1][first].mean()


def test_two_streams_of_one_channel_are_mixed_too(tmp_path):
    two = [
        "-filter_complex",
        "[1:a]asplit[x][y];[x]pan=mono|c0=c0[l];[y]pan=mono|c0=c1[r]",
        "-map",
        "0:v",
        "-map",
        "[l]",
        "-map",
        "[r]",
    ]
    recording, out = film(tmp_path, *turns(SECONDS, SAMPLE_RATE, -15), *two)
    assert split_voices(recording, out)
    second = slice(5 * SAMPLE_RATE, 7 * SAMPLE_RATE)  # of the right one's turn
    assert np.abs(soundfile.read(out / "audio.wav")[0][second]).mean() > 0.02


@pytest.mark.parametrize(
    ("cross_talk", "speaks", "found"),
    [(-15, (True, True), True), (-4, (True, True), False), (0, (True, True), False), (-20, (True, False), False)],
)
def test_stereo_of_a_room_or_one_voice_alone_is_no_voice_in_each(tmp_path, cross_talk, speaks, found):
    wavs = [tmp_path / name for name in VOICES]
    for wav, sound in zip(wavs, turns(SECONDS, SAMPLE_RATE, cross_talk, speaks=speaks), strict=True):
        soundfile.write(wav, sound, SAMPLE_RATE)
    assert a_person_each(wavs, SECONDS * FPS) == found


def test_of_plain_stereo_no_voices_are_left(tmp_path):
    same = turns(SECONDS, SAMPLE_RATE, -15)[0]
    recording, out = film(tmp_path, same, same)
    assert not split_voices(recording, out)
    assert Footage.of(out).voices == () and not (out / VOICES[0]).exists()


@pytest.mark.parametrize("order", ["kept", "swapped", "unknown"])
def test_the_lips_say_whose_a_channel_is(tmp_path, order):
    write_talk(tmp_path, 1200, heard=order != "unknown")
    sound, rate = soundfile.read(tmp_path / "audio.wav")
    shifted = 60 if order == "unknown" else 0  # frames: half a turn
    of_right = (np.arange(len(sound)) * 30 // rate + shifted) // 120 % 2 == 1
    names = VOICES[::-1] if order == "swapped" else VOICES
    for name, own in zip(names, (~of_right, of_right), strict=True):
        soundfile.write(tmp_path / name, np.where(own, sound, 0.1 * sound), rate)
    synchronise(tmp_path, correct=True, two_channels=True)
    assert Footage.of(tmp_path).voices == (() if order == "unknown" else tuple(tmp_path / name for name in names))
    assert ("two channels" in sync_warning(tmp_path)[0]) == (order == "unknown")
