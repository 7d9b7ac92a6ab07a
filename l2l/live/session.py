"""A conversation with a trained listener: pictures and sound of a person in, the listener's motion out.

    session = l2l.Session.load("results/alice")
    session.see(picture, at)    # RGB (H, W, 3) uint8, and the seconds since the session began
    session.hear(sound)         # float32 at 16 kHz, mono; it goes on where the last sound ended
    for answer in session.answers():
        robot.move(answer.motion)

- Sound is the clock: a patch of 8 frames (267 ms) is answered when 52 ms more of sound are there, and a picture as new
  as its last frame. Where no such picture comes within `PATIENCE`, the last face seen stays.
- What comes out belongs to the 8 frames before the patch: the listener needs to look ahead (`l2l.Listener`).
- The same pictures, times and sound from the same seed give the same listener. Nothing is written to a disk.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from l2l.config import Settings
from l2l.errors import UserError
from l2l.faces.store import basis_of
from l2l.live.face import LiveFace
from l2l.live.sound import LiveSound
from l2l.patches.live import Listener
from l2l.units import FPS, PATCH, SAMPLE_RATE

PATIENCE = 0.15  # seconds of sound that a picture may be late


@dataclass(frozen=True)
class Answer:
    """What the listener does, and what it answers to."""

    frame: int  # of the session, of the first of `motion`; the first answer leads in, at frame -8
    motion: np.ndarray  # (8, 56) the listener
    speaker: np.ndarray  # (8, 56) the person's face, of 8 frames later
    seen: np.ndarray  # (8,) bool: their face was seen
    speaks: np.ndarray  # (8,) probability that they speak


class Session:
    """One conversation. It has no thread and no clock of its own: what it is given decides what it does."""

    def __init__(self, listener: Listener, basis: Path, settings: Settings) -> None:
        self._listener, self._basis, self._settings = listener, basis, settings
        self.reset()

    @classmethod
    def load(
        cls,
        folder: str | Path,
        seed: int = 0,
        person: str | None = None,
        settings: Settings | None = None,
    ) -> "Session":
        """From a person's results. `person` says who listens, where the models know several.

        `settings` are those that the recordings were measured with; None: the defaults. Raises UserError when models
        or face_basis.npz are missing.
        """
        folder = Path(folder)
        listener = Listener.load(folder, seed, person=person)
        return cls(listener, basis_of(folder, person), settings or Settings())

    def reset(self, seed: int | None = None) -> None:
        """Begin again from nothing, with another seed if one is given."""
        self._listener.reset(seed)
        self._sound, self._face = LiveSound(self._settings.mel), LiveFace(self._basis, self._settings)
        self._patches = 0

    def warm(self) -> None:
        """Compile and load what the first answers need, so that they come in time; then begin again."""
        for patch in range(2):
            self.see(np.full((PATCH, PATCH, 3), 128, np.uint8), patch * PATCH / FPS)
            self.hear(np.zeros(PATCH * SAMPLE_RATE // FPS + SAMPLE_RATE // 4, np.float32))
            list(self.answers())
        self.reset()

    @property
    def seconds(self) -> float:
        """The sound so far."""
        return self._sound.samples / SAMPLE_RATE

    @property
    def landmarks(self) -> np.ndarray | None:
        """(468, 3) pixels of the face in the newest picture; None where there is none."""
        return self._face.last_found

    def see(self, picture: np.ndarray, at: float) -> None:
        """A picture, RGB (H, W, 3) uint8, taken `at` seconds after the session began. Older ones than the last are
        left out."""
        if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
            raise UserError(f"Session.see: the picture is {picture.shape} {picture.dtype}, expected (H, W, 3) uint8.")
        self._face.add(picture, at)

    def hear(self, sound: np.ndarray) -> None:
        """The next samples (n,), float32 from -1 to 1, 16 kHz, mono."""
        if sound.ndim != 1 or not np.isfinite(sound).all():
            raise UserError(f"Session.hear: the sound is {sound.shape}, expected (n,) finite numbers, mono.")
        self._sound.add(sound)

    def answers(self) -> Iterator[Answer]:
        """The patches that are complete now, in order."""
        while True:
            first, last = self._patches * PATCH, (self._patches + 1) * PATCH
            late = self.seconds - last / FPS > PATIENCE
            if self._sound.frames < last or not (late or self._face.until >= (last - 1) / FPS):
                return
            faces, seen = self._face.patch(np.arange(first, last) / FPS)
            motion = self._listener.step(faces, self._sound.rows(first, last))
            self._patches += 1
            yield Answer(first - PATCH, motion, faces, seen, self._sound.speaks(first, last))
