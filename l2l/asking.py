"""A model asked again: what would it have predicted if it had heard another speaker?

- `Model` is all that the evaluation knows of a model. Any model that predicts a listener from a speaker can offer it.
- The listener, and what the model is given of the listener's past, stay the same; only the speaker changes.
- A clip is a piece of a conversation. A model may be given what came before it, of the listener and of any speaker:
  `SpeakerInput.origin` says where that is.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np

from l2l.features.sound import frame_sound
from l2l.features.standardize import Standardizer


@dataclass(frozen=True)
class SpeakerInput:
    """What one person did and said in N clips; sound is read when it is needed."""

    faces: np.ndarray  # (N, T, 56) raw
    origin: np.ndarray  # (N, 2) int: which of the known clips each begins in, and at which frame of it
    read_audio: Callable[[], np.ndarray]
    # These two save time where the results are known already; without them they are made of the audio.
    read_sound: Callable[[bool], np.ndarray] | None = None
    read_loudest: Callable[[], np.ndarray] | None = None

    @cached_property
    def audio(self) -> np.ndarray:
        """(N, 4 T, 128)."""
        return self.read_audio()

    def sound(self, power: bool) -> np.ndarray:
        """(N, T, 128) one row a frame, see `l2l.features.sound`."""
        return self.read_sound(power) if self.read_sound else frame_sound(self.audio, power)

    @property
    def loudest(self) -> np.ndarray:
        """(N, 128) maximum of the rows over time."""
        return self.read_loudest() if self.read_loudest else self.audio.max(1)


class Model(Protocol):
    """A model of the listener of N known clips."""

    error: str  # what `errors` measures, e.g. "nll"
    context: str  # what came before that `errors` is given: "clip", the clip alone; "sequence", clips that follow one
    # another; "conversation", all of it

    def samples(self, speakers: Callable[[slice], SpeakerInput]) -> Iterator[np.ndarray]:
        """Futures of the predicted frames, raw units, given the speakers of clips, part by part: (S, n, T, 56) each."""

    def errors(self, speaker: SpeakerInput) -> np.ndarray:
        """How wrong the model is about the true listener of each clip, (N,), positive, given this speaker."""

    def errors_without(self) -> np.ndarray | None:
        """The same, (N,), of the model without a speaker; None when it has no such part."""

    def random_codes(self, samples: int) -> Iterator[np.ndarray]:
        """What the decoder makes of codes drawn evenly: parts (S, n, T, 56) of the predicted frames, raw units."""


class CodeUse(NamedTuple):
    """How often a codebook uses its codes for the true motion of a test set."""

    codebook: str  # which one: sha256 of its weights
    standardizer: Standardizer  # of the motion that the codebook encodes
    block: int  # frames that one code stands for
    counts: dict[str, np.ndarray]  # (K,) of each set of codes, by its name
