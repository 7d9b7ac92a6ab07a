"""train-codebook: losses, batches and the checkpoint of the codebook (Ng et al. 2022, section 3.2).

- Trained on crops of 32 frames at any offset of a window; the released code used only its two halves
  (`codebook.crops: halves`).
- The best weights are those of the lowest validation RECONSTRUCTION error. The released code added the quantizer's
  loss (`codebook.best: total`), which is in units of a latent that grows while the model gets better, and so kept a
  very early checkpoint.
"""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from l2l import config
from l2l.config import Settings
from l2l.dataset.layout import REGIONS, WINDOW, Chunks
from l2l.features.standardize import Standardizer
from l2l.sides import Side
from l2l.training.batches import held_out
from l2l.training.checkpoint import save_checkpoint
from l2l.training.device import prepare
from l2l.training.holdout import load_training_chunks, split
from l2l.training.loop import train
from l2l.training.resume import identity
from l2l.training.session import session
from l2l.training.state import State
from l2l.units import MODEL_DIM
from l2l.windows.codebook import FRAMES, Codebook, perplexity

log = logging.getLogger(__name__)

CROPS = 2  # per window and step: as many frames as the released batches of two halves


def reconstruction_loss(reconstruction: Tensor, motion: Tensor) -> Tensor:
    """Mean absolute error of expression plus that of rotation plus that of jaw, standardized units; (B, T, 56) -> ().

    Each region is a mean of its own, so a rotation or jaw channel weighs 50/3 times an expression channel.
    """
    return torch.stack([F.l1_loss(reconstruction[..., c], motion[..., c]) for c in REGIONS.values()]).sum()


def codebook_loss(model: nn.Module, motion: Tensor) -> Tensor:
    """What training minimises: quantizer and reconstruction loss of motion (B, 32, 56), summed."""
    reconstruction, quantizer_loss, _ = model(motion)
    return quantizer_loss + reconstruction_loss(reconstruction, motion)


def random_crops(windows: Tensor, generator: torch.Generator) -> Tensor:
    """(B, 64, C) -> (B, 32, C), each from a random frame on."""
    starts = torch.randint(0, WINDOW - FRAMES + 1, (len(windows), 1), generator=generator)
    frames = (starts + torch.arange(FRAMES)).to(windows.device)  # (B, 32)
    return windows.gather(1, frames[..., None].expand(-1, -1, windows.shape[-1]))


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
        self.through: nn.Module = model
        self.generators: dict[str, np.random.RandomState] = {}  # all chance is in the loop's
        self.held = halves(motion[validation])  # (2 * held-out windows, 32, 56)
        if sizes.crops == "halves":
            self.motion = halves(motion[train_rows])
            self.train = np.arange(len(self.motion))
        else:
            self.motion, self.train = motion, train_rows

    def loss(self, rows: np.ndarray, generator: torch.Generator, part: slice = slice(None)) -> Tensor:
        if self.sizes.crops == "halves":
            return codebook_loss(self.through, self.motion[rows[part]])
        crops = random_crops(self.motion[np.repeat(rows, CROPS)], generator)  # (CROPS * B, 32, 56)
        return codebook_loss(self.through, crops.unflatten(0, (-1, CROPS))[part].flatten(0, 1))

    def validate(self) -> dict[str, float]:
        """Mean over both halves of the held-out windows."""
        training = self.sizes.training
        total, quantizer, counts = 0.0, 0.0, np.zeros(self.model.quantize.embedding.num_embeddings, np.int64)
        used = 0
        for batch in held_out(len(self.held), training.batches, training.batch_size):
            motion = self.held[batch]  # (B, 32, 56)
            reconstruction, quantizer_loss, codes = self.model(motion)
            total += float(reconstruction_loss(reconstruction, motion)) * len(motion)
            quantizer += float(quantizer_loss) * len(motion)
            counts += np.bincount(codes.flatten().cpu().numpy(), minlength=len(counts))
            used += len(motion)
        reconstruction_mean, quantizer_mean = total / used, quantizer / used
        return {
            "loss": reconstruction_mean + (quantizer_mean if self.sizes.best == "total" else 0),
            "quantizer_loss": quantizer_mean,
            "perplexity": perplexity(counts),
        }


def codebook_optimizer(model: Codebook, rate: float) -> torch.optim.Optimizer:
    """AdamW with torch's decay of 0.01 on every parameter, biases and norms as well."""
    return torch.optim.AdamW(model.parameters(), lr=rate, betas=(0.9, 0.98), eps=1e-9)


@dataclass(frozen=True)
class CodebookRun:
    """A codebook about to be trained."""

    task: CodebookTask
    optimizer: torch.optim.Optimizer
    standardizer: Standardizer
    train_rows: np.ndarray
    identity: str  # of this run, for resuming it


def prepare_codebook(data: Chunks, settings: Settings) -> CodebookRun:
    """Split, standardizer, model and optimizer for `data`, all from the settings' seed."""
    sizes, training, windows = settings.windows.codebook, settings.windows.codebook.training, settings.windows
    device = prepare(training)
    train_rows, validation = split(data, windows.holdout, training.validation_share, settings.seed)
    faces = data.listener[..., :MODEL_DIM]
    standardizer = Standardizer.fit(faces, train_rows, windows.statistics, windows.smoothing)
    motion = torch.from_numpy(standardizer.apply(faces)).to(device)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        model = Codebook(sizes).to(device)
    task = CodebookTask(model, motion, train_rows, validation, sizes)
    rows = {"train": train_rows, "validation": validation}
    run = identity(settings.seed, windows, sizes, data, rows, {"listener": standardizer}, model)
    return CodebookRun(task, codebook_optimizer(model, training.learning_rate), standardizer, train_rows, run)


def train_codebook(chunks: Path, listener: Side, settings: Settings, out: Path, log_dir: Path) -> None:
    """Train a codebook on `listener`'s motion and write its checkpoint to `out`, curves to `log_dir`.

    `chunks` is a person's folder in the published layout. Raises UserError when there is too little to train on or
    when another process trains `out`, Stopped when a signal ends it; the same call then goes on.
    """
    training = settings.windows.codebook.training
    with session(out, training) as current:
        run = prepare_codebook(load_training_chunks(chunks, listener, ("listener",)), settings)
        current.run = run.identity
        state = train(run.task, run.optimizer, training, settings.seed, log_dir, session=current)
        current.finish(lambda: _save(out, run, state, settings, listener))
        log.info("wrote %s", out)


def _save(out: Path, run: CodebookRun, state: State, settings: Settings, listener: Side) -> None:
    save_checkpoint(
        out,
        {"listener": run.standardizer},
        kind="codebook",
        config=settings.windows.codebook.model_dump(),
        **state.best(),
        seed=settings.seed,
        listener=listener,
    )
