"""The training loop of both models.

- A `Task` brings a model, its windows and its losses; the loop brings batches, schedule, validation and stopping.
- All that changes during training is in one object, `State`.
- How the released program did it differs in switches of `config.Training` only: `batches`, `schedule`, `clip`,
  `max_epochs`, and 0 for `validate_every` and `patience`.
- The weights of the best validation are kept in memory and handed back; nothing is written here but curves.
"""

import logging
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from l2l import config
from l2l.errors import UserError
from l2l.training.batches import ORDER_SEED, fixed_epoch, mixed_epoch

log = logging.getLogger(__name__)

CURVES = {"train_loss": "loss/train", "validation_loss": "loss/validation", "perplexity": "codebook/perplexity"}


class Task(Protocol):
    """What the loop needs to know of a model."""

    train: np.ndarray  # (N,) rows to train on

    @property
    def model(self) -> nn.Module: ...

    def loss(self, rows: np.ndarray, generator: torch.Generator) -> Tensor:
        """The loss () of one batch; every random draw comes from `generator`."""
        ...

    def validate(self) -> dict[str, float]:
        """Numbers of the held-out windows; `loss` decides which weights are best."""
        ...


@dataclass
class State:
    """Everything that changes while a model is trained."""

    optimizer: Optimizer
    generator: torch.Generator  # on the CPU, so that every device sees the same batches
    order: np.random.RandomState = field(default_factory=lambda: np.random.RandomState(ORDER_SEED))  # of fixed batches
    step: int = 0
    epoch: int = 0  # the one under way, from 1
    waiting: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))  # rows still to come in this epoch
    best_step: int = 0
    best_loss: float = math.inf
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    stale: int = 0  # looks since the best one
    history: list[dict[str, float]] = field(default_factory=list)


def learning_rate(step: int, training: config.Training) -> float:
    """Of step 1, 2, ...: linear to the peak at `warmup_steps`, then down.

    `cosine` reaches zero just after `max_steps`. `inverse_sqrt` is the released schedule, for runs of weeks: with its
    factor f and width d, f d^-0.5 min(n^-0.5, n w^-1.5), the peak is f / sqrt(d w).
    """
    if step <= training.warmup_steps:
        return training.learning_rate * step / training.warmup_steps
    if training.schedule == "inverse_sqrt":
        return training.learning_rate * math.sqrt(training.warmup_steps / step)
    progress = (step - 1 - training.warmup_steps) / max(training.max_steps - training.warmup_steps, 1)
    return training.learning_rate * 0.5 * (1 + math.cos(math.pi * progress))


def next_batch(state: State, rows: np.ndarray, size: int, batches: str = "mixed") -> np.ndarray:
    """The next rows of this epoch, or the first of a new one."""
    if not len(state.waiting):
        state.epoch += 1
        if batches == "fixed":
            state.waiting = fixed_epoch(rows, size, state.order)
        else:
            state.waiting = mixed_epoch(rows, size, state.generator)
    batch, state.waiting = state.waiting[:size], state.waiting[size:]
    return batch


def _finished(state: State, training: config.Training) -> bool:
    epochs_over = training.max_epochs and state.epoch >= training.max_epochs and not len(state.waiting)
    return state.step >= training.max_steps or bool(epochs_over)


def _look_due(state: State, training: config.Training) -> bool:
    every = training.validate_every
    return (state.step % every == 0 if every else not len(state.waiting)) or _finished(state, training)


def train(
    task: Task,
    optimizer: Optimizer,
    training: config.Training,
    seed: int,
    log_dir: Path,
    on_best: Callable[[State], None] | None = None,
) -> State:
    """Train until `max_steps` or `max_epochs`, or until `patience` looks at the validation loss bring nothing better.

    Writes tensorboard curves to `log_dir`; shows a bar on a terminal, else logs one line per look. `on_best` is called
    after each look that found better weights. Raises UserError when the loss stops being a number.
    """
    state = State(optimizer, torch.Generator().manual_seed(seed))
    watched = sys.stderr.isatty()
    running, since = torch.zeros((), device=next(task.model.parameters()).device), 0
    with SummaryWriter(log_dir) as writer, tqdm(total=training.max_steps, unit="step", disable=not watched) as bar:
        while not _finished(state, training) and not (training.patience and state.stale >= training.patience):
            running += _step(task, state, training)
            since += 1
            bar.update()
            if _look_due(state, training):
                look = _look(task, state, float(running) / since)
                if on_best and state.best_step == state.step:
                    on_best(state)
                running, since = torch.zeros_like(running), 0
                for name in sorted(look.keys() - {"step"}):
                    writer.add_scalar(CURVES.get(name, name), look[name], state.step)
                if watched:
                    bar.set_postfix(train=look["train_loss"], validation=look["validation_loss"], best=state.best_loss)
                else:
                    log.info("%s", ", ".join(f"{name} {value:.6g}" for name, value in look.items()))
    log.info("best validation loss %.4f at step %d of %d", state.best_loss, state.best_step, state.step)
    return state


def _step(task: Task, state: State, training: config.Training) -> Tensor:
    """One optimizer step; returns its loss (), still on the device."""
    state.step += 1
    for group in state.optimizer.param_groups:
        group["lr"] = learning_rate(state.step, training)
    task.model.train()
    state.optimizer.zero_grad(set_to_none=True)
    rows = next_batch(state, task.train, training.batch_size, training.batches)
    loss = task.loss(rows, state.generator)
    loss.backward()
    if training.clip:
        nn.utils.clip_grad_norm_(task.model.parameters(), training.clip)
    state.optimizer.step()
    return loss.detach()


def _look(task: Task, state: State, train_loss: float) -> dict[str, float]:
    """Validate, remember the weights if they are the best so far, and return this look's line of the history."""
    task.model.eval()
    with torch.no_grad():
        numbers = task.validate()
    loss = numbers.pop("loss")
    if not (math.isfinite(loss) and math.isfinite(train_loss)):
        raise UserError(f"the loss is no longer a number at step {state.step}; lower training.learning_rate.")
    if loss < state.best_loss:
        state.best_loss, state.best_step, state.stale = loss, state.step, 0
        state.best_weights = {key: value.detach().cpu().clone() for key, value in task.model.state_dict().items()}
    else:
        state.stale += 1
    rate = state.optimizer.param_groups[0]["lr"]
    look = {"step": state.step, "train_loss": train_loss, "validation_loss": loss, "learning_rate": rate, **numbers}
    state.history.append(look)
    return look
