"""The training loop of both models.

- A `Task` brings a model, its windows and its losses; the loop brings batches, schedule, validation and stopping.
- All that changes during training is in one object, `TrainingState`, which a `Session` can save and bring back.
- How the released program did it differs in switches of `config.TrainingSettings` only: `batches`, `schedule`, `clip`,
  `max_epochs`, and 0 for `validate_every` and `patience`.
- Where more steps may help, training begins anew with more of them, as long as validation finds it better: attempts.
- The weights of the best validation are kept in memory and handed back; nothing is written here but curves.
- With several processes all do the same, each on its part of a batch; only the lead validates and draws curves.
"""

import contextlib
import logging
import math
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch.optim import Optimizer
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from l2l import config
from l2l.config.section import Precision
from l2l.errors import UserError
from l2l.precision import available, casting, multiplying
from l2l.training.batches import fixed_epoch, mixed_epoch
from l2l.training.ranks import Ranks
from l2l.training.resume import pack, unpack
from l2l.training.session import Session
from l2l.training.state import Task, TrainingState, weights_of
from l2l.training.steps import Steps

log = logging.getLogger(__name__)

CURVES = {"train_loss": "loss/train", "validation_loss": "loss/validation", "perplexity": "codebook/perplexity"}

# What attempt 1, 2, ... is trained with, None after the last one; attempt 0 came before.
Again = Callable[[int], tuple[config.TrainingSettings, Optimizer] | None]


def learning_rate(step: int, training: config.TrainingSettings) -> float:
    """Of step 1, 2, ...: linear to the peak at `warmup_steps`, then down.

    `cosine` reaches zero just after `max_steps`. `inverse_sqrt` is the released schedule, for runs of weeks: with its
    factor f and width d, f d^-0.5 min(n^-0.5, n w^-1.5), the peak is f / sqrt(d w).
    """
    if step <= training.warmup_steps:
        return training.learning_rate * step / training.warmup_steps
    if training.schedule == "inverse_sqrt":
        return training.learning_rate * math.sqrt(training.warmup_steps / step)
    progress = (step - 1 - training.warmup_steps) / max(training.steps - training.warmup_steps, 1)
    return training.learning_rate * 0.5 * (1 + math.cos(math.pi * progress))


def next_batch(state: TrainingState, rows: np.ndarray, size: int, batches: str = "mixed") -> np.ndarray:
    """The next rows of this epoch, or the first of a new one."""
    if not len(state.waiting):
        state.epoch += 1
        if batches == "fixed":
            state.waiting = fixed_epoch(rows, size, state.order)
        else:
            state.waiting = mixed_epoch(rows, size, state.generator)
    batch, state.waiting = state.waiting[:size], state.waiting[size:]
    return batch


def _finished(state: TrainingState, training: config.TrainingSettings) -> bool:
    epochs_over = training.max_epochs and state.epoch >= training.max_epochs and not len(state.waiting)
    return state.step >= training.steps or bool(epochs_over)


def _look_due(state: TrainingState, training: config.TrainingSettings) -> bool:
    every = training.validate_every
    return (state.step % every == 0 if every else not len(state.waiting)) or _finished(state, training)


def _over(state: TrainingState, training: config.TrainingSettings) -> bool:
    return _finished(state, training) or bool(training.patience and state.stale >= training.patience)


def fit(
    task: Task,
    optimizer: Optimizer,
    training: config.TrainingSettings,
    seed: int,
    log_dir: Path,
    on_best: Callable[[TrainingState], None] | None = None,
    session: Session | None = None,
    again: Again | None = None,
) -> TrainingState:
    """Train until `max_steps` or `max_epochs`, or until `patience` looks at the validation loss bring nothing better.

    Then, with `again`, from the first weights and for longer, as long as that finds better weights.

    Writes tensorboard curves to `log_dir`; shows a bar on a terminal, else logs one line per look. `on_best` is called
    after each look that found better weights. Goes on where `session` was stopped before; without one, training can
    only be done in one go. Raises UserError when the loss stops being a number, Stopped when a signal ends it.
    """
    session = session or Session()
    ranks, first = session.ranks, weights_of(task.model) if again else {}
    state = TrainingState(optimizer, torch.Generator().manual_seed(seed))
    state.running = torch.zeros((), device=next(task.model.parameters()).device)
    session.resume(task, state)
    if again and state.attempt:
        training, _ = again(state.attempt) or (training, None)  # the optimizer came with the state
    precision = available(training.precision, state.running.device)
    # What a killed run drew beyond the step it resumes from is drawn again: the old points are hidden.
    curves = SummaryWriter(log_dir, purge_step=state.total + 1) if ranks.lead else None
    with ranks.shared(task), session.watching(), curves or contextlib.nullcontext() as writer:
        task.through = casting(task.through, precision, state.running.device)
        while True:
            _attempt(task, state, training, precision, session, writer, on_best)
            # Better than those before? The first one always is.
            next_one = again(state.attempt + 1) if again and state.best_step > state.before else None
            if next_one is None:
                break
            training, state.optimizer = next_one
            state.restart(seed)
            task.model.load_state_dict(first)
            log.info("once more from the beginning, with %d steps", training.steps)
    log.info("best validation loss %.4f at step %d of %d", state.best_loss, state.best_step, state.total)
    return state


def _attempt(
    task: Task,
    state: TrainingState,
    training: config.TrainingSettings,
    precision: Precision,
    session: Session,
    writer: SummaryWriter | None,
    on_best: Callable[[TrainingState], None] | None,
) -> None:
    """All steps of one length."""
    ranks = session.ranks
    watched = ranks.lead and sys.stderr.isatty()
    steps = Steps(task, state.optimizer, training.clip, ranks, training.replay)
    with steps.on_stream(), _bar(state, training, watched) as bar:
        while not _over(state, training):
            with multiplying(precision):
                _step(task, state, training, ranks, steps)
            bar.update()
            if _look_due(state, training):
                look = _look(task, state, ranks)
                if on_best and ranks.lead and state.best_step == state.total:
                    on_best(state)
                if writer:
                    for name in sorted(look.keys() - {"step"}):
                        writer.add_scalar(CURVES.get(name, name), look[name], state.total)
                if watched:
                    bar.set_postfix(train=look["train_loss"], validation=look["validation_loss"], best=state.best_loss)
                else:
                    log.info("%s", ", ".join(f"{name} {value:.6g}" for name, value in look.items()))
            if not _over(state, training):
                session.pause(task, state)


def _bar(state: TrainingState, training: config.TrainingSettings, watched: bool) -> tqdm:
    return tqdm(total=training.steps, initial=state.step, unit="step", disable=not watched)


def _step(task: Task, state: TrainingState, training: config.TrainingSettings, ranks: Ranks, steps: Steps) -> None:
    """One optimizer step; its loss is added to `state.running`, still on the device."""
    state.step += 1
    steps.rate(learning_rate(state.step, training))
    task.model.train()
    task.progress = (state.step - 1) / training.steps
    rows = next_batch(state, task.train, training.batch_size, training.batches)
    part, share = ranks.part(len(rows))
    state.running += share * steps(task.batch(rows, state.generator, part), share)
    state.since += 1


def _look(task: Task, state: TrainingState, ranks: Ranks) -> dict[str, float]:
    """Validate, remember the weights if they are the best so far, and return this look's line of the history."""
    task.model.eval()

    def validate() -> tuple[dict[str, float], dict]:
        with torch.no_grad():
            return task.validate(), {name: pack(generator) for name, generator in task.generators.items()}

    numbers, generators = ranks.on_lead(validate)
    for name, generator in task.generators.items():
        unpack(generator, generators[name])  # in the lead nothing changes; the others did not draw
    loss, train_loss = numbers.pop("loss"), float(ranks.total(state.running)) / state.since
    state.running, state.since = torch.zeros_like(state.running), 0
    if not (math.isfinite(loss) and math.isfinite(train_loss)):
        raise UserError(f"the loss is no longer a number at step {state.total}; lower training.learning_rate.")
    if not task.ready:
        pass
    elif loss < state.best_loss:
        state.best_loss, state.best_step, state.stale = loss, state.total, 0
        state.best_weights = weights_of(task.model)
    else:
        state.stale += 1
    rate = float(state.optimizer.param_groups[0]["lr"])
    look = {"step": state.total, "train_loss": train_loss, "validation_loss": loss, "learning_rate": rate, **numbers}
    state.history.append(look)
    return look
