"""normalise: any recording to 30 frames per second and 16 kHz mono, both starting at the same moment.

Run it alone: `l2l normalise in.mp4 --out folder`. It writes `video.mp4`, `audio.wav` and, last, `probe.json`.
"""

import math
from pathlib import Path

import av

from l2l import config
from l2l.files import atomic, save_json
from l2l.units import FPS, SAMPLE_RATE
from l2l.video.media import SAMPLES_PER_FRAME, Probe, probe, run_ffmpeg


def samples_for(frames: int) -> int:
    """Samples at 16 kHz that cover this many frames."""
    return math.ceil(frames * SAMPLES_PER_FRAME)


def normalise(
    source: str | Path, video: str | Path, audio: str | Path, report: str | Path, settings: config.Video
) -> None:
    """Write picture, sound and what is known about both. Raises UserError naming `source` when it cannot be used."""
    source = Path(source)
    found = probe(source)
    with atomic(video) as new_video, atomic(audio) as new_audio:
        kept = _is_normal(found, settings)
        if kept:
            run_ffmpeg(["-i", str(source), "-map", "0:v:0", "-c", "copy", "-an", str(new_video)], source)
        else:
            # The height must be even for yuv420p; -2 keeps the width so, and in proportion.
            height = f"min({settings.max_height},trunc(ih/2)*2)"
            picture = f"fps={FPS}:start_time=0,scale=-2:'{height}':flags=area,format=yuv420p"
            coder = ["-c:v", "libx264", "-preset", settings.preset, "-crf", str(settings.crf)]
            # A fixed number of threads: the result must not depend on the machine.
            coder += ["-threads", "2", "-flags:v", "+bitexact", "-fflags", "+bitexact"]
            run_ffmpeg(["-i", str(source), "-map", "0:v:0", "-vf", picture, *coder, "-an", str(new_video)], source)
        frames = _count_frames(new_video)
        # Sound often ends before the picture, and may start late: silence fills both.
        length = samples_for(frames)
        sound = f"aresample={SAMPLE_RATE}:async=1:first_pts=0,apad=whole_len={length},atrim=end_sample={length}"
        wav = ["-ac", "1", "-c:a", "pcm_s16le", "-fflags", "+bitexact", "-flags:a", "+bitexact"]
        run_ffmpeg(["-i", str(source), "-map", "0:a:0", "-af", sound, *wav, str(new_audio)], source)
    save_json(report, {"source": source.name, "frames": frames, "encoded_again": not kept, "probe": found.as_dict()})


def _is_normal(found: Probe, settings: config.Video) -> bool:
    """Whether the picture can be taken over as it is, without loss."""
    return (
        found.constant_rate
        and abs(found.fps - FPS) < 0.003
        and (found.video_codec, found.pixel_format) == ("h264", "yuv420p")
        and found.height <= settings.max_height
        and found.rotation == 0
        and found.start < 1 / FPS
    )


def _count_frames(video: Path) -> int:
    with av.open(str(video)) as container:
        return sum(1 for packet in container.demux(container.streams.video[0]) if packet.size)
