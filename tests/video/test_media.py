"""Reading: what is not a recording with picture and sound is refused with one sentence that names the file."""

import itertools
import os
import struct
from pathlib import Path

import numpy as np
import pytest

from l2l.config import Settings, VideoSettings
from l2l.errors import UserError
from l2l.report.glance import glance
from l2l.video import media
from l2l.video.boxes import claims_too_much
from l2l.video.media import length, read_frames, video_writer
from l2l.video.normalise import normalise
from l2l.video.probing import probe
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


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "avi"])
def test_tags_may_be_in_any_encoding(tmp_path, suffix):
    title = b"title=caf\xe9 \xff"
    tags = ["-metadata", title, "-metadata:s:v:0", title]
    path = noise_video(tmp_path / f"in.{suffix}", 0.5, "30", "320x240", None, *tags)
    assert b"caf\xe9" in path.read_bytes() and probe(path).frames == 15 and length(path)


@pytest.mark.parametrize("name", ["-name.mp4", "pipe:.mp4", "concat:a|b.mp4", "a%03d.mp4", "it's {a}.mp4", "Zoë.mp4"])
def test_a_file_may_have_any_name(tmp_path, monkeypatch, name):
    noise_video(tmp_path / "good.mp4", 0.5).rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    outs = [Path(f"-{output}") for output in ("video.mp4", "audio.wav", "probe.json")]
    normalise(Path(name), *outs, VideoSettings(max_height=144))
    assert len(list(read_frames(outs[0]))) == 15 and length(name)


def test_a_name_that_is_not_utf8_is_refused(tmp_path):
    path = noise_video(tmp_path / "good.mp4", 0.5).rename(tmp_path / os.fsdecode(b"caf\xe9.mp4"))
    with pytest.raises(UserError, match="its name is not UTF-8 text; rename it") as error:
        probe(path)
    str(error.value).encode()


@pytest.mark.parametrize(
    "content",
    [
        "ffconcat version 1.0\nfile good.mp4\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\ngood.mp4\n#EXT-X-ENDLIST\n",
        "<?xml version='1.0'?><MPD xmlns='urn:mpeg:dash:schema:mpd:2011' type='static'></MPD>",
    ],
)
def test_a_list_of_other_files_is_no_recording(tmp_path, content):
    noise_video(tmp_path / "good.mp4", 0.5)
    (tmp_path / "list.mp4").write_text(content)
    with pytest.raises(UserError, match=r"list\.mp4 is not a video"):
        probe(tmp_path / "list.mp4")


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


def test_an_mp4_that_claims_more_samples_than_bytes_is_refused(tmp_path):
    path = noise_video(tmp_path / "in.mp4", 0.5)
    assert not claims_too_much(path)
    data = bytearray(path.read_bytes())
    sizes = data.index(b"stsz", data.index(b"soun"))
    data[sizes + 8 : sizes + 16] = struct.pack(">II", 1, 10**9)  # so many samples of one byte
    path.write_bytes(data)
    with pytest.raises(UserError, match=r"in\.mp4 claims more samples than it has bytes"):
        probe(path)


def test_a_picture_beyond_the_limit_is_not_decoded_whatever_the_head_says(tmp_path, monkeypatch):
    for name, size in (("a", "160x120"), ("b", "320x240")):
        noise_video(tmp_path / f"{name}.mp4", 1.0, "30", size)
        ffmpeg("-i", str(tmp_path / f"{name}.mp4"), "-an", "-c", "copy", str(tmp_path / f"{name}.h264"))
    (tmp_path / "c.h264").write_bytes(b"".join((tmp_path / f"{name}.h264").read_bytes() for name in "ab"))
    video, sound = ["-r", "30", "-i", str(tmp_path / "c.h264")], ["-i", str(tmp_path / "a.mp4")]
    path = tmp_path / "growing.mkv"
    ffmpeg(*video, *sound, "-map", "0:v", "-map", "1:a", "-c", "copy", str(path))
    assert {len(frame) for frame in read_frames(path)} == {120, 240}
    monkeypatch.setattr(media, "MOST_PIXELS", 30_000)
    for look in (lambda: list(read_frames(path)), lambda: glance(path, Settings())):
        with pytest.raises(UserError, match=r"growing\.mkv cannot be decoded"):
            look()
