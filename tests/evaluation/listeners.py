"""A set whose listener truly depends on the speaker, and two that claim to listen: one knows the rule, one is deaf."""

from collections.abc import Callable, Iterator

import numpy as np
from scipy.ndimage import gaussian_filter1d

from l2l.asking import SpeakerInput
from l2l.dataset.layout import Chunks

LAG = 6  # frames from the speaker's motion to the listener's
WINDOW, FIRST = 64, 32
_RULE = np.random.default_rng(5).standard_normal((56, 56)) / np.sqrt(56)


def process(rng: np.random.Generator, frames: int, channels: int, seconds: float = 0.25) -> np.ndarray:
    """(T, C) smooth noise of variance 1."""
    x = gaussian_filter1d(rng.standard_normal((frames + 200, channels)), seconds * 30, axis=0)[100:-100]
    return x / x.std(0)


def people(recordings: int, windows: int, seed: int) -> Chunks:
    """The listener is a fixed rule of what the speaker did `LAG` frames ago, and as much of their own."""
    parts: list[list[np.ndarray]] = [[], [], [], []]
    for number in range(recordings):
        rng = np.random.default_rng([seed, number])
        frames = WINDOW + 32 * (windows - 1)
        x = process(rng, LAG + frames, 56)
        speaker = np.zeros((frames, 184), np.float32)
        listener = speaker.copy()
        speaker[:, :56] = x[LAG:]
        listener[:, :56] = 0.5 + x[:-LAG] @ _RULE + process(rng, frames, 56)
        sound = np.repeat(np.abs(x[LAG:, :1]), 4, 0) * rng.uniform(0.5, 1, 128)
        for start in range(0, frames - WINDOW + 1, 32):
            at = slice(start, start + WINDOW)
            parts[0].append(listener[at])
            parts[1].append(speaker[at])
            parts[2].append(sound[4 * at.start : 4 * at.stop].astype(np.float32))
            parts[3].append(np.array([[f"r{number}", "left", str(frame)] for frame in range(at.start, at.stop)]))
    return Chunks(*map(np.stack, parts))


class Oracle:
    """Knows the rule, and adds motion of its own as the listener does."""

    error, context = "l2", "clip"

    def __init__(self, chunks: Chunks, samples: int) -> None:
        self.chunks, self.count, self.draws = chunks, samples, 0

    def own(self) -> np.ndarray:
        self.draws += 1  # new motion each time it is asked
        rng = np.random.default_rng([9, self.draws])
        shape = (self.count, len(self.chunks), WINDOW - FIRST, 56)
        x = process(rng, shape[2], self.count * len(self.chunks) * 56).reshape(shape[2], shape[0], shape[1], 56)
        return 0.3 * x.transpose(1, 2, 0, 3)

    def samples(self, speakers: Callable[[slice], SpeakerInput]) -> Iterator[np.ndarray]:
        yield self.answered(speakers(slice(0, len(self.chunks))))

    def answered(self, speaker: SpeakerInput) -> np.ndarray:
        return 0.5 + speaker.faces[None, :, FIRST - LAG : WINDOW - LAG] @ _RULE + self.own()

    def errors(self, speaker: SpeakerInput) -> np.ndarray:
        truth = self.chunks.listener[:, FIRST:, :56]
        return np.linalg.norm(self.answered(speaker) - truth, axis=-1).mean((0, 2))

    def errors_without(self) -> None:
        """It always hears a speaker."""


class TalkingHead(Oracle):
    """Moves exactly as the listeners of the set do, each time another's window, and never hears the speaker."""

    def answered(self, speaker: SpeakerInput) -> np.ndarray:
        self.draws += 1
        rng = np.random.default_rng(self.draws)
        return np.stack([rng.permutation(self.chunks.listener[:, FIRST:, :56]) for _ in range(self.count)])
