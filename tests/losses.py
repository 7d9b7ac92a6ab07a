"""The loss of some rows, as a step has it."""

import numpy as np
import torch
from torch import Tensor

from l2l.training.seeding import seeded
from l2l.training.state import Task


def loss_of(task: Task, rows: np.ndarray, seed: int = 0) -> Tensor:
    batch = task.batch(rows, torch.Generator().manual_seed(seed))
    with seeded(batch.seed, torch.device("cpu")):
        return task.loss(batch.tensors, batch.kind)
