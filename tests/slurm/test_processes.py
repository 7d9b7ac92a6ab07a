"""Two processes on two nodes of a real SLURM train the tiny demo's predictor that one process trains."""

import shutil
import sys
from pathlib import Path

import pytest
import torch

from tests.slurm.cluster import free_ports

pytestmark = pytest.mark.slurm
PREDICTOR = "results/demo/predictor.pt"
# On this host the nodes n1 and n2 have no names of their own.
MEETING = {"MASTER_ADDR": "127.0.0.1"}


def matches(found: Path, want: Path) -> None:
    """Losses within 1e-5 of their size, 99 of 100 weights within 1e-5 (tests/training/test_ranks.py says why)."""
    two, one = (torch.load(path, weights_only=True) for path in (found, want))
    assert [look["step"] for look in two["history"]] == [look["step"] for look in one["history"]]
    for key in ("train_loss", "validation_loss"):
        assert [look[key] for look in two["history"]] == pytest.approx([look[key] for look in one["history"]], rel=1e-5)
    away = [(two["state_dict"][key] - value).abs().double().flatten() for key, value in one["state_dict"].items()]
    assert torch.cat(away).quantile(0.99) < 1e-5


def test_the_workflows_own_training_runs_on_two_nodes(roads, tmp_path):
    folder = tmp_path / "nodes"
    shutil.copytree(roads.local, folder)
    (folder / PREDICTOR).unlink()
    variables = {**MEETING, "MASTER_PORT": str(free_ports(1)), "L2L_TRAINING_NODES": "2"}
    done = roads.slurm.start(folder, PREDICTOR, **variables).wait(timeout=180)
    assert done == 0, (folder / "snakemake.log").read_text()
    (job,) = roads.jobs(folder)
    assert job.rule == "train_predictor" and job.state == "COMPLETED"
    assert roads.slurm.tasks()[job.number] == {("n1", "0"), ("n2", "0")}
    matches(folder / PREDICTOR, roads.local / PREDICTOR)


def test_torchrun_on_two_nodes_meets_and_trains(roads, tmp_path):
    srun = ["srun", "--nodes=2", "--ntasks=2", "--ntasks-per-node=1", "--cpus-per-task=2", "--kill-on-bad-exit"]
    meeting = ["--rdzv-backend=c10d", f"--rdzv-endpoint=127.0.0.1:{free_ports(1)}", "--rdzv-id=test"]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nnodes=2", "--nproc-per-node=1", *meeting]
    data, codebook = roads.local / "data/demo", roads.local / "results/demo/codebook.pt"
    words = ["train-predictor", data, "--codebook", codebook, "--listener", "left", "--log-dir", tmp_path / "log"]
    settings = ["--config", roads.local / "config.yaml", "--out", tmp_path / "predictor.pt"]
    roads.slurm.call(*srun, *torchrun, "-m", "l2l", *map(str, [*words, *settings]), seconds=120)
    matches(tmp_path / "predictor.pt", roads.local / PREDICTOR)
