"""The released architecture in benchmarks/quality.py: trained within a budget, asked for listeners and likelihoods.

- The number of steps follows from a few steps measured first; what training then took is measured and reported.
- The released model knows windows only: each window of 64 frames, 32 further each time, gives its second half.
"""

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.dyads import Speaker
from benchmarks.recordings import Conversations
from l2l import config
from l2l.architectures import train_codebook, train_predictor
from l2l.config import Settings
from l2l.dataset.layout import Chunks
from l2l.files import save_json
from l2l.training.holdout import load_training_chunks
from l2l.units import AUDIO_PER_FRAME, FACE_DIM
from l2l.windows.checkpoint import load_codebook, load_pair
from l2l.windows.codebook import FRAMES, GROUPS
from l2l.windows.predictor import SPEAKER_AUDIO, SPEAKER_FRAMES
from l2l.windows.sampling import decode, futures
from l2l.windows.train_codebook import prepare_codebook
from l2l.windows.train_predictor import prepare_predictor

SHARE = 0.6  # of the budget that the codebook gets
STRIDE = 32  # frames between two training windows
VALIDATION = 0.1  # share of the training recordings
LOOKS = 12  # at the validation loss in one training
LEARNING_RATE = 4e-4  # its own schedule rises over 100,000 steps


def steps_within(prepare: Callable[[], Any], seconds: float, progress: float = 0.5) -> int:
    """How many steps of a run fit into so many CPU-seconds, its looks at the validation loss included."""
    run = prepare()
    task, generator = run.task, torch.Generator().manual_seed(0)
    rows = task.train[: task.sizes.training.batch_size]
    task.progress = progress
    task.model.train()
    costs = []
    for _ in range(6):
        start = time.process_time()
        run.optimizer.zero_grad(set_to_none=True)
        batch = task.batch(rows, generator)
        task.loss(batch.tensors, batch.kind).backward()
        run.optimizer.step()
        costs.append(time.process_time() - start)
    task.model.eval()
    start = time.process_time()
    with torch.no_grad():
        task.validate()
    look = time.process_time() - start
    return max(LOOKS, int((seconds - LOOKS * look) / np.mean(costs[1:])))


class Released:
    """Models of windows, sampled as released; of `benchmarks.modern.Modern`'s functions, those that windows have."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.pair, self.settings = load_pair(folder / "codebook.pt", folder / "predictor.pt"), settings

    @staticmethod
    def windows(motion: np.ndarray, rows: np.ndarray) -> Chunks:
        """Windows whose second halves tile the recording; before its start, its first frame stands still."""

        def cut(array: np.ndarray, per_frame: int) -> np.ndarray:
            half = FRAMES * per_frame
            padded = np.concatenate([np.repeat(array[:1], half, axis=0), array])
            return np.stack([padded[s : s + 2 * half] for s in range(0, len(array), half)])

        faces = cut(np.pad(motion, ((0, 0), (0, FACE_DIM - motion.shape[1]))), 1)
        return Chunks(faces, faces, cut(rows, AUDIO_PER_FRAME), np.zeros((len(faces), 64, 3), "U1"))

    def sample(self, speakers: list[Speaker], samples: int) -> np.ndarray:
        sampling = self.settings.sampling.model_copy(update={"samples": samples})
        generator = torch.Generator().manual_seed(0)
        found = []
        for speaker in speakers:
            chunks, device = self.windows(speaker.motion, speaker.audio), torch.device("cpu")
            codes, _ = futures(self.pair, chunks, slice(0, len(chunks)), sampling, generator, device)
            found.append(decode(self.pair, codes, device).reshape(samples, -1, 56))  # (S, T, 56)
        return np.stack(found, axis=1)

    def _codes(self, motion: np.ndarray) -> Tensor:
        """Raw (T, 56) -> codes (T / 32, 4)."""
        standardized = self.pair.listener.apply(motion[None])[0]
        return self.pair.codebook.encode(torch.from_numpy(standardized).reshape(-1, FRAMES, motion.shape[-1]))

    def through_codebook(self, motion: np.ndarray) -> np.ndarray:
        """Raw motion (N, T, 56) to codes and back."""
        codes = torch.stack([self._codes(one) for one in motion])  # (N, T / 32, 4)
        return decode(self.pair, codes, torch.device("cpu")).reshape(motion.shape)

    @torch.inference_mode()
    def likelihoods(self, speakers: list[Speaker], truth: np.ndarray, shifts: tuple[int, ...]) -> dict[str, np.ndarray]:
        """Nats per frame, (N,) each: with the speaker, and with the speaker shifted, mean over `shifts` in frames."""
        found = np.array(
            [[self._nats(s, self._codes(t), k) for k in (0, *shifts)] for s, t in zip(speakers, truth, strict=True)]
        )
        return {"with_speaker": found[:, 0], "shifted": found[:, 1:].mean(1)}

    def _nats(self, speaker: Speaker, codes: Tensor, shift: int) -> float:
        chunks = self.windows(np.roll(speaker.motion, shift, 0), np.roll(speaker.audio, AUDIO_PER_FRAME * shift, 0))
        faces = torch.from_numpy(self.pair.speaker.apply(chunks.speaker[1:, :, :56]))[:, :SPEAKER_FRAMES]
        audio = torch.from_numpy(self.pair.audio.apply(chunks.audio[1:, :SPEAKER_AUDIO]))
        logits = self.pair.predictor(codes[:-1], faces, audio, GROUPS)[:, :GROUPS]
        return float(F.cross_entropy(logits.flatten(0, 1), codes[1:].flatten())) * GROUPS / FRAMES


def train(folder: Path, conversations: Conversations, minutes: int, budget: float, settings: Settings) -> None:
    """`codebook.pt` and `predictor.pt` in `folder`, unless they are there; their CPU-seconds in `training.json`."""
    data, paths = folder / "data", (folder / "codebook.pt", folder / "predictor.pt")
    report = folder / "training.json"
    spent: dict[str, float] = json.loads(report.read_text()) if report.exists() else {}
    if all(path.exists() for path in paths):
        return
    conversations.write(data, 0, minutes, STRIDE)
    for k, section in enumerate(("codebook", "predictor")):
        if paths[k].exists() and section in spent:
            continue

        def run(k: int = k) -> Any:
            chunks = load_training_chunks(data, "left", ("listener", "speaker", "audio"))
            if k == 0:
                return prepare_codebook(chunks, settings)
            return prepare_predictor(chunks, *load_codebook(paths[0])[:2], settings)

        steps = steps_within(run, (SHARE, 1 - SHARE)[k] * budget)
        limits = {"max_steps": steps, "validate_every": -(-steps // LOOKS), "warmup_steps": min(50, steps // 8)}
        changed = {"windows": {section: {"training": limits}}}
        now = Settings.model_validate(config.merge(settings.model_dump(), changed))
        start, board = time.process_time(), folder / "tensorboard" / section
        if k == 0:
            train_codebook(data, "left", now, paths[k], board)
        else:
            train_predictor(data, paths[0], "left", now, paths[k], board)
        spent[section] = time.process_time() - start
        save_json(report, spent)
    shutil.rmtree(data)


def released(folder: Path, conversations: Conversations, minutes: int, budget: float) -> Released:
    """Trained with its own switches, but for the learning rate, its schedule and the choice of the best codebook.

    By its own rule that would be the first one looked at: the quantizer's loss only grows in a training this short.
    """
    training = {
        "learning_rate": LEARNING_RATE,
        "warmup_steps": 1,
        "max_epochs": 0,
        "schedule": "cosine",
        "validation_share": VALIDATION,
    }
    windows = {"codebook": {"training": training, "best": "reconstruction"}, "predictor": {"training": training}}
    settings = Settings.model_validate(config.merge(config.preset("released"), {"windows": windows}))
    train(folder, conversations, minutes, budget, settings)
    return Released(folder, settings)
