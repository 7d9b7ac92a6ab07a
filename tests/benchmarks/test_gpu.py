"""benchmarks/gpu.py on the processor, with the smallest models: every step has its lines."""

import sys
from typing import Any

import pytest

from benchmarks import gpu
from tests.tiny import tiny_patches, tiny_settings


def tiny() -> dict[str, Any]:
    changes = tiny_patches().model_dump() | {"windows": tiny_settings().windows.model_dump()}
    return {name: changes[name] for name in ("codebook", "predictor", "windows")}


def test_every_step_becomes_lines(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["gpu", "--device", "cpu", "--batches", "2", "--windows", "40", "--seconds", "0"]
    monkeypatch.setattr(sys, "argv", words)
    monkeypatch.setattr(gpu, "WARM", {"cpu": 0})
    monkeypatch.setattr(gpu, "FRAMES", 16)
    gpu.main(tiny())
    about, _, head, _, *lines = capsys.readouterr().out.splitlines()
    assert "CPU threads" in about and head.count("|") == 8
    found = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    steps = ("train codebook of patches", "train predictor of patches", "train codebook of windows")
    steps += ("train predictor of windows", "sample patches", "DECA, one encoder", "SyncNet, lips")
    steps += ("Light-ASD, faces", "Multisensory, watching 16 frames")
    assert list(dict.fromkeys(row[0] for row in found)) == list(steps)
    bf16 = {row[0] for row in found if row[2] == "bf16"}  # where the processor has it
    assert {row[2] for row in found} <= {"float32", "bf16"} and bf16 in (set(), set(steps[:4]))
    assert all(row[3].endswith("/s") for row in found)


def test_a_person_is_trained_quickly_and_plainly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["gpu", "--device", "cpu", "--windows", "40", "--person", "0.05"]
    monkeypatch.setattr(sys, "argv", words)
    gpu.main(tiny())
    lines = [line.strip("| ").split(" | ") for line in capsys.readouterr().out.splitlines()[4:]]
    assert [line[0] for line in lines] == ["codebook", "codebook", "predictor", "predictor"]
    assert [line[1].split(",")[0] for line in lines] == ["replayed", "plain"] * 2
    assert all(int(line[2]) >= 12 and float(line[4]) > 0 for line in lines)


def test_without_a_gpu_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["gpu"])
    monkeypatch.setattr(gpu.torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit):
        gpu.main()
    assert "torch finds no GPU; --device cpu" in capsys.readouterr().err
