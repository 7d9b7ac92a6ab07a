"""The film of a live conversation, from what was noted of it, while it goes on and after.

- The video is as recordings in data/raw are: two people side by side, one sound. On the left is the person, on the
  right the listener as they saw it, 16 frames after what it answers to.
- The .npz is a faces file of the listener as shown, which `l2l export` reads; it also holds the person's face as
  `speaker` (T, 56) and `speaker_seen` (T,), and the `probability` (T, 2) that each of the two speaks.
- Both have a temporary name until they are whole.
"""

import contextlib
import os
import struct
import sys
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
import soundfile

from l2l.errors import ShownError
from l2l.faces.meshes import mesher_of
from l2l.faces.store import Faces, write_motion
from l2l.files import atomic, no_room, scratch
from l2l.pictures.face import SKIN, draw_face
from l2l.units import FPS, MODEL_DIM, PATCH, SAMPLE_RATE
from l2l.video.media import add_sound, video_writer

WIDTH, HEIGHT = 480, 480  # of each half
PICTURE, SOUND, ANSWER = 1, 2, 3  # what can be noted
_PAPER = 250
_WAITING = 100  # pictures that wait for their sound, at most
_HEAD = struct.Struct("<BdI")  # what it is, second or frame, bytes that follow
_PAUSE = 0.1  # seconds between two looks for more notes


def note(notes: BinaryIO, what: int, at: float, content: bytes) -> None:
    """Write one note. Unbuffered, so that whoever reads sees it at once."""
    notes.write(_HEAD.pack(what, at, len(content)) + content)


def shoot(notes: Path, out: Path, talk: Connection, basis: Path, like: Faces, first: int) -> None:
    """Make the film of a conversation; runs in a process of its own.

    `talk` says when there are no more notes, or breaks when the conversation's process is no more. Its answer is the
    list of files, or a ShownError. `first` is the frame of the session at which the film begins.
    """
    os.setsid()  # Ctrl-C in the terminal ends the conversation, not its film
    os.nice(5)
    cv2.setNumThreads(1)
    said: list[Path] | ShownError
    try:
        with open(notes, "rb") as file, _Film(out, basis, like, first) as film, ThreadPoolExecutor(1) as patient:
            # While the conversation goes on, only what it leaves of the machine is used.
            patient.submit(_follow, film, file, talk).result()
            film.take_all(file)
            said = film.finish()
    except (ShownError, OSError) as error:
        said = error if isinstance(error, ShownError) else no_room(error, out) or ShownError(f"{out}: {error}")
    with contextlib.suppress(OSError):
        talk.send(said)


def _follow(film: "_Film", notes: BinaryIO, talk: Connection) -> None:
    """Take notes as they come, until the conversation says that there are no more, or is no more itself."""
    if sys.platform == "linux":  # of this thread alone: once lowered, a priority cannot be raised again
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    while not talk.poll(_PAUSE):
        film.take_all(notes, lambda: talk.poll())


def _next(notes: BinaryIO) -> tuple[int, float, bytes] | None:
    """The next note: what it is, its time, its content. None where it is not yet written, or not all of it."""
    place = notes.tell()
    head = notes.read(_HEAD.size)
    if len(head) == _HEAD.size:
        what, at, size = _HEAD.unpack(head)
        content = notes.read(size)
        if len(content) == size:
            return what, at, content
    notes.seek(place)
    return None


class _Film(contextlib.ExitStack):
    """The two files, until they are whole."""

    def __init__(self, out: Path, basis: Path, like: Faces, first: int) -> None:
        super().__init__()
        self._out, self._like, self._first = out, like, first
        self._mesher = mesher_of(basis, like.neutral)
        folder = self.enter_context(scratch())
        self._video, self._wav = folder / "video.mp4", folder / "sound.wav"
        self._writing = self.enter_context(contextlib.ExitStack())
        self._write = self._writing.enter_context(video_writer(self._video, 2 * WIDTH, HEIGHT))
        self._sound = self._writing.enter_context(soundfile.SoundFile(self._wav, "w", SAMPLE_RATE, 1, "PCM_16"))
        self._pictures: deque[tuple[float, bytes]] = deque(maxlen=_WAITING)
        self._drawn: tuple[bytes, np.ndarray] = b"", np.full((HEIGHT, WIDTH, 3), _PAPER, np.uint8)
        self._shown = np.zeros((PATCH, MODEL_DIM), np.float32)  # what the person sees during the next patch
        self._listener: list[np.ndarray] = []
        self._answered: list[np.ndarray] = []  # (8, 58) the person's face, whether it was seen, whether they speak

    def take_all(self, notes: BinaryIO, enough: Callable[[], bool] = lambda: False) -> None:
        """All notes that are there, or some, until it is `enough`."""
        while not enough() and (found := _next(notes)):
            self._take(*found)

    def _take(self, what: int, at: float, content: bytes) -> None:
        if what == PICTURE:
            self._pictures.append((at, content))
        elif what == SOUND:
            self._sound.write(np.frombuffer(content, "<i2"))
        elif what == ANSWER:
            self._answer(round(at), np.frombuffer(content, "<f4").reshape(PATCH, -1))

    def _answer(self, frame: int, columns: np.ndarray) -> None:
        """The frames in which the person did what it answers to are written."""
        first = frame + PATCH
        if first >= self._first:
            meshes = self._mesher.vertices(self._shown)  # (8, V, 3)
            for number in range(PATCH):
                canvas = np.full((HEIGHT, 2 * WIDTH, 3), _PAPER, np.uint8)
                canvas[:, :WIDTH] = self._picture((first + number) / FPS)
                draw_face(canvas[:, WIDTH:], self._mesher, meshes[number], SKIN)
                self._write(canvas)
            self._listener.append(self._shown)
            self._answered.append(columns[:, MODEL_DIM:])
        self._shown = columns[:, :MODEL_DIM]

    def _picture(self, at: float) -> np.ndarray:
        """The newest picture that is not younger."""
        while len(self._pictures) > 1 and self._pictures[1][0] <= at:
            self._pictures.popleft()
        if self._pictures and (jpeg := self._pictures[0][1]) is not self._drawn[0]:
            picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR_RGB)
            self._drawn = jpeg, self._drawn[1] if picture is None else _fitted(picture)
        return self._drawn[1]

    def finish(self) -> list[Path]:
        """The files; none when there was not even one patch."""
        self._writing.close()
        if not self._answered:
            return []
        with atomic(self._out) as partial:
            add_sound(self._video, self._wav, partial)
        speaker, seen, speaks = np.split(np.concatenate(self._answered), [MODEL_DIM, MODEL_DIM + 1], axis=1)
        motion, numbers = np.concatenate(self._listener), self._out.with_suffix(".npz")
        like = replace(self._like, segment=np.zeros(len(motion), np.int32))
        probability = np.concatenate([speaks, np.zeros_like(speaks)], 1)
        about = {"speaker": speaker, "speaker_seen": seen[:, 0] > 0}
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
