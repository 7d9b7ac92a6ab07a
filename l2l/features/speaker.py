"""What of a speaker a listener may answer, as a few numbers a frame: voice, pauses, expression.

- Few and meaningful on purpose: with all 184 channels a model learns its training speakers by heart when there are only
  minutes of them.
- Causal, with a memory: a live listener and a whole recording give the same numbers. `Memory` is all that changes.
- Loudness lies between a floor and a ceiling that follow the voice, so that the microphone's level does not matter.
- To add a feature: write it in `_follow`, count it in `count`, and put it into its `groups`. Validation chooses one.
- Not in the paper, whose predictor takes the speaker's motion and mel as they are (section 3.3).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from l2l.compiled import compiled
from l2l.dataset.layout import EXPRESSION

COMPONENTS = 2  # principal components of the expression
FAST, SLOW, CHANGE = 3, 60, 6  # frames: smoothing of a component, slow smoothing, and the distance of its change
SILENCES = np.log([1.5, 3, 5, 8, 12, 18, 30, 60])  # frames since speech; centres of hat functions, on a log scale
LONG_AGO = 60.0  # frames since speech at the start: before the first word, silence has lasted for long
LEAST_RANGE = 1.5  # of loudness, in nats: less is no voice
SPEAKS, STOPS = 0.55, 0.4  # shares of the range: speech begins above the first and ends below the second
SEEN, NEVER = 0.02, 1e9  # a smaller std in training is none; what such a feature is divided by
LIMIT = 4.0  # stds; beyond, a feature is cut off

_VOICE = 3  # features of the voice: now, and smoothed twice
_FIRST = 6  # numbers in the memory before those of the components


def count() -> int:
    """Features a frame, F."""
    return _VOICE + len(SILENCES) + 3 * COMPONENTS


def groups() -> dict[str, list[int]]:
    """Which features belong together: a listener may answer all of them, or one kind alone."""
    voice = _VOICE + len(SILENCES)
    return {
        "voice and expression": list(range(count())),
        "voice": list(range(voice)),
        "expression": list(range(voice, count())),
    }


def shapes() -> dict[str, tuple[int, ...]]:
    """Of the arrays of `SpeakerFeatures`."""
    return {"mean": (50,), "components": (50, COMPONENTS), "centre": (count(),), "scale": (count(),)}


@dataclass
class Memory:
    """All that is remembered from frame to frame of some speakers."""

    numbers: np.ndarray  # (B, M), NaN before the first frame


def begin(speakers: int) -> Memory:
    """Before the first frame."""
    return Memory(np.full((speakers, _FIRST + (1 + 1 + CHANGE) * COMPONENTS), np.nan))


def loudness(sound: np.ndarray) -> np.ndarray:
    """Sound (..., T, 128), one row a frame, -> (..., T) float64: all that is heard of it."""
    return sound.mean(-1, dtype=np.float64)


@dataclass(frozen=True)
class SpeakerFeatures:
    """How the features of a speaker are made, fitted to the speakers of training."""

    mean: np.ndarray  # (50,) of the expression
    components: np.ndarray  # (50, COMPONENTS) directions of the expression
    centre: np.ndarray  # (F,)
    scale: np.ndarray  # (F,)

    @classmethod
    def fit(cls, heard: Callable[[], Iterable[tuple[np.ndarray, np.ndarray, np.ndarray]]]) -> "SpeakerFeatures":
        """From faces (T, 56), raw, loudness (T,) and which frames count (T,) of each training sequence.

        They are asked for twice, one after another, and never in memory together.
        """
        mean, covariance = _moments(faces[counted][:, EXPRESSION] for faces, _, counted in heard())
        _, directions = np.linalg.eigh(covariance)  # of increasing variance
        plain = cls(mean, directions[:, ::-1][:, :COMPONENTS].copy(), np.zeros(count()), np.ones(count()))
        centre, covariance = _moments(
            plain._raw(faces[None], loud[None], begin(1))[0][counted] for faces, loud, counted in heard()
        )
        # What hardly ever changed in training says nothing, also when it does change: a silence longer than any there.
        spread = np.sqrt(np.maximum(np.diag(covariance), 0))
        return cls(mean, plain.components, centre, np.where(spread < SEEN, NEVER, spread))

    def __call__(self, faces: np.ndarray, sound: np.ndarray, memory: Memory | None = None) -> np.ndarray:
        """Faces (B, T, 56), raw, and sound (B, T, 128) -> (B, T, F) float32, of mean 0 and std 1 in training.

        With `memory`, these frames follow those of the last call; it goes on in place.
        """
        return self.of(faces, loudness(sound), memory)

    def of(self, faces: np.ndarray, loud: np.ndarray, memory: Memory | None = None) -> np.ndarray:
        """The same of faces (B, T, 56) and loudness (B, T)."""
        found = self._raw(faces, loud, memory or begin(len(faces)))
        return np.clip((found - self.centre) / self.scale, -LIMIT, LIMIT).astype(np.float32)

    def _raw(self, faces: np.ndarray, loud: np.ndarray, memory: Memory) -> np.ndarray:
        shown = (faces[..., EXPRESSION].astype(np.float64) - self.mean) @ self.components  # (B, T, COMPONENTS)
        found = np.zeros((*loud.shape, count()))
        for b in range(len(loud)):
            _follow(loud[b], shown[b], memory.numbers[b], found[b])
        return found


def _moments(parts: Iterable[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Mean (C,) and covariance (C, C) of all rows of parts (T, C), ddof 0."""
    number, total, products = 0, np.zeros(()), np.zeros(())
    for part in parts:
        rows = part.astype(np.float64)
        number, total, products = number + len(rows), total + rows.sum(0), products + rows.T @ rows
    mean = total / number
    return mean, products / number - mean[:, None] * mean


@compiled
def _follow(loud: np.ndarray, shown: np.ndarray, memory: np.ndarray, out: np.ndarray) -> None:
    """Features `out` (T, F) of loudness `loud` (T,) and components (T, C); `memory` (M,) goes on in place."""
    components = shown.shape[1]
    fast, slow = _FIRST, _FIRST + components
    past = slow + components  # the last CHANGE smoothed values of each component, the oldest first
    for t in range(len(loud)):
        now = loud[t]
        if np.isnan(memory[0]):
            memory[0], memory[1], memory[2], memory[3], memory[4], memory[5] = now, now, 0.0, 0.0, 0.0, LONG_AGO
            for c in range(components):
                memory[fast + c] = shown[t, c]
                memory[slow + c] = shown[t, c]
                for k in range(CHANGE):
                    memory[past + k * components + c] = shown[t, c]
        # The floor rises slowly and falls fast, the ceiling the other way round.
        memory[0] += (1 - np.exp(-1 / (240.0 if now > memory[0] else 6.0))) * (now - memory[0])
        memory[1] += (1 - np.exp(-1 / (3.0 if now > memory[1] else 240.0))) * (now - memory[1])
        voice = (now - memory[0]) / max(memory[1] - memory[0], LEAST_RANGE)
        voice = min(max(voice, -0.5), 1.5)
        memory[2] += (1 - np.exp(-1 / 3.0)) * (voice - memory[2])
        memory[3] += (1 - np.exp(-1 / 15.0)) * (voice - memory[3])
        memory[4] = 1.0 if voice > (STOPS if memory[4] else SPEAKS) else 0.0
        memory[5] = 0.0 if memory[4] else memory[5] + 1
        out[t, 0], out[t, 1], out[t, 2] = voice, memory[2], memory[3]
        if memory[5] > 0:
            place = np.interp(np.log(memory[5]), SILENCES, np.arange(len(SILENCES)))
            for k in range(len(SILENCES)):
                out[t, 3 + k] = max(0.0, 1 - abs(place - k))
        first = 3 + len(SILENCES)
        for c in range(components):
            memory[fast + c] += (1 - np.exp(-1 / FAST)) * (shown[t, c] - memory[fast + c])
            memory[slow + c] += (1 - np.exp(-1 / SLOW)) * (shown[t, c] - memory[slow + c])
            out[t, first + c] = memory[fast + c]
            out[t, first + components + c] = memory[slow + c]
            out[t, first + 2 * components + c] = memory[fast + c] - memory[past + c]
            for k in range(CHANGE - 1):
                memory[past + k * components + c] = memory[past + (k + 1) * components + c]
            memory[past + (CHANGE - 1) * components + c] = memory[fast + c]
