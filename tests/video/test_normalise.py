"""normalise: 30 frames per second and 16 kHz, equally long, without loss where there is nothing to change."""

import json

import av
import numpy as np
import pytest
import soundfile

from l2l import config
from l2l.errors import UserError
from l2l.video.media import read_frames
from l2l.video.normalise import normalise, samples_for
from l2l.video.probing import probe
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


def jump(folder, *change):
    """A recording of 4 s whose timestamps were changed by a bitstream filter, in mkv."""
    noise_video(folder / "whole.mp4", 4.0, "30", "320x240", None, "-bf", "0")
    ffmpeg("-i", str(folder / "whole.mp4"), "-c", "copy", *change, str(folder / "in.mkv"))
    return folder / "in.mkv"


@pytest.mark.parametrize(
    ("change", "settings", "words"),
    [
        (["-bsf:v", "setts=ts='if(gt(N,60),TS+36000/TB,TS)'"], {}, "s without a picture.*max_gap = 60"),
        (["-bsf:v", "setts=ts='if(gt(N,60),TS+36000/TB,TS)'"], {"max_gap": 1e6}, "hours long.*max_hours = 6"),
        (["-bsf:a", "setts=ts='if(gt(N,60),TS+36000/TB,TS)'"], {}, "s without sound.*max_gap = 60"),
        (["-bsf:v", "setts=ts=TS/100"], {}, "frames per second.*max_fps = 250"),
    ],
    ids=["picture", "length", "sound", "rate"],
)
def test_a_small_file_that_would_cost_much_is_refused(tmp_path, change, settings, words):
    source = jump(tmp_path, *change)
    with pytest.raises(UserError, match=words) as error:
        run(source, tmp_path / "out", **settings)
    assert "in.mkv" in str(error.value) and not list((tmp_path / "out").glob("*"))


@pytest.mark.parametrize(
    ("settings", "words"), [({"max_minutes": 1e-3}, "max_minutes = 0.001"), ({"max_memory": 20}, "max_memory = 20 MB")]
)
def test_ffmpeg_is_stopped_at_its_limits(tmp_path, settings, words):
    source = noise_video(tmp_path / "in.mp4", 8.0, "25", "640x480")
    with pytest.raises(UserError, match=rf"in\.mp4: ffmpeg .*{words}"):
        run(source, tmp_path / "out", **settings)
    assert not list((tmp_path / "out").glob("*"))


@pytest.mark.parametrize("order", ["tff", "bff"])
def test_fields_become_pictures_in_their_order(tmp_path, order):
    # A line that moves to the right by 4 pixels in each field.
    moving = "color=black:size=320x240:rate=50:duration=1[b];color=white:size=8x240:rate=50[w];"
    moving += "[b][w]overlay=x=4*n:shortest=1"
    source = tmp_path / "in.mp4"
    fields = ["-vf", f"interlace=scan={order}:lowpass=off", "-flags", "+ildct+ilme", "-x264opts", order]
    sound = ["-f", "lavfi", "-i", "sine=duration=1"]
    ffmpeg("-f", "lavfi", "-i", moving, *sound, *fields, "-c:v", "libx264", "-pix_fmt", "yuv420p", str(source))
    assert probe(source).interlaced
    video, _, report = run(source, tmp_path / "out")
    assert json.loads(report.read_text())["encoded_again"] is True
    widths, places = [], []
    for frame in list(read_frames(video))[3:27]:
        bright = frame[..., 0] > 128
        rows = bright.argmax(1)
        widths.append(np.ptp(rows[20:220]))
        places.append(rows[20:220].mean())
    assert max(widths) <= 2  # no combs
    assert min(np.diff(places)) >= 0  # nothing moves back, as in fields of the wrong order
    with av.open(str(video)) as container:
        assert not next(container.decode(video=0)).interlaced_frame


def test_high_dynamic_range_becomes_the_standard_one(tmp_path):
    tags = ["-color_primaries", "bt2020", "-color_trc", "smpte2084", "-colorspace", "bt2020nc"]
    coding = "log-level=error:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc"
    made = "color=0x808080:size=320x240:rate=30:duration=0.5"  # about 90 cd/m2 in PQ: as bright as white in SDR
    picture = ["-f", "lavfi", "-i", made, "-f", "lavfi", "-i", "sine=duration=0.5", "-pix_fmt", "yuv420p10le"]
    ffmpeg(*picture, "-c:v", "libx265", "-x265-params", coding, *tags, str(tmp_path / "in.mp4"))
    assert probe(tmp_path / "in.mp4").hdr == "smpte2084"
    video, _, _ = run(tmp_path / "in.mp4", tmp_path / "out")
    frame = next(iter(read_frames(video)))
    assert frame.mean() > 140 and np.ptp(frame.mean((0, 1))) < 4  # taken over unchanged it is a grey of 128


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
