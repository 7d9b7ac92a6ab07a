"""train-codebook: losses, batches and the checkpoint of the codebook (Ng et al. 2022, section 3.2).

- Trained on crops of 32 frames at any offset of a window; the released code used only its two halves.
- The best weights are those of the lowest validation RECONSTRUCTION error. The released code added the quantizer's
  loss, which is in units of a latent that grows while the model gets better, and so kept a very early checkpoint.
"""

import logging
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from l2l.config import Settings
from l2l.dataset.layout import REGIONS, WINDOW, Side
from l2l.dataset.standardize import Standardizer
from l2l.models.codebook import FRAMES, Codebook, perplexity
from l2l.training.checkpoint import save_checkpoint
from l2l.training.device import prepare
from l2l.training.holdout import load_training_chunks, split_by_video
from l2l.training.loop import train
from l2l.units import MODEL_DIM

log = logging.getLogger(__name__)

BATCH = 256  # windows of a validation step; the result does not depend on it
CROPS = 2  # per window and step: as many frames as the released batches of two halves


def reconstruction_loss(reconstruction: Tensor, motion: Tensor) -> Tensor:
    """Mean absolute error of expression plus that of rotation plus that of jaw, standardized units; (B, T, 56) -> ().

    Each region is a mean of its own, so a rotation or jaw channel weighs 50/3 times an expression channel.
    """
    return torch.stack([F.l1_loss(reconstruction[..., c], motion[..., c]) for c in REGIONS.values()]).sum()


def codebook_loss(model: Codebook, motion: Tensor) -> Tensor:
    """What training minimises: quantizer and reconstruction loss of motion (B, 32, 56), summed."""
    reconstruction, quantizer_loss, _ = model(motion)
    return quantizer_loss + reconstruction_loss(reconstruction, motion)


def random_crops(windows: Tensor, generator: torch.Generator) -> Tensor:
    """(B, 64, C) -> (B, 32, C), each from a random frame on."""
    starts = torch.randint(0, WINDOW - FRAMES + 1, (len(windows), 1), generator=generator)
    frames = (starts + torch.arange(FRAMES)).to(windows.device)  # (B, 32)
    return windows.gather(1, frames[..., None].expand(-1, -1, windows.shape[-1]))


class CodebookTask:
    """The codebook's side of the training loop."""

    def __init__(self, model: Codebook, motion: Tensor, train_rows: np.ndarray, validation: np.ndarray) -> None:
        """`motion` is (N, 64, 56), standardized, on the model's device; the rows choose among its windows."""
        self.model, self.motion, self.train, self.validation = model, motion, train_rows, validation

    def loss(self, rows: np.ndarray, generator: torch.Generator) -> Tensor:
        return codebook_loss(self.model, random_crops(self.motion[np.repeat(rows, CROPS)], generator))

    def validate(self) -> dict[str, float]:
        """Mean over both halves of every held-out window."""
        total, quantizer, counts = 0.0, 0.0, np.zeros(self.model.quantize.embedding.num_embeddings, np.int64)
        for start in range(0, len(self.validation), BATCH):
            halves = self.motion[self.validation[start : start + BATCH]].reshape(-1, FRAMES, MODEL_DIM)  # (2B, 32, 56)
            reconstruction, quantizer_loss, codes = self.model(halves)
            total += float(reconstruction_loss(reconstruction, halves)) * len(halves)
            quantizer += float(quantizer_loss) * len(halves)
            counts += np.bincount(codes.flatten().cpu().numpy(), minlength=len(counts))
        count = 2 * len(self.validation)
        return {"loss": total / count, "quantizer_loss": quantizer / count, "perplexity": perplexity(counts)}


def train_codebook(chunks: Path, listener: Side, settings: Settings, out: Path, log_dir: Path) -> None:
    """Train a codebook on `listener`'s motion and write its checkpoint to `out`, curves to `log_dir`.

    `chunks` is a person's folder in the published layout. Raises UserError when there is too little to train on.
    """
    sizes, training = settings.codebook, settings.codebook.training
    device = prepare(training)
    data = load_training_chunks(chunks, listener, ("listener",))
    train_rows, validation = split_by_video(data, training.validation_share, settings.seed)
    standardizer = Standardizer.fit(data.listener[..., :MODEL_DIM], train_rows)
    motion = torch.from_numpy(standardizer.apply(data.listener[..., :MODEL_DIM])).to(device)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        model = Codebook(sizes).to(device)
    task = CodebookTask(model, motion, train_rows, validation)
    optimizer = torch.optim.AdamW(model.parameters(), lr=training.learning_rate, betas=(0.9, 0.98), eps=1e-9)
    state = train(task, optimizer, training, settings.seed, log_dir)
    save_checkpoint(
        out,
        {"listener": standardizer},
        kind="codebook",
        config=sizes.model_dump(),
        state_dict=state.best_weights,
        step=state.best_step,
        validation_loss=state.best_loss,
        history=state.history,
        seed=settings.seed,
        listener=listener,
    )
    log.info("wrote %s", out)
