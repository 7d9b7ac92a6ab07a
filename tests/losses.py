"""Losses of some rows and of some steps, as a training has them."""

import numpy as np
import torch
from torch import Tensor

from l2l.training.ranks import Ranks
from l2l.training.run import Run
from l2l.training.seeding import seeded
from l2l.training.state import Task
from l2l.training.steps import Steps


def loss_of(task: Task, rows: np.ndarray, seed: int = 0) -> Tensor:
    batch = task.batch(rows, torch.Generator().manual_seed(seed))
    with seeded(batch.seed, torch.device("cpu")):
        return task.loss(batch.tensors, batch.kind)


def losses(run: Run, replay: bool, count: int) -> list[float]:
    steps = Steps(run.task, run.optimizer, 1.0, Ranks(), replay)
    generator, found = torch.Generator().manual_seed(0), []
    run.task.progress = 0.2
    with steps.on_stream():
        for number in range(count):
            steps.rate(1e-3 / (number + 1))
            run.task.model.train()
            found.append(steps(run.task.batch(run.task.train[:4], generator)).clone())
    return torch.stack(found).tolist()
