"""Training for longer, from the beginning, as long as that finds better weights."""

from pathlib import Path
from typing import Any

import pytest
import torch

from l2l.architectures import train_codebook, train_predictor
from l2l.config import Settings, TrainingSettings, merge
from l2l.errors import Stopped
from l2l.patches import length
from l2l.patches.checkpoint import load_models
from l2l.training import session as sessions
from l2l.training.loop import fit
from l2l.training.state import TrainingState
from tests.synthetic import write_chunks
from tests.tiny import tiny_patches
from tests.training.test_loop import Scripted


def attempts(losses: list[float], log_dir: Path, most: int = 9) -> tuple[Scripted, TrainingState, list[int]]:
    """Of 2, 4, 8, ... steps, each of them looked at."""
    task, asked = Scripted(losses), []
    training = TrainingSettings(max_steps=2, validate_every=1, warmup_steps=0, learning_rate=0.1)
    torch.nn.init.constant_(task.model.weight, 1.0)

    def again(attempt: int) -> Any:
        asked.append(attempt)
        if attempt > most:
            return None
        longer = training.model_copy(update={"max_steps": 2 * 2**attempt})
        return longer, torch.optim.SGD(task.model.parameters())

    state = fit(task, torch.optim.SGD(task.model.parameters()), training, 0, log_dir, again=again)
    return task, state, asked


def test_what_does_not_help_is_not_kept_and_not_tried_for_longer(tmp_path: Path) -> None:
    task, state, asked = attempts([5.0, 4.0, 4.5, 4.1, 4.2, 4.3], tmp_path)
    assert (state.best_step, state.best_loss, asked) == (2, 4.0, [1])
    assert state.best_weights["weight"].item() == task.weights[1]


def test_what_helps_is_tried_for_longer_still(tmp_path: Path) -> None:
    _, state, asked = attempts([5.0, 4.0, 4.5, 4.1, 3.0, 3.1, *8 * [3.5]], tmp_path)
    assert (state.best_step, state.total, asked) == (5, 14, [1, 2])
    assert [look["step"] for look in state.history] == list(range(1, 15))


def test_the_last_attempt_is_the_last(tmp_path: Path) -> None:
    _, state, asked = attempts([5.0, 4.0, 3.0, 3.0, 3.0, 2.0], tmp_path, most=1)
    assert (state.best_step, state.total, asked) == (6, 6, [1, 2])


def test_each_begins_with_the_first_weights_the_whole_rate_and_the_same_batches(tmp_path: Path) -> None:
    task, state, _ = attempts([5.0, 4.0, *4 * [4.5]], tmp_path)
    assert task.weights[0] == task.weights[2] == pytest.approx(1 - 0.1)
    assert [look["learning_rate"] for look in state.history][::2][:2] == [0.1, 0.1]
    assert [list(rows) for rows in task.batches[:2]] == [list(rows) for rows in task.batches[2:4]]


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_chunks(tmp_path_factory.mktemp("person"), windows=24, videos=4)
    train_codebook(folder, "left", tiny_patches(6), folder / "codebook.pt", folder / "log")
    return folder


def auto() -> Settings:
    training = {"max_steps": "auto", "validate_every": 2}
    return Settings.model_validate(merge(tiny_patches(6).model_dump(), {"predictor": {"training": training}}))


def test_a_predictor_is_tried_for_longer_where_its_length_is_left_open(
    person: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(length, "LONGEST", 12)
    monkeypatch.setattr(length, "predictor_steps", lambda minutes: 5)
    out, codebook = tmp_path / "predictor.pt", person / "codebook.pt"
    train_predictor(person, codebook, "left", auto(), out, tmp_path / "log")
    history = torch.load(out, weights_only=True)["history"]
    assert history[-1]["step"] == 5 + 10
    best = min(look["validation_loss"] for look in history)
    assert torch.load(out, weights_only=True)["validation_loss"] == best
    load_models(codebook, out)
    train_predictor(person, codebook, "left", tiny_patches(6), tmp_path / "told.pt", tmp_path / "log")
    assert torch.load(tmp_path / "told.pt", weights_only=True)["history"][-1]["step"] == 6


@pytest.mark.parametrize("stops", [(3,), (7,), (2, 8)], ids=str)
def test_a_training_that_was_stopped_in_any_attempt_gives_the_same_bytes(
    person: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stops: tuple[int, ...]
) -> None:
    monkeypatch.setattr(length, "LONGEST", 12)
    monkeypatch.setattr(length, "predictor_steps", lambda minutes: 5)
    codebook, count, pause = person / "codebook.pt", 0, sessions.Session.pause

    def train(name: str) -> bytes:
        train_predictor(person, codebook, "left", auto(), tmp_path / name, tmp_path / "log")
        return (tmp_path / name).read_bytes()

    whole = train("whole.pt")

    def stopping(self: Any, task: Any, state: TrainingState) -> None:
        nonlocal count
        count += 1
        if count in stops:
            self._signal = sessions.signal.SIGTERM
        pause(self, task, state)

    monkeypatch.setattr(sessions.Session, "pause", stopping)
    for _ in stops:
        with pytest.raises(Stopped, match="stopped after step"):
            train("stopped.pt")
    assert train("stopped.pt") == whole
