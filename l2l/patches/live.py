"""The real-time listener: 8 frames of speaker in, 8 frames of listener out, for as long as one likes.

    listener = l2l.Listener.load("results/alice", seed=0)
    motion = listener.step(faces, audio)  # (8, 56) and (32, 128) -> (8, 56), every 267 ms

- What comes out belongs to the 8 frames before those that went in: `Listener.look_ahead`. `flush` gives the last ones.
- The same inputs from the same seed give the same listener, live or offline (`sample_sequences`), up to rounding.
- Several listeners, each with its own speaker, go on together: `count`. They do not change each other.
"""

import copy
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from l2l.errors import UserError
from l2l.patches.checkpoint import Models, load_models
from l2l.patches.overlap_add import LOOK_AHEAD
from l2l.patches.stream import Sampling, Stream, StreamState
from l2l.units import AUDIO_PER_FRAME, MEL_BANDS, MODEL_DIM, PATCH


class Listener:
    """Listeners of one person's model. Their whole state is `state`: it can be kept, copied and put back."""

    look_ahead = LOOK_AHEAD  # frames that the output is behind the input

    def __init__(
        self,
        models: Models,
        seed: int = 0,
        count: int | None = None,
        sampling: Sampling | None = None,
        person: str | None = None,
    ) -> None:
        """`count` listeners in one batch; None: one, whose arrays have no batch axis. `person`: who listens, for models
        of several people."""
        self._models, self._seed, self._count, self._sampling = models, seed, count, sampling
        self._who = _number(models.people, person)
        self._stream = self._begin()

    @classmethod
    def load(
        cls,
        folder: str | Path,
        seed: int = 0,
        count: int | None = None,
        sampling: Sampling | None = None,
        person: str | None = None,
    ) -> "Listener":
        """From `codebook.pt` and `predictor.pt` in a person's results. Raises UserError when they are not there, are of
        architecture windows, which cannot stream, or are of several people and `person` is none of them."""
        models = load_models(Path(folder) / "codebook.pt", Path(folder) / "predictor.pt")
        return cls(models, seed, count, sampling, person)

    def _begin(self) -> Stream:
        count = self._count or 1
        who = None if self._who is None else [self._who] * count
        return Stream(self._models, [(self._seed, 0, number) for number in range(count)], self._sampling, who)

    def reset(self, seed: int | None = None) -> None:
        """Begin again from nothing, with another seed if one is given."""
        self._seed = self._seed if seed is None else seed
        self._stream = self._begin()

    def step(self, faces: np.ndarray, audio: np.ndarray) -> np.ndarray:
        """The next patch: speaker's faces (8, 56) and mel rows (32, 128) -> listener (8, 56), raw units.

        With `count`, all three have a batch axis in front. The first call returns the frames that lead into the
        conversation. Raises UserError for other shapes, or numbers that are not finite.
        """
        batch = () if self._count is None else (self._count,)
        shapes = (*batch, PATCH, MODEL_DIM), (*batch, PATCH * AUDIO_PER_FRAME, MEL_BANDS)
        for name, array, shape in zip(("faces", "audio"), (faces, audio), shapes, strict=True):
            if np.shape(array) != shape:
                raise UserError(f"Listener.step: {name} have shape {np.shape(array)}, expected {shape}.")
            if not np.isfinite(array).all():
                raise UserError(f"Listener.step: {name} hold NaN or infinity; leave such patches out, or repeat one.")
        motion = self._stream.step(
            np.asarray(faces, np.float32).reshape(-1, *shapes[0][-2:]),
            np.asarray(audio, np.float32).reshape(-1, *shapes[1][-2:]),
        )
        return motion.reshape(shapes[0])

    def flush(self) -> np.ndarray:
        """The listener's last 8 frames, when no speaker follows; the state stays as it is."""
        motion = self._stream.flush()
        return motion[0] if self._count is None else motion

    @property
    def state(self) -> StreamState:
        """A copy of all that changes from step to step."""
        return copy.deepcopy(self._stream.state)

    @state.setter
    def state(self, state: StreamState) -> None:
        self._stream.state = copy.deepcopy(state)


def _number(people: Sequence[str], person: str | None) -> int | None:
    """The number of `person`. Raises UserError when the models are of several people and not of this one."""
    if not people:
        return None
    if person not in people:
        raise UserError(f"these models are of several people; say who listens: {', '.join(people)}.")
    return people.index(person)
