"""What the training loop needs to know of a model, and all that changes while one is trained."""

import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from l2l.training.batches import ORDER_SEED


class Batch(NamedTuple):
    """What one step learns from: all that is drawn and looked up before the model runs."""

    tensors: tuple[Tensor, ...]  # wherever they lie
    kind: Hashable = None  # what else decides which operations the loss consists of
    seed: int | None = None  # of torch's global generators during the step: dropout, noise
    steady: bool = True  # the same operations for all batches of this kind and these shapes, so a GPU can replay them


class Task(Protocol):
    """What the loop needs to know of a model."""

    train: np.ndarray  # (N,) rows to train on
    through: Callable[..., Any]  # what `loss` calls: the model, also among several processes, in some precision
    generators: dict[str, np.random.RandomState]  # the task's own, if it draws from any
    progress: float  # share of `max_steps` before this step, set by the loop

    @property
    def model(self) -> nn.Module: ...

    @property
    def ready(self) -> bool:
        """Whether the weights of now may be the best ones; until then, validation only draws curves."""
        ...

    def batch(self, rows: np.ndarray, generator: torch.Generator, part: slice = slice(None)) -> Batch:
        """`part` of the batch of `rows`; draws are for the whole batch, from `generator`, but dropout and noise are the
        part's own (`draw_seed`)."""
        ...

    def loss(self, tensors: tuple[Tensor, ...], kind: Any) -> Tensor:
        """The loss () of a batch's tensors, on the model's device, and its kind."""
        ...

    def validate(self) -> dict[str, float]:
        """Numbers of the held-out windows; `loss` decides which weights are best."""
        ...


@dataclass
class TrainingState:
    """Everything that changes while a model is trained, but for its weights and the task's generators."""

    optimizer: Optimizer
    generator: torch.Generator  # on the CPU, so that every device sees the same batches
    order: np.random.RandomState = field(default_factory=lambda: np.random.RandomState(ORDER_SEED))  # of fixed batches
    attempt: int = 0  # how often training has begun anew, for longer
    before: int = 0  # steps of the attempts before this one
    step: int = 0  # of this attempt
    epoch: int = 0  # the one under way, from 1
    waiting: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))  # rows still to come in this epoch
    running: Tensor = field(default_factory=lambda: torch.zeros(()))  # sum of training losses since the last validation
    since: int = 0  # steps since the last validation
    best_step: int = 0  # counted over all attempts
    best_loss: float = math.inf
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    stale: int = 0  # validations since the best one
    history: list[dict[str, float]] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Steps of all attempts."""
        return self.before + self.step

    def restart(self, seed: int) -> None:
        """A new attempt begins; what was best so far stays."""
        self.attempt, self.before, self.step, self.epoch, self.stale = self.attempt + 1, self.total, 0, 0, 0
        self.generator.manual_seed(seed)
        self.order, self.waiting = np.random.RandomState(ORDER_SEED), self.waiting[:0]

    def best(self) -> dict[str, Any]:
        """What a checkpoint says of a training: the best weights, their step and loss, and the curves."""
        return {
            "state_dict": self.best_weights,
            "step": self.best_step,
            "validation_loss": self.best_loss,
            "history": self.history,
        }


def weights_of(model: nn.Module) -> dict[str, Tensor]:
    """A copy of all that a model has learned, on the CPU."""
    return {key: value.detach().cpu().clone() for key, value in model.state_dict().items()}
