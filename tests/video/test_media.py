"""Reading: what is not a recording with picture and sound is refused with one sentence that names the file."""

import itertools

import numpy as np
import pytest

from l2l.errors import UserError
from l2l.video.media import probe, read_frames, video_writer
from tests.media import ffmpeg, noise_video


def test_probe_measures_what_is_there(tmp_path):
    found = probe(noise_video(tmp_path / "a.mp4", 2.0, "25"))
    assert (found.width, found.height, found.frames, found.video_codec) == (320, 240, 50, "h264")
    assert found.fps == pytest.approx(25) and found.constant_rate
    assert found.seconds == pytest.approx(2.0, abs=0.01)


def bad_files(folder):
    good = noise_video(folder / "good.mp4", 4.0, "30", "320x240", None, "-movflags", "+faststart")
    ffmpeg("-i", str(good), "-c", "copy", "-an", str(folder / "silent.mp4"))
    ffmpeg("-i", str(good), "-c", "copy", "-vn", str(folder / "blind.mp4"))
    (folder / "empty.mp4").touch()
    (folder / "text.mp4").write_text("this is not a video\n" * 100)
    whole = good.read_bytes()
    (folder / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    ffmpeg("-i", str(good), "-c", "copy", str(folder / "late.mp4"))  # its index is at the end
    late = (folder / "late.mp4").read_bytes()
    (folder / "headless.mp4").write_bytes(late[: len(late) // 2])
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return bad_files(tmp_path_factory.mktemp("bad"))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("silent.mp4", "no audio stream"),
        ("blind.mp4", "no video stream"),
        ("empty.mp4", "empty"),
        ("text.mp4", "not a video"),
        ("cut.mp4", "cut off"),
        ("headless.mp4", "not a video that can be read"),
        ("none.mp4", "does not exist"),
    ],
)
def test_bad_input_is_refused_by_name(folder, name, words):
    with pytest.raises(UserError, match=words) as error:
        probe(folder / name)
    assert name in str(error.value) and "\n" not in str(error.value)


def test_frames_written_come_back_and_any_part_can_be_read(tmp_path):
    path = tmp_path / "a.mp4"
    with video_writer(path, 64, 48, crf=10) as write:
        for k in range(40):
            write(np.full((48, 64, 3), 6 * k, np.uint8))
    levels = [float(frame.mean()) for frame in read_frames(path)]
    assert len(levels) == 40 and np.abs(np.array(levels) - 6 * np.arange(40)).max() < 4
    part = [float(frame.mean()) for frame in itertools.islice(read_frames(path, start=25), 5)]
    np.testing.assert_allclose(part, levels[25:30], atol=1e-6)


def test_the_same_frames_give_the_same_bytes(tmp_path):
    frames = np.random.default_rng(0).integers(0, 255, (10, 48, 64, 3), np.uint8)
    for name in ("a", "b"):
        with video_writer(tmp_path / f"{name}.mp4", 64, 48) as write:
            for frame in frames:
                write(frame)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
