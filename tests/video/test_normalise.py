"""normalise: 30 frames per second and 16 kHz, equally long, without loss where there is nothing to change."""

import json

import av
import numpy as np
import pytest
import soundfile

from l2l import config
from l2l.errors import UserError
from l2l.video.media import probe, read_frames
from l2l.video.normalise import normalise, samples_for
from tests.media import ffmpeg, noise_video


def run(source, folder, **video):
    paths = folder / "video.mp4", folder / "audio.wav", folder / "probe.json"
    normalise(source, *paths, config.VideoSettings(**video))
    return paths


@pytest.mark.parametrize(("rate", "seconds", "frames"), [("25", 2.0, 60), ("30000/1001", 2.002, 60), ("60", 1.0, 30)])
def test_any_rate_becomes_30_frames_per_second(tmp_path, rate, seconds, frames):
    video, audio, report = run(noise_video(tmp_path / "in.mp4", seconds, rate), tmp_path / "out")
    count = sum(1 for _ in read_frames(video))
    assert abs(count - frames) <= 1
    assert soundfile.info(audio).frames == samples_for(count)
    assert json.loads(report.read_text())["frames"] == count


def test_short_sound_is_padded_with_silence(tmp_path):
    _, audio, _ = run(noise_video(tmp_path / "in.mp4", 3.0, "25", "320x240", 1.0), tmp_path / "out")
    sound, rate = soundfile.read(audio)
    assert rate == 16000 and len(sound) == 48000
    assert np.abs(sound[:15000]).max() > 0.05 and np.abs(sound[18000:]).max() < 1e-3


def test_a_normal_recording_is_taken_over_without_loss(tmp_path):
    source = noise_video(tmp_path / "in.mp4", 1.0)
    video, _, report = run(source, tmp_path / "out")
    assert json.loads(report.read_text())["encoded_again"] is False
    for before, after in zip(read_frames(source), read_frames(video), strict=True):
        np.testing.assert_array_equal(before, after)


def test_tall_pictures_are_scaled_down_in_proportion(tmp_path):
    video, _, _ = run(noise_video(tmp_path / "in.mp4", 0.5, "30", "640x480"), tmp_path / "out", max_height=240)
    with av.open(str(video)) as container:
        assert (container.streams.video[0].width, container.streams.video[0].height) == (320, 240)


@pytest.mark.parametrize(
    ("size", "aspect", "limit", "result"),
    [
        ("720x576", "64/45", 720, (1024, 576)),  # PAL, 16:9
        ("720x480", "8/9", 720, (640, 480)),  # NTSC, 4:3
        ("720x576", "64/45", 288, (512, 288)),
        ("322x240", "4/3", 720, (430, 240)),
    ],
)
def test_pixels_become_square(tmp_path, size, aspect, limit, result):
    source = noise_video(tmp_path / "in.mp4", 0.5, "30", size, None, "-vf", f"setsar={aspect}")
    video, _, report = run(source, tmp_path / "out", max_height=limit)
    assert json.loads(report.read_text())["encoded_again"] is True
    with av.open(str(video)) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height, stream.sample_aspect_ratio) == (*result, 1)


def test_pixels_of_a_turned_picture_become_square(tmp_path):
    noise_video(tmp_path / "lying.mp4", 0.5, "30", "320x240", None, "-vf", "setsar=4/3")
    ffmpeg("-display_rotation", "90", "-i", str(tmp_path / "lying.mp4"), "-c", "copy", str(tmp_path / "in.mp4"))
    video, _, _ = run(tmp_path / "in.mp4", tmp_path / "out")
    with av.open(str(video)) as container:  # shown as 427x240, then turned; the picture keeps its 320 lines
        assert (container.streams.video[0].width, container.streams.video[0].height) == (180, 320)


def test_late_sound_stays_late(tmp_path):
    noise_video(tmp_path / "now.mp4", 2.0)
    late = ["-i", str(tmp_path / "now.mp4"), "-itsoffset", "0.5", "-i", str(tmp_path / "now.mp4")]
    ffmpeg(*late, "-map", "0:v", "-map", "1:a", "-c", "copy", str(tmp_path / "in.mkv"))
    _, audio, _ = run(tmp_path / "in.mkv", tmp_path / "out")
    sound, _ = soundfile.read(audio)
    assert np.abs(sound[:7000]).max() < 1e-3 < np.abs(sound[9000:12000]).max()


def test_a_file_that_cannot_be_used_leaves_nothing_behind(tmp_path):
    (tmp_path / "in.mp4").write_text("no video")
    with pytest.raises(UserError, match=r"in\.mp4"):
        run(tmp_path / "in.mp4", tmp_path / "out")
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_the_result_is_itself_normal(tmp_path):
    video, _, _ = run(noise_video(tmp_path / "in.mp4", 1.0, "25"), tmp_path / "out")
    with av.open(str(video)) as container:
        assert container.streams.video[0].average_rate == 30
    with pytest.raises(UserError, match="no audio stream"):
        probe(video)
