"""normalise: any recording to 30 frames per second with square pixels, and 16 kHz mono, starting at the same moment.

Run it alone: `l2l normalise in.mp4 --out folder`. It writes `video.mp4`, `audio.wav` and, last, `probe.json`.
"""

from pathlib import Path
from typing import Any

from l2l import config
from l2l.errors import UserError
from l2l.files import atomic, save_json
from l2l.units import FPS, SAMPLE_RATE
from l2l.video.media import Probe, media_input, open_media, probe, run_ffmpeg

SOUND = {"ac": 1, "acodec": "pcm_s16le"}


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
    with atomic(video) as new_video, atomic(audio) as new_audio:
        part = {name: value for name, value in (("ss", start), ("to", end)) if value is not None}
        if (start or 0.0) >= found.seconds:
            raise UserError(f"{source} is {found.seconds:.1f} s long, and start is {start}; correct the sample sheet.")
        # A part must be encoded again: a copy can only begin at a key frame.
        kept = _is_normal(found, settings) and not part
        if kept:
            run_ffmpeg(source, media_input(source)["v:0"], new_video, vcodec="copy")
        else:
            height = f"min({settings.max_height},trunc(ih/2)*2)"
            run_ffmpeg(source, picture(source, found, part, height), new_video, **coding(settings))
        frames = count_frames(new_video)
        run_ffmpeg(source, sound(source, part, samples_for(frames)), new_audio, **SOUND)
    save_json(report, {"source": source.name, "frames": frames, "encoded_again": not kept, "probe": found._asdict()})


def picture(source: Path, found: Probe, part: dict[str, float], height: str | int) -> Any:
    """The picture of a file, or of a part of it, as a stream for ffmpeg: 30 frames per second, square pixels."""
    stream = media_input(source, **part)["v:0"].filter("fps", fps=FPS, start_time=0)
    # yuv420p needs even sides; -2 is the nearest even width in proportion, of square pixels.
    square = found.pixel_aspect == 1
    stream = stream.filter("scale", -2 if square else "round(oh*dar/2)*2", height, flags="area")
    return stream if square else stream.filter("setsar", 1)


def coding(settings: config.VideoSettings) -> dict[str, Any]:
    """How a picture is encoded."""
    return {"vcodec": "libx264", "preset": settings.preset, "crf": settings.crf, "pix_fmt": "yuv420p"}


def sound(source: Path, part: dict[str, float], samples: int, rate: int = SAMPLE_RATE) -> Any:
    """The sound of a file, or of a part of it, as a stream for ffmpeg, which is `samples` long."""
    stream = media_input(source, **part)["a:0"]
    stream = stream.filter("aresample", rate, **{"async": 1, "first_pts": 0})
    # Sound often ends before the picture, and may start late: silence fills both.
    return stream.filter("apad", whole_len=samples).filter("atrim", end_sample=samples)


def count_frames(video: Path) -> int:
    """The pictures of a video."""
    with open_media(video) as container:
        return sum(1 for packet in container.demux(container.streams.video[0]) if packet.size)


def _is_normal(found: Probe, settings: config.VideoSettings) -> bool:
    """Whether the picture can be copied unchanged."""
    return (
        found.constant_rate
        and abs(found.fps - FPS) < 0.003
        and (found.video_codec, found.pixel_format) == ("h264", "yuv420p")
        and found.pixel_aspect == 1
        and found.height <= settings.max_height
        and found.rotation == 0
        and found.start < 1 / FPS
    )
