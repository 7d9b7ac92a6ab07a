"""A live conversation as a recording: `live_<date>.mp4` and what was measured in `live_<date>.npz`.

- The conversation must not wait for its film. So it only notes what it sends and gets in one growing file, pictures as
  the page sent them. A process of its own draws and encodes that with what is left of the machine (`film.py`).
- Where the machine has no time for both, the film is ready some time after the recording has ended. Whatever ends the
  conversation, the film is finished.
"""

import contextlib
import multiprocessing
from datetime import datetime
from pathlib import Path

import numpy as np

from l2l.errors import ShownError, TemporaryError
from l2l.faces.store import Faces
from l2l.files import scratch
from l2l.live.session import Answer
from l2l.units import FPS, PATCH, SAMPLE_RATE
from l2l.web.film import ANSWER, PICTURE, SOUND, note, shoot


class Recorder:
    """Notes one conversation, from the moment it is made to `end`."""

    def __init__(self, folder: Path, basis: Path, like: Faces, second: float) -> None:
        """`basis` and `like`, the listener at rest, say how to draw; `second` of the session is the beginning."""
        folder.mkdir(parents=True, exist_ok=True)
        out = _free(folder / f"live_{datetime.now():%Y%m%d_%H%M%S}.mp4")
        self._open = contextlib.ExitStack()
        notes = self._open.enter_context(scratch()) / "notes"
        self._notes = self._open.enter_context(notes.open("wb", buffering=0))
        first = -(-round(second * FPS) // PATCH) * PATCH  # frame of the session: the next patch
        self._skip = round((first / FPS - second) * SAMPLE_RATE)  # samples until then
        processes = multiprocessing.get_context("spawn")
        self._said, theirs = processes.Pipe()
        self._process = processes.Process(target=shoot, args=(notes, out, theirs, basis, like, first))
        self._process.start()
        theirs.close()

    def see(self, jpeg: bytes, at: float) -> None:
        """The next picture, taken at this second of the session."""
        note(self._notes, PICTURE, at, jpeg)

    def hear(self, sound: np.ndarray) -> None:
        """The next samples, float32."""
        samples = np.clip(np.round(32768 * sound[self._skip :]), -32768, 32767).astype("<i2")  # as the page sent them
        self._skip = max(0, self._skip - len(sound))
        note(self._notes, SOUND, 0.0, samples.tobytes())

    def answer(self, answer: Answer) -> None:
        """The next patch."""
        columns = np.column_stack([answer.motion, answer.speaker, answer.seen, answer.speaks])  # (8, 114)
        note(self._notes, ANSWER, float(answer.frame), columns.astype("<f4").tobytes())

    @property
    def over(self) -> bool:
        """Whether the film has ended by itself, for it cannot be written: `saved` says why."""
        return self._said.poll()

    def end(self) -> None:
        """There is no more; does not wait."""
        with contextlib.suppress(OSError):  # it is over already
            self._said.send(None)

    def saved(self) -> list[Path]:
        """Wait for the film: its files, none when not even one patch was recorded. Raises ShownError."""
        try:
            with self._open:
                found = self._said.recv()
                self._process.join()
        except (EOFError, OSError):
            found = TemporaryError("the recording was lost: the process that wrote it was killed.")
        if isinstance(found, ShownError):
            raise found
        return found


def _free(path: Path) -> Path:
    """A name that is not taken."""
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_stem(f"{path.stem}_{number}")
    return free
