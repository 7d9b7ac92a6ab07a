"""A live conversation as a recording: `live_<date>.mp4` and what was measured in `live_<date>.npz`.

- The video is as recordings in data/raw are: two people side by side, one sound. On the left is the person, on the
  right the listener as they saw it, 16 frames after what it answers to.
- The .npz is a faces file of the listener as shown, which `l2l export` reads; it also holds the person's face as
  `speaker` (T, 56) and `speaker_seen` (T,), and the `probability` (T, 2) that each of the two speaks.
- It is written while the conversation goes on, under a temporary name until it is closed.
"""

import contextlib
from collections import deque
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import cv2
import numpy as np
import soundfile

from l2l.faces.meshes import Mesher
from l2l.faces.store import Faces
from l2l.files import atomic, scratch
from l2l.live.session import Answer
from l2l.pictures.face import SKIN, draw_face
from l2l.pictures.listen import write_motion
from l2l.units import FPS, MODEL_DIM, PATCH, SAMPLE_RATE
from l2l.video.media import add_sound, video_writer

WIDTH, HEIGHT = 480, 480  # of each half
_PAPER = 250
_WAITING = 100  # pictures that wait for their sound, at most; each takes 0.7 MB


class Recorder:
    """Writes one recording, from the moment it is made to `close`."""

    def __init__(self, folder: Path, mesher: Mesher, like: Faces, second: float) -> None:
        """`like` is the listener at rest; `second` of the session is the beginning."""
        self._mesher, self._like = mesher, like
        self._first = -(-round(second * FPS) // PATCH) * PATCH  # frame of the session: the next patch
        self._skip = round((self._first / FPS - second) * SAMPLE_RATE)  # samples until then
        folder.mkdir(parents=True, exist_ok=True)
        self._out = _free(folder / f"live_{datetime.now():%Y%m%d_%H%M%S}.mp4")
        self._open = contextlib.ExitStack()
        folder = self._open.enter_context(scratch())
        self._video, self._wav = folder / "video.mp4", folder / "sound.wav"
        self._writing = contextlib.ExitStack()
        self._write = self._writing.enter_context(video_writer(self._video, 2 * WIDTH, HEIGHT))
        self._sound = self._writing.enter_context(soundfile.SoundFile(self._wav, "w", SAMPLE_RATE, 1, "PCM_16"))
        self._pictures: deque[tuple[float, np.ndarray]] = deque(maxlen=_WAITING)
        self._shown = np.zeros((PATCH, MODEL_DIM), np.float32)  # what the person sees during the next patch
        self._listener: list[np.ndarray] = []
        self._answered: list[Answer] = []

    def see(self, picture: np.ndarray, at: float) -> None:
        """The next picture, RGB, taken at this second of the session."""
        self._pictures.append((at, _fitted(picture)))

    def hear(self, sound: np.ndarray) -> None:
        """The next samples."""
        self._sound.write(sound[self._skip :])
        self._skip = max(0, self._skip - len(sound))

    def answer(self, answer: Answer) -> None:
        """The next patch: the frames in which the person did what it answers to are written."""
        first = answer.frame + PATCH
        if first >= self._first:
            for number in range(PATCH):
                canvas = np.full((HEIGHT, 2 * WIDTH, 3), _PAPER, np.uint8)
                canvas[:, :WIDTH] = self._picture((first + number) / FPS)
                draw_face(canvas[:, WIDTH:], self._mesher, self._shown[number], SKIN)
                self._write(canvas)
            self._listener.append(self._shown)
            self._answered.append(answer)
        self._shown = answer.motion

    def _picture(self, at: float) -> np.ndarray:
        """The newest picture that is not younger."""
        while len(self._pictures) > 1 and self._pictures[1][0] <= at:
            self._pictures.popleft()
        return self._pictures[0][1] if self._pictures else np.full((HEIGHT, WIDTH, 3), _PAPER, np.uint8)

    def close(self) -> list[Path]:
        """Finish; returns the files, none when not even one patch was recorded."""
        with self._open:
            self._writing.close()
            if not self._answered:
                return []
            with atomic(self._out) as partial:
                add_sound(self._video, self._wav, partial)
            joined = {
                name: np.concatenate([getattr(one, name) for one in self._answered])
                for name in ("speaker", "seen", "speaks")
            }
            probability = np.column_stack([joined["speaks"], np.zeros(len(joined["speaks"]))])
            about = {"speaker": joined["speaker"], "speaker_seen": joined["seen"]}
            numbers = self._out.with_suffix(".npz")
            motion = np.concatenate(self._listener)
            like = replace(self._like, segment=np.zeros(len(motion), np.int32))
            write_motion(numbers, motion, like, probability, **about)
            return [self._out, numbers]


def _fitted(picture: np.ndarray) -> np.ndarray:
    """The middle of a picture, as large as a half."""
    height, width = picture.shape[:2]
    side = min(height, width * HEIGHT // WIDTH)
    across = min(width, side * WIDTH // HEIGHT)
    top, left = (height - side) // 2, (width - across) // 2
    cut = np.ascontiguousarray(picture[top : top + side, left : left + across])
    return cv2.resize(cut, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)


def _free(path: Path) -> Path:
    """A name that is not taken."""
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_stem(f"{path.stem}_{number}")
    return free
