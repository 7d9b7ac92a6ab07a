"""Steps of a training: what a GPU replays is what Python would have done; elsewhere nothing is recorded."""

from typing import Any

import pytest
import torch
from torch import Tensor

from l2l.dataset.layout import load_chunks
from l2l.patches.train_codebook import prepare_codebook as prepare_patches
from l2l.patches.train_predictor import prepare_predictor
from l2l.training.run import Run
from l2l.windows.train_codebook import prepare_codebook as prepare_windows
from tests.losses import losses
from tests.synthetic import write_chunks
from tests.tiny import tiny_patches, tiny_settings


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    data = load_chunks(write_chunks(tmp_path_factory.mktemp("person"), windows=40, videos=8), "train", "left")

    def predictor() -> Run:
        first = prepare_patches(data, tiny_patches())
        return prepare_predictor(data, first.task.model, first.standardizers["listener"], tiny_patches())

    return {
        "codebook of windows": lambda: prepare_windows(data, tiny_settings()),
        "codebook of patches": lambda: prepare_patches(data, tiny_patches()),
        "predictor of patches": predictor,
    }


@pytest.mark.skipif(not torch.cuda.is_available(), reason="only a GPU replays steps")
@pytest.mark.parametrize("name", ["codebook of windows", "codebook of patches", "predictor of patches"])
def test_replayed_steps_are_those_of_python(runs: dict[str, Any], name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        assert losses(runs[name](), True, 20) == losses(runs[name](), False, 20)
    finally:
        torch.use_deterministic_algorithms(False)


def test_an_optimizer_that_was_on_a_gpu_goes_on_elsewhere(runs: dict[str, Any]) -> None:
    one, other = runs["codebook of windows"](), runs["codebook of windows"]()
    for run in (one, other):
        losses(run, True, 2)
    for group in one.optimizer.param_groups:  # as a training on a GPU leaves them
        group["lr"], group["capturable"] = torch.tensor(group["lr"]), True
    assert losses(one, True, 3) == losses(other, True, 3)
    assert not any(group["capturable"] or isinstance(group["lr"], Tensor) for group in one.optimizer.param_groups)
