"""Recordings of benchmarks/quality.py: some to test on, always the same, and any number to train on for each seed."""

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from benchmarks import coupled, coupled_told, dyads, talks
from benchmarks.dyads import Speaker
from l2l.dataset.layout import WINDOW
from l2l.dataset.writer import Listening, write_dataset
from l2l.units import FPS

SETS: dict[str, ModuleType] = {
    **{"answers": dyads, "coupled": coupled, "coupled_told": coupled_told},
    **{"talks": talks, "turns": talks},
}
TEST = 20  # recordings, unless said otherwise
FRAMES = 1792  # of a recording, a minute: whole windows and whole patches
TEST_SEED, SILENT_SEED, FIRST_TRAINING_SEED = 1, 2, 100  # training recordings of seed s are those of generator 100 + s
SILENCE = 20.0, 40.0  # seconds of a silent recording between which nothing is said


@dataclass(frozen=True)
class Conversations:
    """How conversations of a set are made."""

    name: str  # of `SETS`
    long_pauses: float = 0.0  # share of the speaker's pauses that take many seconds, in training
    tested: int = TEST  # recordings to test on

    def recording(self, seed: int, number: int) -> tuple[Speaker, np.ndarray]:
        """A speaker and the listener (T, 56)."""
        pairs = SETS[self.name]
        speaker = pairs.speak(seed, number, FRAMES / FPS)
        return speaker, pairs.listen(seed, number, speaker)

    def test(self) -> list[tuple[Speaker, np.ndarray]]:
        return [self.recording(TEST_SEED, number) for number in range(self.tested)]

    def asked(self) -> dict[str, Any]:
        """What likelihoods are of: `speakers`, `truth` (N, T, 56), and `counted` (N, T) where not all frames count."""
        if SETS[self.name] is not talks:
            found = self.test()
            return {"speakers": [speaker for speaker, _ in found], "truth": np.stack([truth for _, truth in found])}
        made = [talks.talk(TEST_SEED, number, FRAMES / FPS) for number in range(self.tested)]
        arrays = {"truth": np.stack([t.motion for t in made]), "counted": np.stack([t.listens for t in made])}
        return {"speakers": [t.speaker for t in made], **arrays}

    def silent(self) -> list[tuple[Speaker, np.ndarray]]:
        """Recordings in which the speaker is silent for 20 s."""
        pairs = SETS[self.name]
        speakers = [pairs.speak(SILENT_SEED, number, FRAMES / FPS, silences=[SILENCE]) for number in range(self.tested)]
        return [(speaker, pairs.listen(SILENT_SEED, number, speaker)) for number, speaker in enumerate(speakers)]

    def futures(self, speakers: list[Speaker], count: int) -> np.ndarray:
        """(S, N, T, 56) other true listeners of the test speakers."""
        listen = SETS[self.name].listen
        return np.stack([[listen(TEST_SEED, n, s, 1 + k) for n, s in enumerate(speakers)] for k in range(count)])

    def training(self, seed: int, number: int) -> tuple[Speaker, np.ndarray]:
        pairs, seed = SETS[self.name], FIRST_TRAINING_SEED + seed
        speaker = pairs.speak(seed, number, FRAMES / FPS, long_pauses=self.long_pauses)
        return speaker, pairs.listen(seed, number, speaker)

    def write(self, folder: Path, seed: int, minutes: int, stride: int = WINDOW) -> None:
        """Training recordings in the published layout; the person on the left listens."""
        if SETS[self.name] is talks:
            return talks.write(folder, FIRST_TRAINING_SEED + seed, minutes, whole=self.name == "talks")
        starts = range(0, FRAMES - WINDOW + 1, stride)

        def read(number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            speaker, truth = self.training(seed, number)
            return truth, speaker.motion, speaker.audio

        found = [Listening(f"train{n:03d}", starts, lambda n=n: read(n)) for n in range(minutes)]
        write_dataset(folder, {("train", "left"): found})
