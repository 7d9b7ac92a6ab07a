"""Made-up conversations: `benchmarks.dyads` in turns, with the listener's own, and with silences of many seconds.

- In the other's turns and in silences the listener is that of `benchmarks.dyads`. The end of a turn is a pause too.
- In own turns mouth, jaw and head also move as those of one who speaks.
- After a fifth of the pauses nobody speaks for 3 to 12 s more; then the other goes on, or the listener takes over.
- Training data of two kinds come from the same recordings: windows of turns with whole conversations beside them, or
  the windows alone. Both are tested on pure listening (`speak`, `listen`), and by their nats on other conversations.
"""

from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter1d

from benchmarks import dyads
from benchmarks.dyads import LATENTS, PITCH, Speaker, axes, listen, mel, smiling, smooth_noise, speak, syllables
from l2l import config
from l2l.dataset.conversations import Both, Person, Source, Stretch, new_conversations, write_conversations
from l2l.dataset.layout import EXPRESSION, JAW, WINDOW
from l2l.dataset.turns import find_turns, has_floor, windows
from l2l.dataset.writer import Listening, write_dataset
from l2l.units import AUDIO_PER_FRAME, FPS, MODEL_DIM

__all__ = ["Talk", "listen", "speak", "talk", "write"]

TURN, OWN, GAP = (6.0, 20.0), (4.0, 14.0), (0.2, 1.0)  # seconds: of the other's turns, of own ones, before own ones
LONG_PAUSES = 0.2  # share of the pauses
SECONDS = 120.0  # of a training recording: about a minute of listening


class Talk(NamedTuple):
    """A conversation of T frames."""

    speaker: Speaker
    motion: np.ndarray  # (T, 56) of the listener
    audio: np.ndarray  # (4 T, 128) mel power of the listener
    floor: np.ndarray  # (T, 2) bool: the listener has the floor, the speaker has it
    starts: list[int]  # first frames of windows in which the speaker has it

    @property
    def listens(self) -> np.ndarray:
        """(T,) bool, as in `l2l.dataset.conversations`."""
        return self.floor[:, 1] | ~self.floor[:, 0]


@lru_cache(maxsize=1)
def talk(seed: int, recording: int, seconds: float) -> Talk:
    """One conversation."""
    random = np.random.default_rng([seed, recording])
    own, others, now = [], [], 0.0  # turns of the listener, and when the listener is silent, in seconds
    while now < seconds:
        start = now + random.uniform(*TURN)
        end = start + random.uniform(*OWN)
        own.append((start, end))
        others.append((now, start + random.uniform(*GAP)))
        now = end
    level, pauses = syllables(random, seconds, own, LONG_PAUSES)
    own_level, _ = syllables(random, seconds, others)
    speaker = dyads.speaker(random, level, pauses, smiling)
    motion = listen(seed, recording, speaker) + speech(random, own_level)
    speaks = np.stack([(each > 0).reshape(-1, AUDIO_PER_FRAME).any(1) for each in (own_level, level)], axis=1)
    settings = config.ChunkingSettings()
    turns = find_turns(speaks, settings.max_pause, settings.max_backchannel)
    starts = windows(turns, [(0, len(motion))], WINDOW, settings.stride_train)[0]
    return Talk(speaker, motion, mel(random, own_level), has_floor(turns, len(motion)), starts)


def speech(random: np.random.Generator, level: np.ndarray) -> np.ndarray:
    """(T, 56) float32: how a listener moves while they speak at this level (4 T,), beside all else."""
    envelope = gaussian_filter1d(level.reshape(-1, AUDIO_PER_FRAME).mean(1), 1.0)  # (T,)
    motion = np.zeros((len(envelope), MODEL_DIM))
    mouth = envelope[:, None] * smooth_noise(random, len(envelope), 0.08, LATENTS)
    motion[:, EXPRESSION] = 0.5 * mouth @ axes("listener")[2:]
    motion[:, PITCH] = 0.08 * gaussian_filter1d(envelope, 4)
    motion[:, JAW.start] = 0.25 * envelope
    return motion.astype(np.float32)


def write(folder: Path, seed: int, count: int, whole: bool) -> None:
    """`count` training recordings: windows of turns, as `l2l chunk` cuts them, and if `whole`, all of them beside."""
    numbers = range(count)

    def read(number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        made = talk(seed, number, SECONDS)
        return made.motion, made.speaker.motion, made.speaker.audio

    def both(number: int) -> Both:
        made = talk(seed, number, SECONDS)
        listener = Person(made.motion, made.audio, made.floor[:, 0])
        return {"left": listener, "right": Person(made.speaker.motion, made.speaker.audio, made.floor[:, 1])}

    names = [f"train{number:03d}" for number in numbers]
    found = [Listening(names[n], talk(seed, n, SECONDS).starts, partial(read, n)) for n in numbers]
    write_dataset(folder, {("train", "left"): found})
    if whole:
        frames = round(SECONDS * FPS)
        with new_conversations(folder, "train") as paths:
            sources = [Source([Stretch(names[n], 0, frames)], partial(both, n)) for n in numbers]
            write_conversations(paths["train"], sources)
