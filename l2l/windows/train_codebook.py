"""train-codebook, architecture windows: losses and batches of the codebook (Ng et al. 2022, section 3.2).

- Trained on crops of 32 frames at any offset of a window; the released code used only its two halves
  (`codebook.crops: halves`).
- The best weights are those of the lowest validation RECONSTRUCTION error. The released code added the quantizer's
  loss (`codebook.best: total`), which is in units of a latent that grows while the model gets better, and so kept a
  very early checkpoint.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from l2l import config
from l2l.codes import perplexity
from l2l.config import Settings
from l2l.dataset.layout import REGIONS, WINDOW, Chunks
from l2l.features.standardize import Standardizer
from l2l.files import large_array
from l2l.training.batches import held_out
from l2l.training.device import prepare
from l2l.training.holdout import split
from l2l.training.run import Run
from l2l.training.seeding import seeded_model
from l2l.training.state import Batch
from l2l.units import MODEL_DIM
from l2l.windows.codebook import FRAMES, Codebook
from l2l.windows.compiler import compile_layers

CROPS = 2  # per window and step: as many frames as the released batches of two halves


def reconstruction_loss(reconstruction: Tensor, motion: Tensor) -> Tensor:
    """Mean absolute error of expression plus that of rotation plus that of jaw, standardized units; (B, T, 56) -> ().

    Each region is a mean of its own, so a rotation or jaw channel weighs 50/3 times an expression channel.
    """
    return torch.stack([F.l1_loss(reconstruction[..., c], motion[..., c]) for c in REGIONS.values()]).sum()


def codebook_loss(model: Callable[..., Any], motion: Tensor) -> Tensor:
    """What training minimises: quantizer and reconstruction loss of motion (B, 32, 56), summed."""
    reconstruction, quantizer_loss, _ = model(motion)
    return quantizer_loss + reconstruction_loss(reconstruction, motion)


def crops(windows: Tensor, rows: Tensor, starts: Tensor) -> Tensor:
    """32 frames from frame `starts` (B,) on of windows `rows` (B,), (N, 64, C) -> (B, 32, C)."""
    return windows[rows[:, None], starts[:, None] + torch.arange(FRAMES, device=starts.device)]


def halves(windows: Tensor) -> Tensor:
    """(N, 64, C) -> (2N, 32, C): the first halves of all windows, then the second halves."""
    return torch.cat([windows[:, :FRAMES], windows[:, FRAMES:]])


class CodebookTask:
    """The codebook's side of the training loop."""

    progress, ready = 0.0, True

    def __init__(
        self,
        model: Codebook,
        motion: Tensor,
        train_rows: np.ndarray,
        validation: np.ndarray,
        sizes: config.WindowCodebookSettings,
    ) -> None:
        """`motion` is (N, 64, 56), standardized, on the model's device; the rows choose among its windows."""
        self.model, self.sizes = model, sizes
        self.through: Callable[..., Any] = model
        self.generators: dict[str, np.random.RandomState] = {}  # all draws are from the loop's
        self.held = halves(motion[validation])  # (2 * held-out windows, 32, 56)
        if sizes.crops == "halves":
            self.motion = halves(motion[train_rows])
            self.train = np.arange(len(self.motion))
        else:
            self.motion, self.train = motion, train_rows

    def batch(self, rows: np.ndarray, generator: torch.Generator, part: slice = slice(None)) -> Batch:
        if self.sizes.crops == "halves":
            return Batch((torch.from_numpy(rows[part]),))
        starts = torch.randint(0, WINDOW - FRAMES + 1, (len(rows), CROPS), generator=generator)[part]
        return Batch((torch.from_numpy(rows[part]).repeat_interleave(CROPS), starts.flatten()))

    def loss(self, tensors: tuple[Tensor, ...], kind: Any) -> Tensor:
        motion = self.motion[tensors[0]] if self.sizes.crops == "halves" else crops(self.motion, *tensors)
        return codebook_loss(self.through, motion)  # of (B, 32, 56)

    def validate(self) -> dict[str, float]:
        """Mean over both halves of the held-out windows."""
        training = self.sizes.training
        counts = np.zeros(self.model.quantize.embedding.num_embeddings, np.int64)
        totals, used = np.zeros(2), 0  # reconstruction and quantizer loss
        for batch in held_out(len(self.held), training.batches, training.batch_size):
            motion = self.held[batch]  # (B, 32, 56)
            reconstruction, quantizer_loss, codes = self.model(motion)
            totals += [
                float(loss) * len(motion) for loss in (reconstruction_loss(reconstruction, motion), quantizer_loss)
            ]
            counts += np.bincount(codes.flatten().cpu().numpy(), minlength=len(counts))
            used += len(motion)
        means = totals / used
        loss = means.sum() if self.sizes.best == "total" else means[0]
        return {"loss": float(loss), "quantizer_loss": float(means[1]), "perplexity": perplexity(counts)}


def codebook_optimizer(model: Codebook, rate: float) -> torch.optim.Optimizer:
    """AdamW with torch's decay of 0.01 on every parameter, biases and norms as well; fused on a GPU."""
    fused = next(model.parameters()).is_cuda or None
    return torch.optim.AdamW(model.parameters(), lr=rate, betas=(0.9, 0.98), eps=1e-9, fused=fused)


def prepare_codebook(data: Chunks, settings: Settings) -> Run[CodebookTask]:
    """A codebook about to be trained on the windows `data`; every random draw follows from the settings' seed."""
    windows, sizes = settings.windows, settings.windows.codebook
    device = prepare(sizes.training)
    train_rows, validation = split(data, windows.holdout, sizes.training.validation_share, settings.seed)
    faces = data.listener[..., :MODEL_DIM]
    standardizer = Standardizer.fit(faces, train_rows, windows.statistics, windows.smoothing)
    motion = torch.from_numpy(standardizer.fill(large_array(*faces.shape), faces)).to(device)
    model = seeded_model(lambda: Codebook(sizes), settings.seed, device)
    if sizes.training.compile and device.type == "cuda":
        compile_layers(model)
    return Run(
        CodebookTask(model, motion, train_rows, validation, sizes),
        codebook_optimizer(model, sizes.training.learning_rate),
        {"listener": standardizer},
        {"kind": "codebook", "architecture": "windows", "config": sizes.model_dump()},
        data,
        {"train": train_rows, "validation": validation},
        sizes.training,
    )
