"""Layers that torch's compiler may make faster: all of them, or with one line none."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from l2l.dataset.layout import load_chunks
from l2l.training.run import Run
from l2l.windows import compiler
from l2l.windows.compiler import compile_layers
from l2l.windows.layers import Transformer
from l2l.windows.train_codebook import prepare_codebook
from tests.losses import losses
from tests.synthetic import write_chunks
from tests.tiny import tiny_settings


@pytest.fixture
def prepared(tmp_path: Path) -> Callable[[], Run]:
    data = load_chunks(write_chunks(tmp_path, windows=40, videos=8), "train", "left")
    return lambda: prepare_codebook(data, tiny_settings())


def test_what_the_compiler_refuses_runs_as_it_is_and_says_so_once(
    prepared: Callable[[], Run], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refusing(*inputs: Any) -> Any:
        raise RuntimeError("no C compiler found\nand more")

    monkeypatch.setattr(compiler.torch, "compile", lambda function: refusing)
    plain, run = losses(prepared(), False, 2), prepared()
    compile_layers(run.task.model)
    with caplog.at_level(logging.INFO, "l2l"):
        assert losses(run, False, 2) == plain
    assert [r.getMessage() for r in caplog.records if "compiled" in r.getMessage()] == [
        "layers are not compiled (no C compiler found); training is slower"
    ]


def test_all_layers_of_a_model_are_compiled(prepared: Callable[[], Run], monkeypatch: pytest.MonkeyPatch) -> None:
    called = []

    def compiling(function: Any) -> Any:
        return lambda *inputs: (called.append(1), function(*inputs))[1]

    monkeypatch.setattr(compiler.torch, "compile", compiling)
    run = prepared()
    layers = sum(len(module.net) // 2 for module in run.task.model.modules() if isinstance(module, Transformer))
    compile_layers(run.task.model)
    losses(run, False, 3)
    assert len(called) == 3 * layers > 0
