"""benchmarks/people.py from made-up people to its table, with the smallest models."""

import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import people
from benchmarks.people import PEOPLE, Bench
from l2l.dataset.layout import load_chunks
from tests.tiny import tiny_patches


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "TEST", 2)
    monkeypatch.setattr(people, "SAMPLES", 2)
    monkeypatch.setattr(people, "FRAMES", 640)
    monkeypatch.setattr("benchmarks.measures.RESAMPLINGS", 20)
    monkeypatch.setattr(people, "Settings", lambda: tiny_patches(8))


def test_every_way_becomes_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    two = dict(list(PEOPLE.items())[:2])
    monkeypatch.setattr(people, "PEOPLE", two)
    monkeypatch.setattr(sys, "argv", ["people", "--folder", str(tmp_path), "--minutes", "2"])
    people.main()
    text = capsys.readouterr().out
    assert all(text.count(f"| 2 (1) | {way} |") == 2 for way in people.WAYS) and "| the person |" in text
    codebooks = [path.read_bytes() for path in sorted((tmp_path / "2/0/same_codes").rglob("codebook.pt"))]
    assert codebooks == [(tmp_path / "2/0/together/codebook.pt").read_bytes()] * len(two)


def test_people_differ_as_they_are_meant_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "FRAMES", 1792)
    found = {person: bench.moved(bench.others()) for person, bench in ((p, Bench(p)) for p in PEOPLE)}
    nods, smiles, delays = ([people.rates([found[p]], name) for p in PEOPLE] for name in ("nods", "smiles", "delay"))
    assert nods[0] > 0.75 > nods[1] > 0.3 > nods[2]
    assert smiles[0] < 0.5 < smiles[1] < 0.85 < smiles[2]
    assert delays[1] > delays[0] + 0.2


def test_together_each_recording_is_its_own_persons(tmp_path: Path) -> None:
    people.write_together(0, 2, tmp_path / "data")
    chunks = load_chunks(tmp_path / "data", "train", "left")
    assert list(dict.fromkeys(chunks.videos.tolist())) == [f"{p}/{n:03d}" for p in PEOPLE for n in range(2)]
    _, truth = people.recording("slow", 100, 1)
    row = chunks.videos.tolist().index("slow/001")
    np.testing.assert_array_equal(chunks.listener[row, :, :56], truth[:64])
    assert not list(tmp_path.glob("data_*"))
