"""In TF32 and bfloat16 layers are quicker; quantizers, losses and validation stay float32, and so do the weights."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from l2l import config, precision
from l2l.config import Settings
from l2l.dataset.layout import Chunks, load_chunks
from l2l.patches.residual_vq import ResidualVQ
from l2l.patches.train_codebook import prepare_codebook as patches
from l2l.training.loop import fit
from l2l.training.run import Run
from l2l.windows.codebook import Quantizer
from l2l.windows.train_codebook import prepare_codebook as windows
from tests.synthetic import write_chunks
from tests.tiny import tiny_patches, tiny_settings

CPU = torch.device("cpu")
PREPARED = {"patches": (patches, tiny_patches, ResidualVQ), "windows": (windows, tiny_settings, Quantizer)}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Chunks:
    folder = tmp_path_factory.mktemp("person")
    write_chunks(folder)
    return load_chunks(folder, "train", "left")


def in_precision(name: config.section.Precision, settings: Settings) -> Settings:
    training = {"codebook": {"training": {"precision": name}}}
    return Settings.model_validate(config.merge(settings.model_dump(), {**training, "windows": training}))


def fitted(run: Run, log_dir: Path) -> list[float]:
    return [look["validation_loss"] for look in fit(run.task, run.optimizer, run.training, 0, log_dir).history]


@pytest.mark.parametrize("architecture", PREPARED)
def test_a_training_in_bfloat16_is_near_one_in_float32(
    architecture: str, data: Chunks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the processor is no faster so: torch then computes the same in another way."""
    monkeypatch.setattr(precision, "_has_bfloat16", lambda _: True)
    prepare, tiny, quantizer = PREPARED[architecture]
    float32 = fitted(prepare(data, in_precision("float32", tiny())), tmp_path / "32")
    run = prepare(data, in_precision("bf16", tiny()))
    seen: dict[str, set[torch.dtype]] = {"linear": set(), "quantizer": set()}

    def note(kind: str) -> Callable[..., None]:
        return lambda module, inputs, out: seen[kind].update(x.dtype for x in (*inputs, out) if torch.is_tensor(x))

    for module in run.task.model.modules():
        if isinstance(module, nn.Linear | nn.Conv1d):
            module.register_forward_hook(note("linear"))
        if isinstance(module, quantizer):
            module.register_forward_hook(note("quantizer"))
    bf16 = fitted(run, tmp_path / "16")
    assert torch.bfloat16 in seen["linear"] and torch.bfloat16 not in seen["quantizer"]
    assert bf16 != float32
    np.testing.assert_allclose(bf16, float32, rtol=0.05)
    assert {weight.dtype for weight in run.task.model.parameters()} == {torch.float32}


def test_what_comes_out_of_the_layers_is_float32() -> None:
    model = precision.casting(nn.Linear(4, 4), "bf16", CPU)
    assert model(torch.ones(2, 4)).dtype == torch.float32

    def both(x: torch.Tensor) -> tuple[Any, ...]:
        return x @ x, torch.arange(3)

    assert [x.dtype for x in precision.casting(both, "bf16", CPU)(torch.ones(2, 2))] == [torch.float32, torch.int64]
    assert precision.casting(both, "float32", CPU) is both


def test_without_bfloat16_training_is_in_float32_and_one_line_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, "avx512_bf16": False})
    with caplog.at_level(logging.WARNING):
        assert precision.available("bf16", CPU) == "float32"
    assert caplog.messages == [
        "training.precision is bf16, but this processor cannot multiply bfloat16: trained in float32"
    ]
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    assert precision.available("bf16", CPU) == "bf16"


@pytest.mark.parametrize(("name", "wanted"), [("float32", ("highest", False)), ("tf32", ("high", True))])
def test_torch_multiplies_as_the_settings_say_and_afterwards_as_before(
    name: config.section.Precision, wanted: tuple[str, bool]
) -> None:
    def now() -> tuple[str, bool]:
        return torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32

    before = now()
    with precision.multiplying(name):
        assert now() == wanted
    assert now() == before


def test_attention_on_a_processor_is_the_same_inside() -> None:
    q, k, v = torch.randn(3, 2, 4, 6, 8, generator=torch.Generator().manual_seed(0))
    mask = torch.ones(6, 6, dtype=torch.bool).tril()
    exact = precision.attention(q, k, v, mask, scale=0.1)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(precision.attention(q, k, v, mask, scale=0.1), exact)
