"""One training from beginning to end, whatever the model: prepare, go on where it was stopped, train, write."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
from torch.optim import Optimizer

from l2l import config
from l2l.dataset.layout import Chunks
from l2l.features.standardize import Standardizer
from l2l.sides import Side
from l2l.training import resume
from l2l.training.checkpoint import save_checkpoint
from l2l.training.loop import Again, fit
from l2l.training.session import session
from l2l.training.state import Task, TrainingState

log = logging.getLogger(__name__)

T = TypeVar("T", bound=Task)


@dataclass(frozen=True)
class Run(Generic[T]):
    """A model about to be trained."""

    task: T
    optimizer: Optimizer
    standardizers: dict[str, Standardizer]  # of the model's inputs
    content: dict[str, Any]  # what the checkpoint says besides: kind, architecture, config, ...
    data: Chunks
    rows: dict[str, np.ndarray]  # of `data`: train and validation; and what else tells one run from another
    training: config.TrainingSettings  # with a length
    again: Again | None = None  # how it is trained for longer, if that may help
    finish: Callable[[], Any] | None = None  # changes the best weights after the last step


def train(
    prepare: Callable[[], Run],
    training: config.TrainingSettings,
    seed: int,
    out: Path,
    log_dir: Path,
    write: Callable[[Run, TrainingState], None] | None = None,
    on_best: Callable[[Run, TrainingState], None] | None = None,
) -> None:
    """Train what `prepare` makes and let `write` write it to `out`; curves go to `log_dir`.

    `on_best` is called after each validation that found better weights. The same call resumes a training that was
    stopped. Raises UserError when another process trains `out`, Stopped when a signal ends it.
    """
    with session(out, training) as current:
        run = prepare()
        current.run = resume.identity(seed, run.content, run.data, run.rows, run.standardizers, run.task.model)
        keep = (lambda state: on_best(run, state)) if on_best else None
        state = fit(run.task, run.optimizer, run.training, seed, log_dir, keep, current, run.again)
        current.finish((lambda: write(run, state)) if write else None)
        log.info("wrote %s", out)


def checkpoint_writer(out: Path, listener: Side, seed: int) -> Callable[[Run, TrainingState], None]:
    """Writes the best weights of a run as a checkpoint of ours."""

    def write(run: Run, state: TrainingState) -> None:
        best = state.best()
        if run.finish:
            run.task.model.load_state_dict(state.best_weights)
            run.finish()
            best["state_dict"] = {name: weight.cpu() for name, weight in run.task.model.state_dict().items()}
        save_checkpoint(out, run.standardizers, **run.content, **best, seed=seed, listener=listener)

    return write
