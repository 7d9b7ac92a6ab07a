"""normalise: any recording to 30 frames per second with square pixels, and 16 kHz mono, starting at the same moment.

Run it alone: `l2l normalise in.mp4 --out folder`. It writes `video.mp4`, `audio.wav` and, last, `probe.json`.
"""

from pathlib import Path

from l2l import config
from l2l.errors import UserError
from l2l.files import atomic, save_json
from l2l.units import FPS, SAMPLE_RATE
from l2l.video.media import Probe, media_input, open_media, probe, run_ffmpeg


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
            picture = media_input(source, **part)["v:0"].filter("fps", fps=FPS, start_time=0)
            # yuv420p needs even sides; -2 is the nearest even width in proportion, of square pixels.
            square = found.pixel_aspect == 1
            width = -2 if square else "round(oh*dar/2)*2"
            picture = picture.filter("scale", width, f"min({settings.max_height},trunc(ih/2)*2)", flags="area")
            if not square:
                picture = picture.filter("setsar", 1)
            coding = {"vcodec": "libx264", "preset": settings.preset, "crf": settings.crf, "pix_fmt": "yuv420p"}
            run_ffmpeg(source, picture, new_video, **coding)
        with open_media(new_video) as container:
            frames = sum(1 for packet in container.demux(container.streams.video[0]) if packet.size)
        # Sound often ends before the picture, and may start late: silence fills both.
        length = samples_for(frames)
        sound = media_input(source, **part)["a:0"]
        sound = sound.filter("aresample", SAMPLE_RATE, **{"async": 1, "first_pts": 0})
        sound = sound.filter("apad", whole_len=length).filter("atrim", end_sample=length)
        run_ffmpeg(source, sound, new_audio, ac=1, acodec="pcm_s16le")
    save_json(report, {"source": source.name, "frames": frames, "encoded_again": not kept, "probe": found._asdict()})


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
