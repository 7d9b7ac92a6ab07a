"""train-codebook: losses, crops and validation of the codebook of patches.

- Trained on crops from any frame of a sequence. The quantizer is used after the first third (see
  `l2l.patches.codec`); weights from before cannot become the best ones.
- The loss also looks at velocity and acceleration. The squared error of acceleration comes in gradually: in full from
  the start it is least for the mean pose.
- The best weights are those of the lowest validation error, summed over regions, through the codes.
- The library restarts dead codes with torch's global generator; it is seeded for each step from the loop's own, so
  that a resumed training goes on as if it had never stopped.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from l2l import config
from l2l.codes import perplexity
from l2l.config import Settings
from l2l.dataset.layout import EXPRESSION, JAW, REGIONS, ROTATION, Chunks
from l2l.features.sequences import Sequences, cut, join, tiles
from l2l.features.standardize import Standardizer
from l2l.patches.codebook import Codebook
from l2l.patches.length import codebook_steps, minutes_of, with_steps
from l2l.training.device import prepare
from l2l.training.holdout import split_by_video
from l2l.training.run import Run
from l2l.training.seeding import draw_seed, seeded_model
from l2l.training.state import Batch
from l2l.units import MODEL_DIM

RAMP = 0.15, 0.65  # shares of training between which the weight of acceleration rises
HELD_FRAMES = 320  # of a validation crop
HELD = 32  # crops at a time; the result does not depend on it


def channel_weights(rotation: float) -> Tensor:
    """(56,) that sum to 1 over expression and to 1 over pose; a rotation channel weighs `rotation` jaw channels."""
    weights = torch.ones(MODEL_DIM)
    weights[ROTATION] = rotation
    weights[EXPRESSION] /= weights[EXPRESSION].sum()
    pose = weights[ROTATION].sum() + weights[JAW].sum()
    weights[ROTATION] /= pose
    weights[JAW] /= pose
    return weights


def motion_loss(
    error: Tensor, inside: Tensor, weights: Tensor, acceleration: Tensor | float, part: slice = slice(None)
) -> Tensor:
    """L1 and squares of an error (B, T, 56), its velocity and its acceleration, over the frames that are inside -> ().

    `inside` (N, T) is that of the whole batch and `error` that of its `part`. Every part divides by the frames of the
    whole batch; the loop weighs a part by its share of the rows.
    """
    total = error.new_zeros(())
    for order, (absolute, square) in enumerate([(1.0, 0.5), (1.0, 2.0), (0.0, acceleration)]):
        if order:
            error, inside = error.diff(dim=1), inside[:, 1:] & inside[:, :-1]
        frames = inside.sum().clamp(min=1) * len(error) / len(inside)
        if absolute:
            total = total + absolute * ((error.abs() @ weights) * inside[part]).sum() / frames
        total = total + square * ((error.square() @ weights) * inside[part]).sum() / frames
    return total


class CodebookTask:
    """The codebook's side of the training loop."""

    progress = 0.0

    def __init__(
        self,
        model: Codebook,
        sequences: Sequences,
        motion: Tensor,
        train: np.ndarray,
        validation: np.ndarray,
        sizes: config.CodebookSettings,
    ) -> None:
        """`motion` (F, 56) is the standardized listener of `sequences`; the other two are numbers of sequences."""
        self.model, self.sequences, self.motion, self.sizes = model, sequences, motion, sizes
        self.through: Callable[..., Any] = model
        self.generators: dict[str, np.random.RandomState] = {}
        self.tiles = tiles(sequences.lengths, train, sizes.crop)  # (n, 2), of which a batch takes some
        self.train = np.arange(len(self.tiles))
        self.held = tiles(sequences.lengths, validation, HELD_FRAMES)
        self.weights = channel_weights(sizes.rotation).to(motion.device)

    @property
    def ready(self) -> bool:
        """Whether the codes are in."""
        steps = self.sizes.training.steps
        return round(self.progress * steps) >= int(self.sizes.warm_up * steps)

    def batch(self, rows: np.ndarray, generator: torch.Generator, part: slice = slice(None)) -> Batch:
        chosen, crop = self.tiles[rows], self.sizes.crop
        jitter = torch.randint(0, crop, (len(rows),), generator=generator).numpy()
        latest = np.maximum(self.sequences.lengths[chosen[:, 0]] - crop, 0)
        crops = cut(self.sequences, chosen[:, 0], np.minimum(chosen[:, 1] + jitter, latest), crop)
        rise = (self.progress - RAMP[0]) / (RAMP[1] - RAMP[0])
        acceleration = self.sizes.acceleration * min(max(rise, 0.0), 1.0)
        frames, inside = torch.from_numpy(crops.frames[part]), torch.from_numpy(crops.inside)
        return Batch(
            (frames, inside, torch.tensor(acceleration)),
            (self.ready, part.start, part.stop),
            draw_seed(generator, part),
            steady=not self.ready,  # the library's quantizers look at what they find: whether a code is dead
        )

    def loss(self, tensors: tuple[Tensor, ...], kind: Any) -> Tensor:
        """Of frames (B, crop), which of the whole batch's are real (N, crop), and the weight of acceleration ()."""
        frames, inside, acceleration = tensors
        motion, (ready, *part) = self.motion[frames], kind  # (B, crop, 56)
        reconstruction, quantizer_loss = self.through(motion, ready)
        return quantizer_loss + motion_loss(reconstruction - motion, inside, self.weights, acceleration, slice(*part))

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Held-out motion (B, 320, 56) and the frames of it that are real (B, 320)."""
        for start in range(0, len(self.held), HELD):
            chosen = self.held[start : start + HELD]
            crops = cut(self.sequences, chosen[:, 0], chosen[:, 1], HELD_FRAMES)
            yield self.motion[crops.frames], torch.from_numpy(crops.inside).to(self.motion.device)

    def validate(self) -> dict[str, float]:
        """Mean absolute error of each region, summed; the least and the greatest perplexity of a level of codes."""
        errors, frames = torch.zeros(MODEL_DIM, device=self.motion.device), 0
        counts = np.zeros((self.model.per_patch, self.model.codes), np.int64)
        for motion, inside in self.batches():
            if self.ready:
                codes = self.model.encode(motion)  # (B, P, Q)
                reconstruction = self.model.decode(codes)
                known = inside[:, :: motion.shape[1] // codes.shape[1]]  # (B, P): the patch begins with a real frame
                for q, level in enumerate(codes[known].T.cpu().numpy()):
                    counts[q] += np.bincount(level, minlength=self.model.codes)
            else:
                reconstruction, _ = self.model(motion, quantized=False)
            errors += ((reconstruction - motion).abs() * inside[..., None]).sum((0, 1))
            frames += int(inside.sum())
        found = {region: float(errors[channels].mean() / frames) for region, channels in REGIONS.items()}
        use = [perplexity(level) for level in counts]
        return {
            "loss": sum(found.values()),
            **{f"l1_{region}": value for region, value in found.items()},
            **({"perplexity": min(use)} if self.ready else {}),
        }


def codebook_optimizer(model: Codebook, sizes: config.CodebookSettings) -> torch.optim.Optimizer:
    """AdamW, fused; the codebooks follow moving averages, not gradients."""
    rate, decay = sizes.training.learning_rate, sizes.weight_decay
    return torch.optim.AdamW(model.parameters(), lr=rate, betas=(0.9, 0.98), weight_decay=decay, fused=True)


def standardizer_of(frames: np.ndarray, sequences: Sequences, training: int) -> Standardizer:
    """Fitted to frames (F, C) of the first `training` sequences."""
    last = int(sequences.starts[training - 1] + sequences.lengths[training - 1])
    return Standardizer.fit(frames[:last, None])  # as windows of one frame, some of which are read at a time


def prepare_codebook(data: Chunks, settings: Settings) -> Run[CodebookTask]:
    """A codebook about to be trained on the windows `data`; every random draw follows from the settings' seed."""
    sizes, device = settings.codebook, prepare(settings.codebook.training)
    train_rows, validation = split_by_video(data, sizes.training.validation_share, settings.seed)
    sequences, count = join(data, train_rows, validation)
    standardizer = standardizer_of(sequences.listener, sequences, count)
    training = with_steps(sizes.training, codebook_steps(minutes_of(sequences, count)))
    sizes = sizes.model_copy(update={"training": training})
    # In place, also in `sequences`: of hundreds of hours, a copy would be as large again.
    motion = torch.from_numpy(standardizer.fill(sequences.listener, sequences.listener)).to(device)
    model = seeded_model(lambda: Codebook(sizes), settings.seed, device)
    numbers = np.arange(len(sequences))
    return Run(
        CodebookTask(model, sequences.without_motion(), motion, numbers[:count], numbers[count:], sizes),
        codebook_optimizer(model, sizes),
        {"listener": standardizer},
        {"kind": "codebook", "architecture": "patches", "config": sizes.model_dump()},
        data,
        {"train": train_rows, "validation": validation},
        training,
    )
