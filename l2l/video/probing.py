"""What a recording holds: whatever is not readable, with picture and sound, is refused with one sentence."""

from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
import av.error
import numpy as np

from l2l.errors import UserError
from l2l.units import FPS
from l2l.video.media import MOST_PIXELS, check_readable, open_recording

_MAX_SIDE = 8192  # pixels; a header that claims more is hostile or broken
_PROGRESSIVE = 1  # of FFmpeg's AVFieldOrder; 0 is unknown, those above are interlaced
_HDR = {16: "smpte2084", 18: "arib-std-b67"}  # of FFmpeg's AVColorTransferCharacteristic: PQ and HLG


class Probe(NamedTuple):
    """What a recording holds, measured from its packets, not from its header."""

    width: int  # pixels
    height: int  # pixels
    pixel_aspect: float  # width of a pixel, in its heights; 1 when the file does not say
    frames: int  # packets of the picture
    fps: float  # frames per second on average
    constant_rate: bool  # whether all frames are equally far apart
    seconds: float  # from the first to the end of the last frame
    start: float  # seconds from the start of the recording to the first frame
    video_codec: str
    pixel_format: str
    rotation: int  # degrees that a player turns the picture by
    audio_codec: str
    audio_rate: int  # Hz
    audio_seconds: float  # from the start of the recording to the end of its sound
    audio_channels: int = 1  # of the first stream of sound
    audio_streams: int = 1
    audio_start: float = 0.0  # seconds from the start of the recording to the first sound
    gap: float = 0.0  # longest time without a picture, in seconds; also before the first
    audio_gap: float = 0.0  # longest time without sound, in seconds; also before the first
    interlaced: bool = False
    hdr: str = ""  # transfer of a picture of high dynamic range, as zscale calls it; empty: it is of none


def probe(path: str | Path) -> Probe:
    """Look at every packet of a recording. Raises UserError when picture or sound is missing or cut off."""
    path = Path(path)
    with open_recording(path) as container:
        for kind in ("video", "audio"):
            if not getattr(container.streams, kind):
                raise UserError(f"{path} has no {kind} stream; give a recording with picture and sound.")
        video, audio = container.streams.video[0], container.streams.audio[0]
        pixel_aspect = float(video.sample_aspect_ratio or 1)
        shown = round(video.width * pixel_aspect)
        sides = (video.width, video.height, shown)
        if not 0 < min(sides) <= max(sides) <= _MAX_SIDE or video.width * video.height > MOST_PIXELS:
            raise UserError(f"{path} claims a picture of {shown}x{video.height}; scale it down to 7680x4320 or less.")
        times: list[int] = []
        audio_times: list[tuple[float, float]] = []  # start and end of each packet, in seconds
        try:
            for packet in container.demux(video, audio):
                if packet.size == 0 or packet.pts is None:
                    continue
                if packet.stream is video:
                    times.append(packet.pts)
                else:
                    ends = packet.pts + (packet.duration or 0)
                    audio_times.append((float(packet.pts * packet.time_base), float(ends * packet.time_base)))
        except av.error.FFmpegError as error:
            check_readable(path)
            raise UserError(f"{path} is damaged ({error.strerror}); copy or convert it again.") from None
        if not times:
            raise UserError(f"{path} has a video stream without pictures; copy or record it again.")
        if not audio_times:
            raise UserError(f"{path} has an audio stream without sound; copy or record it again.")
        first = (container.start_time or 0) / av.time_base
        sound = np.array(sorted(audio_times)) - first
        base = video.time_base or Fraction(1, FPS)
        promised = float((video.duration or 0) * base)
        steps = np.diff(np.sort(np.array(times, np.int64)))
        span = float((max(times) - min(times)) * base)
        fps = (len(times) - 1) / span if span > 0 else float(video.average_rate or FPS)
        seconds = span + 1 / fps
        # An mp4 whose index survived but whose data was cut off: fewer pictures than the index promises.
        if container.format.name.startswith("mov") and (video.frames > len(times) + 1 or promised > seconds + 2):
            raise UserError(f"{path} is cut off: {len(times)} of {video.frames} pictures are there; copy it again.")
        start = max(0.0, float(min(times) * base) - first)
        picture = _first_picture(path)
        even = len(steps) > 0 and bool(np.ptp(steps) <= max(1, 0.002 / float(base)))
        return Probe(
            width=video.width,
            height=video.height,
            pixel_aspect=pixel_aspect,
            frames=len(times),
            fps=fps,
            constant_rate=even,
            seconds=seconds,
            start=start,
            video_codec=video.codec_context.name,
            pixel_format=str(video.codec_context.pix_fmt),
            rotation=int(getattr(picture, "rotation", 0) or 0),
            audio_codec=audio.codec_context.name,
            audio_rate=int(audio.codec_context.sample_rate or 0),
            audio_channels=audio.codec_context.channels,
            audio_streams=len(container.streams.audio),
            audio_start=float(max(0.0, sound[0, 0])),
            audio_seconds=float(sound[:, 1].max()),
            gap=max(start, float(steps.max(initial=0) * base)),
            audio_gap=float(max(sound[0, 0], np.max(sound[1:, 0] - sound[:-1, 1], initial=0))),
            interlaced=picture.interlaced_frame or video.codec_context.field_order > _PROGRESSIVE,
            hdr=_HDR.get(int(picture.color_trc or 0), ""),
        )


def _first_picture(path: Path) -> av.VideoFrame:
    """The first picture, which says more than the head of the file."""
    with open_recording(path) as container:
        try:
            frame = next(container.decode(video=0), None)
        except av.error.FFmpegError as error:
            raise UserError(
                f"{path}: its first picture cannot be decoded ({error.strerror}); convert it again."
            ) from None
        if frame is None:
            raise UserError(f"{path}: no picture can be decoded; copy or record it again.")
        return frame
