"""Reading and writing media files.

- Decoding goes through PyAV, frame by frame: memory does not grow with the length of a recording.
- Encoding goes through ffmpeg: the system's when there is one, else the one imageio-ffmpeg carries.
- No file but the one that is named is opened, whatever it is called and whatever it holds.
"""

import contextlib
import ctypes
import functools
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av
import av.error
import ffmpeg
import imageio_ffmpeg
import numpy as np

from l2l.errors import TemporaryError, UserError, shown
from l2l.files import with_room
from l2l.units import FPS
from l2l.video.boxes import claims_too_much


def ffmpeg_path() -> str:
    """The ffmpeg program: the system's, else imageio-ffmpeg's."""
    return shutil.which("ffmpeg") or imageio_ffmpeg.get_ffmpeg_exe()


# The same input must give the same bytes on any machine: a fixed number of threads, no encoder names or dates.
_REPRODUCIBLE = {"threads": 2, "fflags": "+bitexact", "flags:v": "+bitexact", "flags:a": "+bitexact"}
_QUIET = ("-nostdin", "-hide_banner", "-loglevel", "error")


# The containers that recordings come in. A playlist, or a list of other files, is none of them, whatever its name is.
_CONTAINERS = "mov,matroska,avi,mpegts,mpeg,flv,asf,ogg,mxf,nut,dv,wav"
_GUARD = {"protocol_whitelist": "file,pipe", "format_whitelist": _CONTAINERS}
MOST_PIXELS = 7680 * 4320  # of a picture; the head of a file may say less than a later picture has


def _address(path: str | Path) -> str:
    """A file as ffmpeg takes it: neither an option nor a protocol, whatever its name is."""
    return f"file:{path}"


def media_input(path: str | Path, **options: Any) -> Any:
    """A recording as an input of ffmpeg-python, which opens this file and no other."""
    return ffmpeg.input(_address(path), threads=2, max_pixels=MOST_PIXELS, **_GUARD, **options)


def open_media(path: str | Path) -> av.container.InputContainer:
    """A recording, opened with PyAV; no other file is. Tags may be in any encoding."""
    container = av.open(_address(path), options=_GUARD, metadata_errors="replace")
    for stream in container.streams.video:
        stream.codec_context.options = {"max_pixels": str(MOST_PIXELS)}
    return container


class Limits(NamedTuple):
    """What one run of ffmpeg may cost."""

    minutes: float = math.inf
    memory: float = math.inf  # MB


# ffmpeg dies when this process is killed; else it would write on for as long as the recording is. What has a pipe to us
# ends by itself. Loaded here, for between fork and exec nothing may be imported.
_PRCTL = getattr(ctypes.CDLL(None), "prctl", None) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1
_WORDS = 1 << 16  # bytes of what ffmpeg says that are kept


def run_ffmpeg(reading: Path, stream: Any, target: Path, limits: Limits | None = None, **options: Any) -> None:
    """Convert a stream of ffmpeg-python, or several, to `target`. Raises UserError naming `reading`, with ffmpeg's last
    words, or with the limit that it has passed."""
    streams = stream if isinstance(stream, list) else [stream]
    with _started(_command(streams, target, options), stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        try:
            said = _watch(process, reading, limits or Limits())
        finally:
            process.kill()  # nothing, when it has ended
    if process.returncode:
        words = _last_words(said, process.returncode, target, reading)
        check_readable(reading)
        raise UserError(f"{reading}: ffmpeg could not convert it ({words}); check that it plays to the end.")


def _started(command: list[str], **pipes: Any) -> subprocess.Popen[bytes]:
    """ffmpeg, which ends with this process.

    Signals wait until it is there: an ffmpeg that nobody knows yet would write its file after that has been removed.
    """
    end = functools.partial(_PRCTL, _PR_SET_PDEATHSIG, signal.SIGKILL) if _PRCTL else None
    handlers: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        found = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
        handlers = {number: handler for number, handler in found.items() if callable(handler)}
    waiting: list[int] = []
    process = None
    for number in handlers:
        signal.signal(number, lambda number, _: waiting.append(number))
    try:
        process = subprocess.Popen(command, preexec_fn=end, **pipes)
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        try:
            for number in waiting:
                handlers[number](number, None)
        except BaseException:
            if process:
                process.kill()
                process.communicate()
            raise
    return process


def _watch(process: subprocess.Popen[bytes], reading: Path, limits: Limits) -> bytes:
    """Wait for the end of ffmpeg; the end of what it has said. Raises UserError naming `reading` when it takes too much
    time or memory.

    Its messages come through a pipe that is emptied again and again: a file for them would lack room on a full disk.
    """
    assert process.stdout is not None
    os.set_blocking(process.stdout.fileno(), False)
    said, end = b"", time.monotonic() + 60 * limits.minutes
    while process.poll() is None:
        said = (said + (process.stdout.read() or b""))[-_WORDS:]
        if time.monotonic() > end:
            raise UserError(
                f"{reading}: ffmpeg took longer than video.max_minutes = {limits.minutes:g}; cut it into parts, or "
                "raise that."
            )
        if _resident(process.pid) > limits.memory:
            raise UserError(
                f"{reading}: ffmpeg needs more memory than video.max_memory = {limits.memory:g} MB; scale it down, or "
                "raise that."
            )
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
    return said + (process.stdout.read() or b"")


def _resident(pid: int) -> float:
    """MB of memory that a process holds; 0 where the system does not say."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    except (OSError, IndexError):
        return 0.0


@functools.cache
def has_filter(name: str) -> bool:
    """Whether this ffmpeg has a filter."""
    done = subprocess.run([ffmpeg_path(), *_QUIET, "-filters"], capture_output=True, text=True)
    return any(line.split()[1:2] == [name] for line in done.stdout.splitlines())


def add_sound(video: Path, sound: Path, out: Path) -> None:
    """Write `out`, the pictures of an mp4 and a sound in one. Raises UserError naming the video."""
    streams = [media_input(video).video, media_input(sound).audio]
    coding: dict[str, Any] = {"vcodec": "copy", "acodec": "aac", "audio_bitrate": "96k", "movflags": "+faststart"}
    run_ffmpeg(video, streams, out, **coding)


def _command(streams: list[Any], target: Path, options: dict[str, Any]) -> list[str]:
    node = ffmpeg.output(*streams, _address(target), **_REPRODUCIBLE, **options).global_args(*_QUIET)
    return node.overwrite_output().compile(cmd=ffmpeg_path())


# What ffmpeg says when the machine is at fault. "Input/output error" is also its word for a damaged file.
_MACHINE = re.compile(
    r"No space left|quota exceeded|File too large|Cannot allocate memory|Read-only file system|Stale file handle"
    r"|Permission denied|Too many open files|(?:writ|mux).*Input/output error",
    re.I,
)


def _last_words(stderr: bytes, status: int, target: Path, *others: Path) -> str:
    """ffmpeg's last message. Raises TemporaryError when it was killed, or could not write `target`.

    others: files that messages may name; what a name says is no message.
    """
    lines = stderr.decode(errors="replace").strip().splitlines() or ["no message"]
    if status < 0 or status == 255:  # 255: it ended itself on a signal
        raise TemporaryError(f"{target}: ffmpeg was killed while it wrote it; run the same command again.")
    names = [name for path in (target, *others) for name in (str(path), path.name)]
    unnamed = re.compile("|".join(map(re.escape, sorted(names, key=len, reverse=True))))
    if fault := next((line for line in lines if _MACHINE.search(unnamed.sub("", line))), None):
        raise TemporaryError(
            f"{with_room(target)}: ffmpeg could not write it ({fault}); mend that and run the same command again."
        )
    return lines[-1]


def check_readable(path: Path) -> None:
    """Read a whole file, or those of a folder, so that a disk's fault is not taken for theirs. Raises OSError."""
    for each in path.iterdir() if path.is_dir() else (path,):
        with open(each, "rb") as file:
            while file.read(1 << 24):
                pass


def open_recording(path: Path) -> av.container.InputContainer:
    """Like `open_media`; raises UserError, one sentence, where that fails."""
    if shown(path) != str(path):
        raise UserError(f"{shown(path)}: its name is not UTF-8 text; rename it.")
    if not path.exists():
        raise UserError(f"{path} does not exist; check the path.")
    if path.is_dir():
        raise UserError(f"{path} is a folder, not a video; name a file (of two people's: left.mp4 and right.mp4).")
    if not os.access(path, os.R_OK):
        raise UserError(f"{path} may not be read by you; change its permissions.")
    if path.stat().st_size == 0:
        raise UserError(f"{path} is empty (0 bytes); copy or record it again.")
    if claims_too_much(path):
        raise UserError(f"{path} claims more samples than it has bytes: it is damaged; copy or record it again.")
    try:
        return open_media(path)
    except av.error.FFmpegError:
        check_readable(path)
        raise UserError(
            f"{path} is not a video that can be read: it is damaged, cut off or not a video at all; copy it again."
        ) from None


def length(path: str | Path) -> float | None:
    """Seconds of a recording, as its head says; None when it does not, or cannot be read."""
    try:
        with open_media(path) as container:
            return container.duration / av.time_base if container.duration else None
    except (OSError, UnicodeError, av.error.FFmpegError):
        return None


def read_frames(path: str | Path, start: int = 0) -> Iterator[np.ndarray]:
    """RGB frames (H, W, 3) uint8 of a normalised recording, from `start` on."""
    return (converted(frame) for frame in decoded(path, start))


def converted(frame: av.VideoFrame, format: str = "rgb24") -> np.ndarray:
    """A frame as RGB (H, W, 3) uint8, or in another format. On one thread: starting some takes longer than the work."""
    found: np.ndarray = frame.reformat(format=format, threads=1).to_ndarray()
    return found


def decoded(path: str | Path, start: int = 0) -> Iterator[av.VideoFrame]:
    """The frames of a normalised recording, from `start` on, as they are stored."""
    path = Path(path)
    with open_recording(path) as container:
        stream = container.streams.video[0]
        # One thread: a step asks the workflow for one core, and two recordings at once use two.
        stream.codec_context.thread_count = 1
        base = float(stream.time_base or Fraction(1, FPS))
        if start:
            container.seek(round(start / FPS / base) + (stream.start_time or 0), stream=stream)
        try:
            for frame in container.decode(stream):
                position = round(((frame.pts or 0) - (stream.start_time or 0)) * base * FPS)
                if position >= start:
                    yield frame
        except av.error.FFmpegError as error:
            check_readable(path)
            raise UserError(f"{path} cannot be decoded to its end ({error.strerror}); normalise it again.") from None


@contextlib.contextmanager
def video_writer(
    path: Path, width: int, height: int, audio: Path | None = None, crf: int = 20, preset: str = "superfast"
) -> Iterator[Callable[[np.ndarray], None]]:
    """Yields what writes an RGB frame (height, width, 3) uint8 to an mp4 at 30 frames per second.

    The same frames give the same bytes. Raises UserError or TemporaryError with ffmpeg's last words.
    """
    streams = [ffmpeg.input("pipe:0", format="rawvideo", pix_fmt="rgb24", s=f"{width}x{height}", r=FPS)]
    coding = {"vcodec": "libx264", "preset": preset, "crf": crf, "pix_fmt": "yuv420p", "movflags": "+faststart"}
    if audio:
        streams.append(media_input(audio).audio)
        coding |= {"acodec": "aac", "audio_bitrate": "96k"}
    command = _command(streams, path, coding)
    process = _started(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    stdin = process.stdin
    assert stdin is not None

    def finish() -> None:
        _, stderr = process.communicate()
        if process.returncode:
            raise UserError(f"{path}: ffmpeg could not write it ({_last_words(stderr, process.returncode, path)}).")

    def write(frame: np.ndarray) -> None:
        if frame.shape != (height, width, 3) or frame.dtype != np.uint8:
            raise ValueError(f"frame {frame.shape} {frame.dtype}, expected {(height, width, 3)} uint8")
        try:
            stdin.write(np.ascontiguousarray(frame).data)
        except BrokenPipeError:
            finish()  # says why ffmpeg ended
            raise

    try:
        yield write
        finish()
    finally:
        if process.returncode is None:
            process.kill()
            process.communicate()
