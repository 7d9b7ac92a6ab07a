"""The training loop of both models.

- A `Task` brings a model, its windows and its losses; the loop brings batches, schedule, validation and stopping.
- All that changes during training is in one object, `State`.
- Windows are mixed anew each epoch from a seeded generator. The released code fixed each batch for ever, dropped the
  last partial one, and shared one generator between training and validation.
- The weights of the best validation are kept in memory and handed back; nothing is written here but curves.
"""

import logging
import math
import sys
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

log = logging.getLogger(__name__)

CURVES = {"train_loss": "loss/train", "validation_loss": "loss/validation", "perplexity": "codebook/perplexity"}
CLIP = 1.0  # largest gradient norm of a step


class Task(Protocol):
    """What the loop needs to know of a model."""

    train: np.ndarray  # (N,) rows to train on

    @property
    def model(self) -> nn.Module: ...

    def loss(self, rows: np.ndarray, generator: torch.Generator) -> Tensor:
        """The loss () of one batch; every random draw comes from `generator`."""
        ...

    def validate(self) -> dict[str, float]:
        """Numbers of the held-out windows, free of chance; `loss` decides which weights are best."""
        ...


@dataclass
class State:
    """Everything that changes while a model is trained."""

    optimizer: Optimizer
    generator: torch.Generator  # on the CPU, so that every device sees the same batches
    step: int = 0
    waiting: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))  # rows still to come in this epoch
    best_step: int = 0
    best_loss: float = math.inf
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    stale: int = 0  # looks since the best one
    history: list[dict[str, float]] = field(default_factory=list)


def learning_rate(step: int, training: config.Training) -> float:
    """Of step 1, 2, ...: linear to the peak at `warmup_steps`, then a cosine to zero just after `max_steps`.

    The released schedule rises for 100,000 steps and falls with the square root, for runs of weeks.
    """
    if step <= training.warmup_steps:
        return training.learning_rate * step / training.warmup_steps
    progress = (step - 1 - training.warmup_steps) / max(training.max_steps - training.warmup_steps, 1)
    return training.learning_rate * 0.5 * (1 + math.cos(math.pi * progress))


def next_batch(state: State, rows: np.ndarray, size: int) -> np.ndarray:
    """The next rows of this epoch, or the first of a newly mixed one."""
    if not len(state.waiting):
        order = rows[torch.randperm(len(rows), generator=state.generator).numpy()]
        # A batch of one makes BatchNorm's statistics those of a single window; it comes along in a later epoch.
        single = len(order) % size == 1 and len(order) > 1 and size > 1
        state.waiting = order[:-1] if single else order
    batch, state.waiting = state.waiting[:size], state.waiting[size:]
    return batch


def train(task: Task, optimizer: Optimizer, training: config.Training, seed: int, log_dir: Path) -> State:
    """Train until `max_steps`, or until `patience` looks at the validation loss bring nothing better.

    Writes tensorboard curves to `log_dir`; shows a bar on a terminal, else logs one line per look. Raises UserError
    when the loss stops being a number.
    """
    state = State(optimizer, torch.Generator().manual_seed(seed))
    watched = sys.stderr.isatty()
    running, since = torch.zeros((), device=next(task.model.parameters()).device), 0
    with SummaryWriter(log_dir) as writer, tqdm(total=training.max_steps, unit="step", disable=not watched) as bar:
        while state.step < training.max_steps and state.stale < training.patience:
            running += _step(task, state, training)
            since += 1
            bar.update()
            if state.step % training.validate_every == 0 or state.step == training.max_steps:
                look = _look(task, state, float(running) / since)
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
    loss = task.loss(next_batch(state, task.train, training.batch_size), state.generator)
    loss.backward()
    nn.utils.clip_grad_norm_(task.model.parameters(), CLIP)
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
