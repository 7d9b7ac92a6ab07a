"""What people record and edit, made out of a real clip and the demo, for benchmarks/real_footage.py."""

import itertools
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import soundfile

from benchmarks.edits import real_clip
from benchmarks.who_is_who import people_of, sway
from l2l.demo.rig import Rig
from l2l.raster import draw_shaded
from l2l.units import FPS, SAMPLE_RATE
from l2l.video import mesh
from l2l.video.media import ffmpeg_path, read_frames, run_ffmpeg, video_writer
from l2l.video.media import media_input as media

HIGH, WIDE = 480, 460  # pixels of one person's half
Pictures = Sequence[np.ndarray]  # (480, 460, 3) RGB each


@dataclass(frozen=True)
class Footage:
    """The halves of both clips, and their files."""

    clip: Path
    demo: Path  # a folder
    left: Pictures  # the real clip's people
    right: Pictures
    demo_left: Pictures
    demo_right: Pictures
    shape: np.ndarray  # (468, 3): a face of the real clip, to render heads in

    @classmethod
    def of(cls, clip: Path, demo: Path) -> "Footage":
        """The first frames of both, cut in two."""
        real = [cv2.resize(picture, (2 * WIDE, HIGH), interpolation=cv2.INTER_AREA) for picture in real_clip(clip)]
        made = [
            cv2.resize(picture[:333], (2 * WIDE, HIGH), interpolation=cv2.INTER_CUBIC)
            for picture in itertools.islice(read_frames(demo / "demo_00.mp4"), len(real))
        ]
        halves = [[picture[:, part] for picture in both] for both in (real, made) for part in _HALVES]
        left, right, demo_left, demo_right = halves
        shape = people_of(clip)["clip right"].rig.vertices[: mesh.LANDMARKS]
        return cls(clip, demo, left, right, demo_left, demo_right, shape)


def ffmpeg(*arguments: str | bytes) -> None:
    subprocess.run([ffmpeg_path(), "-nostdin", "-loglevel", "error", "-y", *arguments], check=True)


_HALVES = (slice(0, WIDE), slice(WIDE, 2 * WIDE))


def beside(left: Pictures, right: Pictures, first: int, frames: int) -> list[np.ndarray]:
    """Some pictures of two halves."""
    return [np.hstack([left[k % len(left)], right[k % len(right)]]) for k in range(first, first + frames)]


def walks(left: Pictures, right: Pictures, first: int, frames: int, comes: bool) -> list[np.ndarray]:
    """The person on the right comes in over the edge of the picture, or leaves over it; behind is a wall."""
    out = []
    for number, picture in enumerate(beside(left, right, first, frames)):
        away = round(WIDE * (1 - number / frames if comes else number / frames))
        moved = np.full((HIGH, WIDE, 3), (96, 88, 80), np.uint8)
        moved[:, away:] = picture[:, WIDE : 2 * WIDE - away]
        out.append(np.hstack([picture[:, :WIDE], moved]))
    return out


def head(footage: Footage, colour: tuple[int, int, int], frames: int, seed: int = 0) -> list[np.ndarray]:
    """A rendered head of one colour before a grey wall, that moves, talks and blinks."""
    size = 0.4 * HIGH
    shape = footage.shape - footage.shape.mean(0)
    rig = Rig(shape * size / np.ptp(shape[:, 0]))
    inner = len(mesh.FACE_OVAL) * 4 + mesh.LANDMARKS
    triangles = np.concatenate([rig.triangles[(rig.triangles < inner).all(1)], rig.eyes, rig.mouth])
    out = []
    for pose in sway(np.random.default_rng(seed), frames):
        picture = np.full((HIGH, WIDE, 3), 60, np.uint8)
        vertices = rig.turn(rig.bend(pose), pose) + [WIDE / 2, HIGH / 2, 0]
        draw_shaded(picture, np.full((HIGH, WIDE), np.inf, np.float32), vertices, triangles, colour)
        out.append(picture)
    return out


def grey(pictures: Pictures) -> list[np.ndarray]:
    """As a black-and-white camera takes them."""
    return [np.repeat(picture.mean(2, keepdims=True), 3, 2).astype(np.uint8) for picture in pictures]


def cross_fade(one: Pictures, two: Pictures, frames: int) -> Iterator[np.ndarray]:
    """Two shots, the end of one over the beginning of the other."""
    yield from one[:-frames]
    for k in range(frames):
        share = (k + 1) / (frames + 1)
        yield np.round((1 - share) * one[len(one) - frames + k] + share * two[k]).astype(np.uint8)
    yield from two[frames:]


def write(path: Path, pictures: Sequence[np.ndarray], sound: np.ndarray | None = None) -> Path:
    """A video with a sound (n,) at 16 kHz; default: tones that come and go."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if sound is None:
        time = np.arange(len(pictures) * SAMPLE_RATE // FPS) / SAMPLE_RATE
        sound = 0.2 * np.sin(2 * np.pi * 220 * time) * (np.sin(2 * np.pi * 1.3 * time) > 0)
    wav = path.with_suffix(".wav")
    soundfile.write(wav, sound, SAMPLE_RATE, subtype="PCM_16")
    with video_writer(path, pictures[0].shape[1], len(pictures[0]), wav) as put:
        for picture in pictures:
            put(np.ascontiguousarray(picture))
    wav.unlink()
    return path


def dv(source: Path, path: Path) -> Path:
    """The picture as DV keeps a wide one: 720 x 576 pixels that are 1.42 times as wide as high."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = media(source)["v:0"].filter("crop", "min(iw,ih*16/9)", "min(ih,iw*9/16)")
    picture = picture.filter("scale", 720, 576).filter("setsar", "64/45")
    run_ffmpeg(source, [picture, media(source)["a:0"]], path, vcodec="libx264", crf=18, acodec="aac")
    return path


def square(source: Path, path: Path) -> Path:
    """The same part of the picture in square pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = media(source)["v:0"].filter("crop", "min(iw,ih*16/9)", "min(ih,iw*9/16)").filter("scale", 1024, 576)
    run_ffmpeg(source, [picture, media(source)["a:0"]], path, vcodec="libx264", crf=18, acodec="aac")
    return path


def copied(source: Path, path: Path, *options: str | bytes) -> Path:
    """A file with the same streams and other things around them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ffmpeg("-i", f"file:{source}", "-map", "0:v", "-map", "0:a", "-c", "copy", *options, f"file:{path}")
    return path


def late(source: Path, path: Path, seconds: float) -> Path:
    """The same with its sound so much later."""
    path.parent.mkdir(parents=True, exist_ok=True)
    there = f"file:{source}"
    ffmpeg("-i", there, "-itsoffset", f"{seconds}", "-i", there, "-map", "0:v", "-map", "1:a", "-c", "copy", str(path))
    return path


def part(source: Path, path: Path, seconds: float) -> Path:
    """From so many seconds on, encoded again, coarser and quieter."""
    path.parent.mkdir(parents=True, exist_ok=True)
    coding = ["-crf", "30", "-preset", "ultrafast", "-filter:a", "volume=0.5", "-c:a", "aac", "-b:a", "48k"]
    ffmpeg("-ss", f"{seconds}", "-i", f"file:{source}", *coding, str(path))
    return path


def close_up(source: Path, path: Path, first: float, last: float) -> Path:
    """The person on the left alone between two moments, in seconds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pictures = []
    for number, picture in enumerate(read_frames(source)):
        if first <= number / FPS < last:
            half = picture[:, : picture.shape[1] // 2]
            picture = cv2.resize(half[60:250], (picture.shape[1], picture.shape[0]), interpolation=cv2.INTER_LINEAR)
        pictures.append(picture)
    silent = write(path.with_name("silent.mp4"), pictures)
    streams = [media(silent)["v:0"], media(source)["a:0"]]
    run_ffmpeg(source, streams, path, vcodec="copy", acodec="aac")
    silent.unlink()
    return path
