"""A training that was stopped goes on where it was, and writes what it would have written."""

import logging
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from l2l.architectures import train_codebook, train_predictor
from l2l.config import Settings
from l2l.errors import Stopped
from l2l.training import resume
from l2l.windows.train_codebook import CodebookTask
from l2l.windows.train_predictor import PredictorTask
from tests.preloaded import program
from tests.synthetic import write_chunks
from tests.tiny import tiny_settings

MODERN: dict[str, Any] = {}
RELEASED = {"batches": "fixed", "schedule": "inverse_sqrt", "clip": 0.0}
STEPS = 11  # in epochs of 2 to 5 batches; looks at 4, 8 and 11


def settings(batches: dict[str, Any] = MODERN, **training: Any) -> Settings:
    values = tiny_settings(STEPS).model_dump()
    for stage in ("codebook", "predictor"):
        values["windows"][stage]["training"] |= {"validate_every": 4, **batches, **training}
    if batches is RELEASED:
        values["windows"]["codebook"] |= {"crops": "halves", "best": "total"}
        values["windows"]["predictor"] |= {"masks": "released"}
    return Settings.model_validate(values)


@pytest.fixture(scope="module")
def chunks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_chunks(tmp_path_factory.mktemp("person"), windows=20, videos=3)
    train_codebook(folder, "left", tiny_settings(2), folder / "codebook.pt", folder / "log")
    return folder


def train(chunks: Path, stage: str, chosen: Settings, folder: Path) -> bytes:
    """Train one stage into `folder`; the bytes of its checkpoint."""
    out, log = folder / f"{stage}.pt", folder / "log"
    if stage == "codebook":
        train_codebook(chunks, "left", chosen, out, log)
    else:
        train_predictor(chunks, chunks / "codebook.pt", "left", chosen, out, log)
    return out.read_bytes()


@pytest.fixture(scope="module")
def predictor(chunks: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The checkpoint of a predictor that was never stopped."""
    return train(chunks, "predictor", settings(), tmp_path_factory.mktemp("whole"))


@pytest.fixture
def at_step(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, Callable[[], object]], None]:
    """Does something in the middle of a step, counted from 1 and from the last call."""

    def arrange(step: int, act: Callable[[], object]) -> None:
        count: Iterator[int] = iter(range(1, 10**6))
        for task, original in originals.items():

            def loss(self, *arguments, original=original):
                if next(count) == step:
                    act()
                return original(self, *arguments)

            monkeypatch.setattr(task, "loss", loss)

    originals = {task: task.loss for task in (CodebookTask, PredictorTask)}
    return arrange


def tell(number: signal.Signals) -> Callable[[], None]:
    return lambda: os.kill(os.getpid(), number)


@pytest.mark.parametrize("batches", [MODERN, RELEASED], ids=["modern", "released"])
@pytest.mark.parametrize("stage", ["codebook", "predictor"])
def test_resumed_is_equal_to_the_byte(chunks: Path, tmp_path: Path, stage: str, batches: dict, at_step: Any) -> None:
    chosen = settings(batches)
    whole = train(chunks, stage, chosen, tmp_path / "whole")
    for step in range(1, STEPS):  # stopped after every one: inside epochs, at their ends, before and after looks
        at_step(1, tell(signal.SIGTERM))
        with pytest.raises(Stopped, match=rf"after step {step} by SIGTERM; run the same command"):
            train(chunks, stage, chosen, tmp_path / "parts")
        assert not (tmp_path / f"parts/{stage}.pt").exists()
    at_step(0, lambda: None)
    assert train(chunks, stage, chosen, tmp_path / "parts") == whole
    assert sorted(path.name for path in (tmp_path / "parts").iterdir()) == sorted(["log", f"{stage}.pt"])


def test_a_killed_run_goes_on_from_its_last_copy_and_curves_have_no_step_twice(
    chunks: Path, tmp_path: Path, at_step: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = settings(checkpoint_minutes=1e-9)
    whole = train(chunks, "predictor", chosen, tmp_path / "whole")

    def die() -> None:
        raise MemoryError

    kept = {}

    def save(path: Path, run: str, task: Any, state: Any) -> None:
        if state.step <= 6:  # then the disk is full: the look at step 8 comes after the last copy
            kept[state.step] = usual(path, run, task, state)

    usual = resume.save
    monkeypatch.setattr(resume, "save", save)
    at_step(10, die)
    with pytest.raises(MemoryError):
        train(chunks, "predictor", chosen, tmp_path / "parts")
    assert list(kept) == [1, 2, 3, 4, 5, 6]  # every step is due, none is skipped
    at_step(0, lambda: None)
    # TensorBoard reads files by name: by second, then by a count as text (10 before 9). Another process takes longer.
    time.sleep(1)
    assert train(chunks, "predictor", chosen, tmp_path / "parts") == whole
    for folder in ("whole", "parts"):
        curves = EventAccumulator(str(tmp_path / folder / "log"))
        curves.Reload()
        assert [point.step for point in curves.Scalars("loss/validation")] == [4, 8, 11]
    assert len(list((tmp_path / "parts/log").iterdir())) == 2


def stopped(chunks: Path, folder: Path, at_step: Any, chosen: Settings) -> Path:
    """A training stopped after step 5; its resume file."""
    at_step(5, tell(signal.SIGUSR1))
    with pytest.raises(Stopped, match="SIGUSR1"):
        train(chunks, "predictor", chosen, folder)
    at_step(0, lambda: None)
    return folder / ".predictor.resume.pt"


@pytest.mark.parametrize("change", ["settings", "data", "codebook", "seed"])
def test_the_state_of_another_run_is_left_alone(
    chunks: Path, tmp_path: Path, at_step: Any, change: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    chosen, folder = settings(), chunks
    stopped(chunks, tmp_path / "parts", at_step, chosen)
    if change == "settings":
        chosen = settings(learning_rate=1e-3)
    elif change == "seed":
        chosen = chosen.model_copy(update={"seed": 1})
    else:
        folder = write_chunks(tmp_path / "other", windows=20, videos=3, seed=int(change == "data"))
        seed = int(change == "codebook")
        train_codebook(folder, "left", tiny_settings(2, seed), folder / "codebook.pt", folder / "log")
        same = (folder / "codebook.pt").read_bytes() == (chunks / "codebook.pt").read_bytes()
        assert not same
    whole = train(folder, "predictor", chosen, tmp_path / "whole")
    caplog.clear()
    assert train(folder, "predictor", chosen, tmp_path / "parts") == whole
    assert caplog.text.count("is of other settings, data or codebook") == 1


def test_where_and_how_often_may_change_on_the_way(
    chunks: Path, tmp_path: Path, at_step: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    path = stopped(chunks, tmp_path, at_step, settings())
    train(chunks, "predictor", settings(threads=0, device="auto", checkpoint_minutes=7), tmp_path)
    assert f"going on after step 5, from {path}" in caplog.text


def test_a_file_of_an_older_version_is_left_alone(chunks: Path, tmp_path: Path, at_step: Any, predictor: bytes) -> None:
    path = stopped(chunks, tmp_path, at_step, settings())
    content = torch.load(path, weights_only=True)
    del content["state"]["attempt"], content["state"]["before"]
    torch.save({**content, "format": 1}, path)
    assert train(chunks, "predictor", settings(), tmp_path) == predictor


@pytest.mark.parametrize("damage", ["cut", "empty", "text", "list", "bomb"])
def test_a_damaged_file_is_named_and_ignored(
    chunks: Path, predictor: bytes, tmp_path: Path, at_step: Any, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    class Bomb:
        def __reduce__(self) -> tuple:
            return Path.touch, (tmp_path / "exploded",)

    path = stopped(chunks, tmp_path / "parts", at_step, settings())
    content = path.read_bytes()
    if damage in ("cut", "empty", "text"):
        path.write_bytes({"cut": content[: len(content) // 2], "empty": b"", "text": b"hello"}[damage])
    else:
        torch.save([1] if damage == "list" else {"format": Bomb()}, path)
    assert train(chunks, "predictor", settings(), tmp_path / "parts") == predictor
    assert f"{path} cannot be read, so training starts from the beginning" in caplog.text
    assert not (tmp_path / "exploded").exists()


def test_nothing_half_written_is_ever_the_resume_file(chunks: Path, tmp_path: Path, at_step: Any) -> None:
    path = stopped(chunks, tmp_path, at_step, settings())
    before = path.read_bytes()

    def break_off(*_: object) -> None:
        raise OSError("disk full")

    at_step(3, tell(signal.SIGTERM))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "save", break_off)
        with pytest.raises(OSError, match="disk full"):
            train(chunks, "predictor", settings(), tmp_path)
    assert path.read_bytes() == before
    assert not list(tmp_path.glob(".*partial*"))


def test_every_field_of_the_state_comes_back(chunks: Path, tmp_path: Path, at_step: Any) -> None:
    path = stopped(chunks, tmp_path, at_step, settings())
    stored = torch.load(path, weights_only=True)
    assert stored["state"]["step"] == 5 and stored["state"]["since"] == 1 and stored["state"]["best_step"] == 4
    assert float(stored["state"]["running"]) > 0 and len(stored["state"]["waiting"])
    assert stored["state"]["optimizer"]["state"] and stored["generators"]["masks"]["keys"].shape == (624,)


def test_handlers_are_ours_only_while_training(chunks: Path, tmp_path: Path, at_step: Any) -> None:
    usual = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)]
    stopped(chunks, tmp_path, at_step, settings())
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)] == usual


def test_the_command_ends_with_a_status_of_its_own_though_its_log_is_gone(chunks: Path, tmp_path: Path) -> None:
    pairs = [
        f"windows.codebook.training.{key}"
        for key in ("max_steps=100000", "validate_every=1", "patience=0", "threads=1")
    ]
    small = ("layers=1", "heads=2", "hidden_size=16", "feedforward_size=16", "codes=8", "training.device=cpu")
    sizes = ["architecture=windows", *(f"windows.codebook.{size}" for size in small)]
    command = [program("l2l"), "train-codebook", str(chunks), "--listener", "left"]
    command += ["--out", str(tmp_path / "codebook.pt"), "--log-dir", str(tmp_path / "log"), "--set", *sizes, *pairs]
    for gone in (False, True):
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert process.stderr
        lines = []
        while not (lines and lines[-1].startswith("step ")):
            lines.append(process.stderr.readline())
        if gone:
            process.stderr.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 75
        if gone:
            assert any("going on after step" in line for line in lines)
        else:
            last = process.stderr.read().splitlines()[-1]
            assert last.startswith("l2l train-codebook: stopped after step ") and "go on from" in last
            process.stderr.close()
    assert (tmp_path / ".codebook.resume.pt").exists() and not (tmp_path / ".codebook.lock.pt").exists()
