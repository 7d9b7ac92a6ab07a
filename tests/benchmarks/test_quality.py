"""benchmarks/quality.py from recordings to its table, with the smallest models."""

import json
import sys

import numpy as np
import pytest

from benchmarks import quality
from benchmarks.modern import measured_before
from benchmarks.recordings import Conversations
from l2l.dataset.layout import load_chunks
from l2l.features.sequences import join
from tests.tiny import tiny_patches


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr("benchmarks.recordings.FRAMES", 640)
    monkeypatch.setattr("benchmarks.recordings.SILENCE", (8.0, 14.0))
    monkeypatch.setattr(quality, "SILENCE", (8.0, 14.0))
    monkeypatch.setattr("benchmarks.measures.RESAMPLINGS", 20)
    monkeypatch.setattr(quality, "SAMPLES", 2)
    monkeypatch.setattr(quality, "Settings", lambda: tiny_patches(8))


def test_a_training_becomes_a_line_of_the_table(small, tmp_path, monkeypatch, capsys):
    words = ["quality", "--folder", str(tmp_path), "--set", "coupled", "--minutes", "2", "--seeds", "1", "--test", "2"]
    monkeypatch.setattr(sys, "argv", words)
    quality.main()
    text = capsys.readouterr().out
    assert "| 2 (1) |" in text and "| truth |" in text
    assert len({line.count("|") for line in text.splitlines() if line.startswith("|")}) == 1
    own = tmp_path / "coupled/2/0"
    scores = json.loads((own / "scores.json").read_text())
    assert len(scores["nats"]["with_speaker"]) == 2
    assert {"codebook", "predictor"} == scores["cpu_seconds"].keys()
    assert not (own / "data").exists()

    # A codebook that is there is used.
    (own / "scores.json").unlink(), (own / "predictor.pt").unlink()
    codebook = (own / "codebook.pt").read_bytes()
    quality.main()
    assert (own / "codebook.pt").read_bytes() == codebook
    before = (own / "predictor.pt").stat().st_mtime_ns
    quality.main()  # nothing is left to do
    assert (own / "predictor.pt").stat().st_mtime_ns == before


def test_training_recordings_are_joined_to_whole_ones_again(tmp_path):
    conversations = Conversations("answers", 0.5)
    conversations.write(tmp_path, seed=1, minutes=2)
    chunks = load_chunks(tmp_path, "train", "left")
    sequences, _ = join(chunks, np.arange(len(chunks)), np.arange(0))
    speaker, truth = conversations.training(1, 1)
    assert len(sequences) == 2
    assert np.array_equal(sequences.listener[sequences.of(1)], truth)
    assert np.array_equal(sequences.see(1), speaker.motion)
    other, _ = Conversations("answers").training(1, 1)
    assert len(speaker.pauses) < len(other.pauses), "long pauses leave less time for phrases"


def test_scores_of_an_earlier_run_are_said_to_be_so(tmp_path, capsys):
    scores = tmp_path / "scores.json"
    assert not measured_before(scores) and not capsys.readouterr().out
    scores.write_text("{}")
    assert measured_before(scores) and f"{scores} was measured on 20" in capsys.readouterr().out
