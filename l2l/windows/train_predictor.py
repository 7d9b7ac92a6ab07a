"""train-predictor, architecture windows: losses and batches of the predictor (Ng et al. 2022, section 3.3).

- Past and target codes come from the frozen codebook, once, before training; the released code encoded each batch.
- How much of the past is visible is drawn from 0..4, uniformly. The released code drew from 0..20, where 4 and more are
  the same, and so hardly trained the cases that its own sampling uses (`predictor.masks: released`).
- Validation averages over all five cases, so nothing in it is random; the released masks are drawn there, too.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from l2l import config
from l2l.config import Settings
from l2l.dataset.layout import Chunks
from l2l.features.standardize import Standardizer
from l2l.files import large_array
from l2l.training.batches import held_out
from l2l.training.checkpoint import fingerprint
from l2l.training.device import prepare
from l2l.training.holdout import split
from l2l.training.run import Run
from l2l.training.seeding import seeded_model
from l2l.training.state import Batch
from l2l.units import MODEL_DIM
from l2l.windows.codebook import FRAMES, GROUPS, Codebook
from l2l.windows.compiler import compile_layers
from l2l.windows.predictor import SPEAKER_AUDIO, SPEAKER_FRAMES, Predictor

RESIDENT = 0.4  # of the free memory of a GPU, at most, for the audio
BATCH = 256  # windows of a step without gradients; the result does not depend on it
MASK_SEED = 23456  # of the released masks
MASK_DRAWS = 21  # the released masks are drawn from 0..20


def prediction_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean cross entropy, nats, of the first 4 positions of logits (B, 9, K) against codes (B, 4)."""
    return F.cross_entropy(logits[:, :GROUPS].flatten(0, 1), targets.flatten())


@torch.no_grad()
def encode_windows(codebook: Codebook, motion: np.ndarray, listener: Standardizer, device: torch.device) -> Tensor:
    """Codes (N, 2, 4) of the first and second 32 frames of raw motion (N, 64, 56), on `device`."""
    codebook.to(device)
    codes = []
    for start in range(0, len(motion), BATCH):
        standard = torch.from_numpy(listener.apply(motion[start : start + BATCH])).to(device)
        halves = standard.unflatten(1, (2, FRAMES))
        codes.append(codebook.encode(halves.flatten(0, 1)).unflatten(0, (-1, 2)))  # (B, 2, 4)
    return torch.cat(codes)


def resident(audio: np.ndarray, standardizer: Standardizer, device: torch.device) -> Tensor | None:
    """The audio that speakers are heard by, (N, 160, 128), standardized, in the memory of a GPU if it fits well."""
    if device.type != "cuda":
        return None
    size = 4 * len(audio) * SPEAKER_AUDIO * audio.shape[-1]
    if size > RESIDENT * torch.cuda.mem_get_info(device)[0]:
        return None
    found = torch.empty(len(audio), SPEAKER_AUDIO, audio.shape[-1], device=device)
    for start in range(0, len(audio), BATCH):
        part = slice(start, start + BATCH)
        found[part] = torch.from_numpy(standardizer.apply(audio[part, :SPEAKER_AUDIO])).to(device)
    return found


@dataclass(eq=False)
class PredictorTask:
    """The predictor's side of the training loop."""

    model: Predictor
    codes: Tensor  # (N, 2, 4), on the model's device
    speaker: Tensor  # (N, 40, 56), standardized, on the model's device
    audio: np.ndarray  # (N, 256, 128), raw; by far the largest, it stays in its mapped file until a batch asks for it
    audio_standardizer: Standardizer
    train: np.ndarray  # rows
    validation: np.ndarray  # rows
    sizes: config.WindowPredictorSettings
    progress, ready = 0.0, True

    def __post_init__(self) -> None:
        self.through: Callable[..., Any] = self.model
        self.masks = np.random.RandomState(MASK_SEED)  # one draw per batch, of training and of validation
        self.generators = {"masks": self.masks}
        self.resident = resident(self.audio, self.audio_standardizer, self.speaker.device)

    def sound(self, rows: np.ndarray) -> Tensor:
        """Audio (B, 160, 128) of some windows, standardized."""
        if self.resident is not None:
            return self.resident[torch.from_numpy(rows).to(self.resident.device)]
        return torch.from_numpy(self.audio_standardizer.apply(self.audio[rows, :SPEAKER_AUDIO]))

    def batch(self, rows: np.ndarray, generator: torch.Generator, part: slice = slice(None)) -> Batch:
        if self.sizes.masks == "released":
            visible = int(self.masks.randint(0, MASK_DRAWS))
        else:
            visible = int(torch.randint(0, GROUPS + 1, (), generator=generator))
        return Batch((torch.from_numpy(rows[part]), self.sound(rows[part])), min(visible, GROUPS))

    def loss(self, tensors: tuple[Tensor, ...], kind: Any) -> Tensor:
        """Of rows (B,) and their audio (B, 160, 128), of which so many past codes are visible."""
        rows, audio = tensors
        logits = self.through(self.codes[rows, 0], self.speaker[rows], audio, kind)
        return prediction_loss(logits, self.codes[rows, 1])

    def validate(self) -> dict[str, float]:
        """Mean over the held-out windows: for each visible past and over all five, or for one drawn per batch."""
        training, released = self.sizes.training, self.sizes.masks == "released"
        totals, used = np.zeros(1 if released else GROUPS + 1), 0
        for batch in held_out(len(self.validation), training.batches, training.batch_size):
            rows = self.validation[batch]
            audio, targets = self.sound(rows).to(self.speaker.device), self.codes[rows, 1]
            inputs = self.codes[rows, 0], self.speaker[rows], audio
            pasts = [int(self.masks.randint(0, MASK_DRAWS))] if released else range(GROUPS + 1)
            losses = [float(prediction_loss(self.model(*inputs, visible), targets)) for visible in pasts]
            totals += np.array(losses) * len(rows)
            used += len(rows)
        means = totals / used
        if released:
            return {"loss": float(means[0])}
        return {"loss": float(means.mean()), "loss_none_visible": float(means[0]), "loss_all_visible": float(means[-1])}


def predictor_optimizer(model: Predictor, rate: float) -> torch.optim.Optimizer:
    """Adam, without decay; fused on a GPU."""
    fused = next(model.parameters()).is_cuda or None
    return torch.optim.Adam(model.parameters(), lr=rate, betas=(0.9, 0.98), eps=1e-9, fused=fused)


def prepare_predictor(
    data: Chunks, codebook: Codebook, listener: Standardizer, settings: Settings
) -> Run[PredictorTask]:
    """A predictor of the codes of `codebook`, about to be trained on the windows `data`.

    `listener` standardizes the motion that the codebook encodes. Every random draw follows from the settings' seed.
    """
    windows, sizes = settings.windows, settings.windows.predictor
    device = prepare(sizes.training)
    train_rows, validation = split(data, windows.holdout, sizes.training.validation_share, settings.seed)
    speaker = Standardizer.fit(data.speaker[..., :MODEL_DIM], train_rows, windows.statistics, windows.smoothing)
    audio = Standardizer.fit(data.audio, train_rows, windows.statistics)
    codes = encode_windows(codebook, data.listener[..., :MODEL_DIM], listener, device)
    heard = large_array(len(data), SPEAKER_FRAMES, MODEL_DIM)
    motion = torch.from_numpy(speaker.fill(heard, data.speaker[..., :MODEL_DIM])).to(device)
    count = codebook.quantize.embedding.num_embeddings
    model = seeded_model(lambda: Predictor(sizes, count), settings.seed, device)
    if sizes.training.compile and device.type == "cuda":
        compile_layers(model)
    content = {"kind": "predictor", "architecture": "windows", "config": sizes.model_dump(), "codes": count}
    return Run(
        PredictorTask(model, codes, motion, data.audio, audio, train_rows, validation, sizes),
        predictor_optimizer(model, sizes.training.learning_rate),
        {"speaker": speaker, "audio": audio},
        {**content, "codebook_fingerprint": fingerprint(codebook.state_dict())},
        data,
        {"train": train_rows, "validation": validation},
        sizes.training,
    )
