from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from l2l import config
from l2l.config import TrainingSettings
from l2l.errors import UserError
from l2l.training.loop import fit, learning_rate, next_batch
from l2l.training.state import Batch, TrainingState
from tests.released.released_models import released


class Scripted:
    """A task of one weight whose validation losses are given."""

    progress, ready = 0.0, True

    def __init__(self, validation_losses: list[float]) -> None:
        self.model = nn.Linear(1, 1, bias=False)
        self.through: nn.Module = self.model
        self.generators: dict[str, np.random.RandomState] = {}
        self.train = np.arange(10)
        self.script = iter(validation_losses)
        self.weights: list[float] = []
        self.batches: list[np.ndarray] = []

    def batch(self, rows: np.ndarray, generator: torch.Generator, part: slice = slice(None)) -> Batch:
        self.batches.append(rows)
        return Batch(())

    def loss(self, tensors: tuple[Tensor, ...], kind: Any) -> Tensor:
        return self.model.weight.sum()

    def validate(self) -> dict[str, float]:
        assert not self.model.training
        self.weights.append(self.model.weight.item())
        return {"loss": next(self.script)}


def run(losses: list[float], log_dir: Path, **settings: Any) -> tuple[Scripted, TrainingState]:
    task = Scripted(losses)
    training = TrainingSettings(**{"validate_every": 1, "warmup_steps": 0, "batch_size": 4, **settings})
    return task, fit(task, torch.optim.SGD(task.model.parameters()), training, 0, log_dir)


def new_state(seed: int = 0) -> TrainingState:
    return TrainingState(torch.optim.SGD([torch.zeros(1)]), torch.Generator().manual_seed(seed))


def test_the_weights_of_the_best_validation_are_kept(tmp_path: Path) -> None:
    task, state = run([3.0, 1.0, 2.0, 2.0], tmp_path, max_steps=4)
    assert (state.best_step, state.best_loss) == (2, 1.0)
    assert state.best_weights["weight"].item() == task.weights[1] != task.weights[3]


def test_training_stops_when_patience_ends(tmp_path: Path) -> None:
    _, state = run([3.0, 2.0, 2.5, 2.0, 1.0], tmp_path, max_steps=5, patience=2)
    assert state.step == 4


def test_the_last_step_is_always_validated(tmp_path: Path) -> None:
    _, state = run([3.0, 2.0], tmp_path, max_steps=7, validate_every=5)
    assert [look["step"] for look in state.history] == [5, 7]


def test_a_loss_that_is_no_number_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="step 2; lower"):
        run([1.0, float("nan")], tmp_path, max_steps=4)


def test_curves_are_written(tmp_path: Path) -> None:
    run([1.0], tmp_path / "curves", max_steps=1)
    (written,) = (tmp_path / "curves").iterdir()
    assert b"loss/validation" in written.read_bytes()


def test_every_epoch_sees_every_window_once_in_a_new_order() -> None:
    state, rows = new_state(), np.arange(100, 110)
    epochs = [[list(next_batch(state, rows, 4)) for _ in range(3)] for _ in range(2)]
    for epoch in epochs:
        assert [len(batch) for batch in epoch] == [4, 4, 2]
        assert sorted(row for batch in epoch for row in batch) == list(rows)
    assert epochs[0] != epochs[1]


def test_only_a_last_batch_of_one_is_dropped() -> None:
    state = new_state()
    assert [len(next_batch(state, np.arange(9), 4)) for _ in range(4)] == [4, 4, 4, 4]
    assert [len(next_batch(new_state(), np.arange(1), 4))] == [1]


def test_the_same_seed_gives_the_same_batches() -> None:
    draws = [[tuple(next_batch(state, np.arange(10), 4)) for _ in range(5)] for state in map(new_state, (0, 0, 1))]
    assert draws[0] == draws[1] != draws[2]


def test_the_learning_rate_rises_to_its_peak_and_falls_to_nothing() -> None:
    training = TrainingSettings(learning_rate=0.1, warmup_steps=10, max_steps=110)
    rates = [learning_rate(step, training) for step in range(1, 111)]
    assert rates[0] == pytest.approx(0.01)
    assert rates[9] == rates[10] == max(rates) == pytest.approx(0.1)
    assert rates[60] == pytest.approx(0.05)
    assert 0 < rates[-1] < 1e-4


@pytest.mark.parametrize("stage", ["codebook", "predictor"])
def test_the_released_schedule_gives_the_released_rates(stage: str) -> None:
    want = released("data_and_schedule")
    training = getattr(config.from_differences([], None, "released").windows, stage).training
    for step, rate in zip(want["lr_steps"].tolist(), want[f"lr_{stage}"].tolist(), strict=True):
        assert learning_rate(step, training) == pytest.approx(rate, rel=1e-12)


def test_an_epoch_ends_with_a_look_and_epochs_can_be_counted(tmp_path: Path) -> None:
    _, state = run([3.0, 4.0], tmp_path, max_steps=99, validate_every=0, max_epochs=2, patience=0)
    assert [look["step"] for look in state.history] == [3, 6]  # 10 rows in batches of 4


def test_without_patience_training_goes_on(tmp_path: Path) -> None:
    _, state = run([1.0] + 19 * [2.0], tmp_path, max_steps=20, patience=0)
    assert state.step == 20


def test_better_weights_are_handed_over_at_once(tmp_path: Path) -> None:
    task, seen = Scripted([3.0, 4.0, 2.0]), []
    training = TrainingSettings(validate_every=1, warmup_steps=0, max_steps=3)
    optimizer = torch.optim.SGD(task.model.parameters())
    fit(task, optimizer, training, 0, tmp_path, on_best=lambda s: seen.append((s.step, s.best_loss)))
    assert seen == [(1, 3.0), (3, 2.0)]


@pytest.mark.parametrize(("clip", "moved"), [(1.0, 0.1), (0.0, 0.5)])
def test_gradients_are_clipped_unless_told_not_to(tmp_path: Path, clip: float, moved: float) -> None:
    class Steep(Scripted):
        def loss(self, tensors: tuple[Tensor, ...], kind: Any) -> Tensor:
            return 5 * self.model.weight.sum()

    task = Steep([1.0])
    before = task.model.weight.item()
    training = TrainingSettings(learning_rate=0.1, warmup_steps=0, max_steps=1, clip=clip)
    fit(task, torch.optim.SGD(task.model.parameters()), training, 0, tmp_path)
    assert before - task.model.weight.item() == pytest.approx(moved, rel=1e-4)


def test_fixed_batches_reach_the_task(tmp_path: Path) -> None:
    task, _ = run([1.0, 1.0], tmp_path, max_steps=4, validate_every=2, batches="fixed")
    assert {tuple(batch) for batch in task.batches} == {(0, 1, 2, 3), (4, 5, 6, 7)}
