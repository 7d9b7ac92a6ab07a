"""Several processes train the model that one would, and end together."""

import multiprocessing
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from l2l import config
from l2l.cli.main import main
from l2l.errors import UserError
from l2l.training.ranks import Launch, Ranks, joined, launched
from tests.synthetic import write_chunks

# What each process draws for itself, dropout and noise, is left out: the numbers would not be those of one process.
SIZES = {
    "codebook": ["width=24", "pose_latent=4", "expression_latent=6", "codes=8", "crop=40", "noise=0"],
    "predictor": [
        *("width=16", "layers=2", "heads=2", "head_width=16", "crop=12", "dropout=0"),
        *("branch.steps=0", "calibration_rounds=0"),  # the lead's alone, and of draws, which rounding may change
    ],
    "windows.codebook": ["layers=1", "heads=2", "feedforward_size=32", "hidden_size=16"],
}
# 15 rows over 2 processes are 8 and 7; an epoch ends with fewer.
TRAINING = [
    "batch_size=15",
    "learning_rate=0.002",
    "warmup_steps=2",
    "max_steps=12",
    "validate_every=4",
    "patience=0",
    "threads=1",
    "device=cpu",
]


@pytest.fixture(scope="module")
def chunks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_chunks(tmp_path_factory.mktemp("person"), windows=20, videos=3)
    assert main(arguments("codebook", folder, folder)) == 0
    return folder


def arguments(section: str, chunks: Path, folder: Path, *changes: str) -> list[str]:
    """The command that trains `folder`/codebook.pt or predictor.pt as `section` of the settings says."""
    stage = section.split(".")[-1]
    pairs = [f"{section}.{pair}" for pair in [*SIZES[section], *(f"training.{t}" for t in TRAINING), *changes]]
    more = ["--codebook", str(chunks / "codebook.pt")] if stage == "predictor" else []
    out = ["--out", str(folder / f"{stage}.pt"), "--log-dir", str(folder / "log")]
    architecture = "windows" if section.startswith("windows.") else "patches"
    return [
        *(f"train-{stage}", str(chunks), "--listener", "left", *more, *out),
        *("--set", f"architecture={architecture}", *pairs),
    ]


def torchrun(words: list[str]) -> subprocess.Popen:
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    variables = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": ":".join(sys.path)}
    return subprocess.Popen([*launcher, "-m", "l2l", *words], stderr=subprocess.PIPE, text=True, env=variables)


# Two processes as torchrun starts them, forked from one that has imported torch already.
FORKED = multiprocessing.get_context("forkserver")


def two(words: list[str], log: Path) -> list[Any]:
    """Both, at work; what they say goes to `log`."""
    FORKED.set_forkserver_preload(["l2l.architectures", "lightning_fabric"])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    processes: list[Any] = [FORKED.Process(target=one_of_two, args=(rank, port, words, log)) for rank in range(2)]
    for process in processes:
        process.start()
    return processes


def one_of_two(rank: int, port: int, words: list[str], log: Path) -> None:
    names = ("RANK", "LOCAL_RANK", "GROUP_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_PORT")
    os.environ |= dict(zip(names, map(str, (rank, rank, 0, 2, 2, port)), strict=True))
    os.environ |= {"TORCHELASTIC_RUN_ID": "x", "MASTER_ADDR": "127.0.0.1", "CUDA_VISIBLE_DEVICES": ""}
    sys.stderr = log.open("a", buffering=1)
    sys.exit(main(words))


def test_two_processes_train_the_predictor_of_one(chunks: Path, tmp_path: Path) -> None:
    """The last weights are biases whose gradient is nothing but rounding; Adam makes steps of full size of it."""
    found, want = both_ways("predictor", chunks, tmp_path)
    same_losses(found, want, rel=1e-5)
    assert apart(found, want).quantile(0.99) < 1e-5


def test_two_processes_train_the_codebook_of_one(chunks: Path, tmp_path: Path) -> None:
    """Equal until the codes come in; k-means begins with other latents then, and finds other codes as good."""
    found, want = both_ways("codebook", chunks, tmp_path)
    assert "perplexity" not in want["history"][0] and "perplexity" in want["history"][1]
    same_losses({"history": found["history"][:1]}, {"history": want["history"][:1]}, rel=1e-4)
    same_losses(found, want, rel=0.05)


def test_two_processes_train_the_codebook_of_windows_of_one(chunks: Path, tmp_path: Path) -> None:
    """Wider than a predictor's: the nearest code may be another one by rounding."""
    found, want = both_ways("windows.codebook", chunks, tmp_path)
    same_losses(found, want, rel=1e-3)
    assert apart(found, want).quantile(0.99) < 1e-3


def both_ways(section: str, chunks: Path, folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The checkpoints that two processes and one write."""
    stage = section.split(".")[-1]
    processes = two(arguments(section, chunks, folder / "both"), folder / "said")
    assert main(arguments(section, chunks, folder / "one")) == 0
    for process in processes:
        process.join(120)
    said = (folder / "said").read_text()
    assert [process.exitcode for process in processes] == [0, 0], said
    assert said.count("wrote ") == said.count("step 4, ") == 1  # one process writes and speaks
    assert len(list((folder / "both" / "log").iterdir())) == 1
    found, want = (torch.load(folder / name / f"{stage}.pt", weights_only=True) for name in ("both", "one"))
    return found, want


def same_losses(found: dict[str, Any], want: dict[str, Any], rel: float) -> None:
    for key in ("step", "train_loss", "validation_loss"):
        assert [look[key] for look in found["history"]] == pytest.approx(
            [look[key] for look in want["history"]], rel=rel
        )


def apart(found: dict[str, Any], want: dict[str, Any]) -> torch.Tensor:
    """Absolute differences of all weights."""
    return torch.cat(
        [
            (found["state_dict"][key].double() - value.double()).abs().flatten()
            for key, value in want["state_dict"].items()
        ]
    )


def test_a_signal_to_one_process_ends_all_and_any_number_of_them_goes_on(chunks: Path, tmp_path: Path) -> None:
    words = arguments("predictor", chunks, tmp_path, "training.max_steps=40")
    process = torchrun(words)
    assert process.stderr
    lines = []
    while not (lines and lines[-1].startswith("step 4,")):
        lines.append(process.stderr.readline())
        assert lines[-1], lines
    os.kill(worker(process.pid, rank=1), signal.SIGTERM)
    said = process.stderr.read()
    process.communicate(timeout=60)
    stopped = re.search(r"stopped after step (\d+) by a signal to another process", said)
    assert stopped and "by SIGTERM" in said and process.returncode != 0, said
    stored = torch.load(tmp_path / ".predictor.resume.pt", weights_only=True)
    assert stored["state"]["step"] == int(stopped[1]) < 40
    assert main(words) == 0
    found = torch.load(tmp_path / "predictor.pt", weights_only=True)["history"]
    assert main(arguments("predictor", chunks, tmp_path / "one", "training.max_steps=40")) == 0
    want = torch.load(tmp_path / "one/predictor.pt", weights_only=True)["history"]
    assert [look["train_loss"] for look in found] == pytest.approx([look["train_loss"] for look in want], rel=1e-2)


def worker(parent: int, rank: int) -> int:
    """The process that torchrun started as number `rank`."""
    for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
        if f"\0RANK={rank}\0".encode() in Path(f"/proc/{child}/environ").read_bytes():
            return int(child)
    raise AssertionError("no such process")


class Wire:
    """Stands for Fabric: a process of `size`, and what the lead sent it."""

    def __init__(self, size: int, rank: int, sent: Any = None) -> None:
        self.world_size, self.global_rank, self.sent = size, rank, sent

    def broadcast(self, value: Any) -> Any:
        return value if self.global_rank == 0 else self.sent


@pytest.mark.parametrize(("count", "size"), [(32, 2), (15, 2), (7, 4), (4, 4)])
def test_every_row_of_a_batch_is_some_processes_and_weighs_the_same(count: int, size: int) -> None:
    parts = [Ranks(Wire(size, rank)).part(count) for rank in range(size)]
    assert [row for part, _ in parts for row in range(count)[part]] == list(range(count))
    for part, share in parts:
        assert share == pytest.approx(len(range(count)[part]) / count) and share > 0


def test_fewer_rows_than_processes_are_everyones() -> None:
    assert [Ranks(Wire(4, rank)).part(3) for rank in range(4)] == [(slice(None), 0.25)] * 4


def test_what_the_lead_cannot_do_is_everyones_error() -> None:
    def fail() -> None:
        raise UserError("the lead says no.")

    for rank, sent in ((0, None), (1, (None, (UserError, "the lead says no.")))):
        with pytest.raises(UserError, match="the lead says no"):
            Ranks(Wire(2, rank, sent)).on_lead(fail)
    assert Ranks(Wire(2, 1, (5, None))).on_lead(fail) == 5


TORCHRUN = {"TORCHELASTIC_RUN_ID": "x", "WORLD_SIZE": "4", "LOCAL_WORLD_SIZE": "2", "LOCAL_RANK": "1"}
SRUN = {"SLURM_STEP_NUM_TASKS": "4", "SLURM_STEP_NUM_NODES": "2", "SLURM_LOCALID": "1", "SLURM_NTASKS": "4"}


@pytest.mark.parametrize(
    ("variables", "found"),
    [
        ({}, None),
        (TORCHRUN, Launch("torchrun", 4, 2, 1)),
        (SRUN, Launch("srun", 4, 2, 1)),
        ({**SRUN, "SLURM_STEP_NUM_TASKS": "2", **TORCHRUN}, Launch("torchrun", 4, 2, 1)),  # one torchrun on each node
        ({"SLURM_NTASKS": "4", "SLURM_PROCID": "0"}, None),  # a batch script, without srun
        ({**SRUN, "SLURM_STEP_NUM_TASKS": "1"}, None),
        ({**TORCHRUN, "WORLD_SIZE": "1", "LOCAL_WORLD_SIZE": "1"}, None),
    ],
)
def test_the_launcher_is_known_by_what_it_tells(
    variables: dict[str, str], found: Launch | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in {*TORCHRUN, *SRUN}:
        monkeypatch.delenv(key, raising=False)
    for key, value in variables.items():
        monkeypatch.setenv(key, value)
    assert launched() == found


def test_a_batch_that_cannot_be_split_is_named_before_anything_is_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in TORCHRUN.items():
        monkeypatch.setenv(key, value)
    with pytest.raises(UserError, match=r"training.batch_size 3 cannot be split over 4 processes"):
        with joined(config.TrainingSettings(batch_size=3)):
            pass
