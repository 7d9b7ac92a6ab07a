"""normalise of two files: one picture side by side, the common time, and a channel for each person."""

import json
import logging

import av
import numpy as np
import pytest
import soundfile

from l2l import config
from l2l.errors import UserError
from l2l.recordings.side_by_side import normalise_pair
from l2l.units import SAMPLE_RATE
from l2l.video.media import read_frames
from l2l.video.normalise import samples_for
from l2l.video.probing import probe
from tests.media import ffmpeg
from tests.speech.microphones import turns

SECONDS = 12


def film(path, sound, colour, size="320x240", rate=30):
    """A picture of one colour, as long as its sound (n,)."""
    wav, length = path.with_suffix(".wav"), len(sound) / SAMPLE_RATE
    soundfile.write(wav, np.clip(sound, -1, 1), SAMPLE_RATE, subtype="PCM_16")
    picture = ["-f", "lavfi", "-i", f"color={colour}:size={size}:rate={rate}:duration={length}"]
    ffmpeg(*picture, "-i", str(wav), "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", str(path))
    wav.unlink()


@pytest.fixture
def talk(tmp_path):
    """Two files, of which the right one starts 0.37 s late, and has another size and rate."""
    left, right = turns(SECONDS, SAMPLE_RATE, -15)
    folder = tmp_path / "talk"
    folder.mkdir()
    film(folder / "left.mp4", left, "red")
    film(folder / "right.mkv", right[round(0.37 * SAMPLE_RATE) :], "blue", "640x480", 25)
    return folder


def run(folder, out, **part):
    normalise_pair(folder, out, config.VideoSettings(), **part)
    return json.loads((out / "probe.json").read_text())


def envelope(sound):
    """Mean size of each 10 ms of a sound; an encoder changes noise itself."""
    return np.abs(sound[: len(sound) // 160 * 160]).reshape(-1, 160).mean(1)


def test_two_files_become_one_picture_and_two_channels(talk, tmp_path):
    report = run(talk, tmp_path / "out")
    assert report["offset"]["from"] == "sound" and report["offset"]["seconds"] == pytest.approx(0.37, abs=0.01)
    assert report["frames"] == pytest.approx(30 * (SECONDS - 0.37), abs=2)
    pictures = list(read_frames(tmp_path / "out/video.mp4"))
    assert len(pictures) == report["frames"] and pictures[0].shape == (240, 640, 3)
    with av.open(str(tmp_path / "out/video.mp4")) as container:
        assert container.streams.video[0].average_rate == 30
    for picture in (pictures[0], pictures[-1]):
        assert picture[120, 100, 0] > 200 > 50 > picture[120, 100, 2]
        assert picture[120, 500, 2] > 200 > 50 > picture[120, 500, 0]
    left, right, mixed = (
        soundfile.read(tmp_path / "out" / f"{name}.wav")[0] for name in ("voice_left", "voice_right", "audio")
    )
    assert len(left) == len(right) == len(mixed) == samples_for(report["frames"])
    np.testing.assert_allclose(mixed, np.clip(left + right, -1, 1), atol=1e-3)
    truth = turns(SECONDS, SAMPLE_RATE, -15)
    for found, sound in zip((left, right), truth, strict=True):
        own = sound[round(0.37 * SAMPLE_RATE) :]
        assert np.corrcoef(envelope(found), envelope(own)[: len(envelope(found))])[0, 1] > 0.97


def test_a_given_offset_is_taken_and_a_part_is_of_the_common_time(talk, tmp_path):
    (talk / "offset.txt").write_text("-2")
    report = run(talk, tmp_path / "out", start=1.0, end=3.5)
    assert report["offset"] == {"seconds": -2.0, "from": "offset.txt"} and report["frames"] == 75


def test_without_cross_talk_both_start_together_and_that_is_said(tmp_path, caplog):
    folder = tmp_path / "talk"
    folder.mkdir()
    for name, sound in zip(("left", "right"), turns(3, SAMPLE_RATE, -200), strict=True):
        film(folder / f"{name}.mp4", sound, "red")
    with caplog.at_level(logging.WARNING):
        report = run(folder, tmp_path / "out")
    assert report["offset"] == {"seconds": 0.0, "from": "nothing: taken to start together"}
    assert "neither microphone catches the other person" in caplog.text and "offset.txt" in caplog.text


def test_files_without_a_common_time_are_refused(talk, tmp_path):
    (talk / "offset.txt").write_text("60")
    with pytest.raises(UserError, match=r"talk/: its two files have no time in common .* correct offset\.txt"):
        run(talk, tmp_path / "out")
    (talk / "offset.txt").write_text("0")
    with pytest.raises(UserError, match=r"in common, and start is 100"):
        run(talk, tmp_path / "out", start=100)
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_a_file_without_sound_or_a_missing_one_is_named(talk, tmp_path):
    ffmpeg("-i", str(talk / "left.mp4"), "-an", "-c", "copy", str(talk / "right.mp4"))
    (talk / "right.mkv").unlink()
    with pytest.raises(UserError, match=r"talk/right\.mp4 has no audio stream"):
        run(talk, tmp_path / "out")
    (talk / "right.mp4").unlink()
    with pytest.raises(UserError, match=r"talk/ has no video called right"):
        run(talk, tmp_path / "out")


def test_a_folder_without_two_peoples_files_is_no_recording(tmp_path):
    with pytest.raises(UserError, match=r"is a folder, not a video; name a file .*left\.mp4 and right\.mp4"):
        probe(tmp_path)
