"""normalise: any recording to 30 frames per second with square pixels, and 16 kHz mono, starting at the same moment.

Run it alone: `l2l normalise in.mp4 --out folder`. It writes `video.mp4`, `audio.wav` and, last, `probe.json`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ffmpeg

from l2l import config
from l2l.errors import UserError
from l2l.files import atomic, save_json
from l2l.units import FPS, SAMPLE_RATE
from l2l.video.media import Limits, has_filter, media_input, open_media, run_ffmpeg
from l2l.video.probing import Probe, probe

SOUND: dict[str, Any] = {"ac": 1, "acodec": "pcm_s16le"}


def samples_for(frames: int) -> int:
    """Samples at 16 kHz that cover this many frames."""
    return -(-frames * SAMPLE_RATE // FPS)


def normalise(
    source: str | Path,
    video: str | Path,
    audio: str | Path,
    report: str | Path,
    settings: config.VideoSettings,
    start: float | None = None,
    end: float | None = None,
) -> None:
    """Write picture, sound and a report on both, of the whole recording or of seconds `start` to `end`.

    Raises UserError naming `source` when it cannot be used.
    """
    source = Path(source)
    found = probe(source)
    check_limits(source, found, settings, start or 0.0, end)
    limits = Limits(settings.max_minutes, settings.max_memory)
    with atomic(video) as new_video, atomic(audio) as new_audio:
        part = {name: value for name, value in (("ss", start), ("to", end)) if value is not None}
        if (start or 0.0) >= found.seconds:
            raise UserError(f"{source} is {found.seconds:.1f} s long, and start is {start}; correct the sample sheet.")
        # A part must be encoded again: a copy can only begin at a key frame.
        kept = _is_normal(found, settings) and not part
        if kept:
            run_ffmpeg(source, media_input(source)["v:0"], new_video, limits, vcodec="copy")
        else:
            height = f"min({settings.max_height},trunc(ih/2)*2)"
            run_ffmpeg(source, picture(source, found, part, height), new_video, limits, **coding(settings))
        frames = count_frames(new_video)
        run_ffmpeg(source, sound(source, part, samples_for(frames)), new_audio, limits, **SOUND)
    save_json(report, {"source": source.name, "frames": frames, "encoded_again": not kept, "probe": found._asdict()})


def picture(source: Path, found: Probe, part: dict[str, float], height: str | int) -> Any:
    """The picture of a file, or of a part of it, as a stream for ffmpeg: 30 frames per second, square pixels."""
    stream = media_input(source, **part)["v:0"]
    if found.interlaced:  # each field becomes a picture; which comes first is said by each frame
        stream = stream.filter("bwdif", mode="send_field", parity="auto", deint="interlaced")
    stream = stream.filter("fps", fps=FPS, start_time=0)
    # yuv420p needs even sides; -2 is the nearest even width in proportion, of square pixels.
    square = found.pixel_aspect == 1
    stream = stream.filter("scale", -2 if square else "round(oh*dar/2)*2", height, flags="area")
    stream = stream if square else stream.filter("setsar", 1)
    return _tone_mapped(stream, found.hdr) if found.hdr and can_tone_map() else stream


def coding(settings: config.VideoSettings) -> dict[str, Any]:
    """How a picture is encoded."""
    return {"vcodec": "libx264", "preset": settings.preset, "crf": settings.crf, "pix_fmt": "yuv420p"}


def sound(source: Path, part: dict[str, float], samples: int, rate: int = SAMPLE_RATE) -> Any:
    """The sound of a file, or of a part of it, as a stream for ffmpeg, which is `samples` long."""
    return filled(media_input(source, **part)["a:0"], samples, rate)


def filled(stream: Any, samples: int, rate: int = SAMPLE_RATE) -> Any:
    """A stream of sound, which becomes `samples` long."""
    stream = stream.filter("aresample", rate, **{"async": 1, "first_pts": 0})
    # Sound often ends before the picture, and may start late: silence fills both.
    return stream.filter("apad", whole_len=samples).filter("atrim", end_sample=samples)


def mixed(wavs: Sequence[Path]) -> Any:
    """The sum of two sounds as a stream for ffmpeg."""
    return ffmpeg.filter([media_input(wav) for wav in wavs], "amix", inputs=2, normalize=0)


def count_frames(video: Path) -> int:
    """The pictures of a video."""
    with open_media(video) as container:
        return sum(1 for packet in container.demux(container.streams.video[0]) if packet.size)


def check_limits(source: Path, found: Probe, settings: config.VideoSettings, start: float, end: float | None) -> None:
    """Raises UserError naming the setting where a recording would cost too much."""
    hours = (min(end or found.seconds, found.seconds) - start) / 3600
    for key, value, words in (
        ("max_fps", found.fps, "frames per second; convert it to fewer"),
        ("max_gap", found.gap, "s without a picture at one place; cut it into parts there"),
        ("max_gap", found.audio_gap, "s without sound at one place; cut it into parts there"),
        ("max_hours", hours, "hours long; cut it into parts, name a part in a sample sheet"),
    ):
        if value > (most := getattr(settings, key)):
            raise UserError(f"{source}: {value:.6g} {words}, or raise video.{key} = {most:g}.")


def can_tone_map() -> bool:
    """Whether this ffmpeg brings pictures of high dynamic range to the standard one."""
    return has_filter("zscale") and has_filter("tonemap")


def _tone_mapped(picture: Any, transfer: str) -> Any:
    """A picture of high dynamic range, brought to BT.709: linear light, bright parts compressed (Hable's curve)."""
    linear = {"tin": transfer, "pin": "2020", "min": "2020_ncl", "t": "linear", "npl": 100}
    picture = picture.filter("zscale", **linear).filter("format", "gbrpf32le").filter("zscale", p="709")
    return picture.filter("tonemap", "hable", desat=0).filter("zscale", t="709", m="709", r="limited")


def _is_normal(found: Probe, settings: config.VideoSettings) -> bool:
    """Whether the picture can be copied unchanged."""
    return (
        found.constant_rate
        and abs(found.fps - FPS) < 0.003
        and (found.video_codec, found.pixel_format) == ("h264", "yuv420p")
        and found.pixel_aspect == 1
        and found.height <= settings.max_height
        and found.rotation == 0
        and not found.interlaced
        and not (found.hdr and can_tone_map())
        and found.start < 1 / FPS
    )
