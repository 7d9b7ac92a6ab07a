"""Several processes train the model that one would, and end together."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from l2l import config
from l2l.cli import main
from l2l.errors import UserError
from l2l.training.ranks import Launch, Ranks, joined, launched
from tests.synthetic import write_chunks

SIZES = ["layers=1", "heads=2", "feedforward_size=32", "hidden_size=16"]
# 15 rows over 2 processes are 8 and 7; an epoch of 40 rows ends with 10, or, of fixed batches, never does.
TRAINING = ["batch_size=15", "learning_rate=0.002", "warmup_steps=2", "max_steps=12", "validate_every=4", "threads=1"]


@pytest.fixture(scope="module")
def chunks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_chunks(tmp_path_factory.mktemp("person"), windows=20, videos=3)


def arguments(stage: str, chunks: Path, folder: Path, *changes: str) -> list[str]:
    pairs = [f"{stage}.{pair}" for pair in [*SIZES, "training.device=cpu", *(f"training.{t}" for t in TRAINING)]]
    more = ["--codebook", str(chunks / "codebook.pt")] if stage == "predictor" else []
    out = ["--out", str(folder / f"{stage}.pt"), "--log-dir", str(folder / "log")]
    changed = [f"{stage}.{change}" for change in changes]
    return [f"train-{stage}", str(chunks), "--listener", "p0", *more, *out, "--set", *pairs, *changed]


def two(words: list[str]) -> subprocess.Popen:
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    variables = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": ":".join(sys.path)}
    return subprocess.Popen([*torchrun, "-m", "l2l.cli", *words], stderr=subprocess.PIPE, text=True, env=variables)


@pytest.mark.parametrize(("stage", "changes"), [("codebook", ()), ("predictor", ("masks=released",))])
def test_two_processes_train_the_model_of_one(chunks: Path, tmp_path: Path, stage: str, changes: tuple) -> None:
    one, both = tmp_path / "one", tmp_path / "both"
    if stage == "predictor" and not (chunks / "codebook.pt").exists():
        assert main(arguments("codebook", chunks, chunks)) == 0
    process = two(arguments(stage, chunks, both, *changes))
    assert main(arguments(stage, chunks, one, *changes)) == 0
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    found, want = (torch.load(folder / f"{stage}.pt", weights_only=True) for folder in (both, one))
    print("HISTORY", [[f[k] - w[k] for k in w] for f, w in zip(found["history"], want["history"])])
    for key in want["state_dict"]:
        d = (found["state_dict"][key].double() - want["state_dict"][key].double()).abs().max().item()
        print("W", key, d, want["state_dict"][key].double().abs().max().item())
