"""Small recordings for tests, made with the same ffmpeg that the program uses."""

import subprocess
from pathlib import Path

import numpy as np

from l2l.video.media import ffmpeg_path


def ffmpeg(*arguments: str | bytes) -> None:
    subprocess.run([ffmpeg_path(), "-nostdin", "-loglevel", "error", "-y", *arguments], check=True)


def noise_video(
    path: Path,
    seconds: float = 2.0,
    rate: str = "30",
    size: str = "320x240",
    sound: float | None = None,
    *extra: str | bytes,
) -> Path:
    """A moving test picture; `sound` is the length of a tone in seconds (None: as long as the picture, 0: none)."""
    inputs = ["-f", "lavfi", "-i", f"testsrc2=size={size}:rate={rate}:duration={seconds}"]
    length = seconds if sound is None else sound
    if length:
        inputs += ["-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=44100:duration={length}"]
    ffmpeg(*inputs, "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", *extra, str(path))
    return path


def face_photo(height: int) -> np.ndarray:
    """A public-domain portrait, RGB, its lines scaled to `height`."""
    import cv2
    import skimage.data

    photo = skimage.data.astronaut()[:300, 60:400]
    return cv2.resize(photo, (round(height * photo.shape[1] / photo.shape[0]), height), interpolation=cv2.INTER_AREA)
