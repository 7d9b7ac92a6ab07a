"""benchmarks/real_pairs.py, on random pairs in the form of the real ones."""

import json
import sys

import numpy as np
import pytest

from benchmarks import real_pairs
from benchmarks.real_pairs import Pairs
from l2l.dataset.layout import load_chunks
from l2l.features.sequences import join
from l2l.training.holdout import split_by_video
from tests.tiny import tiny_patches


@pytest.fixture
def data(tmp_path):
    """6 pairs, 2 conversations of 10 s each."""
    random = np.random.default_rng(0)
    units = (250 + 40 * random.standard_normal((12, 300, 2, 2)).cumsum(1)).clip(0, 500).astype(np.uint16)
    body = random.integers(0, 5000, (12, 300, 2)).astype(np.uint32)
    names = np.array([f"pair{n // 2:02d}_{('360p', '1080p')[n % 2]}" for n in range(12)])
    np.savez(tmp_path / "dyads.npz", au=units, body_motion=body, name=names)
    return tmp_path / "dyads.npz"


def test_each_pair_is_tested_once_and_never_beside_its_own_training(data):
    pairs = Pairs(data)
    tested = [name for fold in range(real_pairs.FOLDS) for name in pairs.names(fold)[1]]
    assert sorted(tested) == sorted(set(pairs.pairs))
    for fold in range(real_pairs.FOLDS):
        train, test = pairs.names(fold)
        assert not set(train) & set(test)


def test_both_directions_are_written_and_validation_takes_whole_pairs(data, tmp_path):
    pairs = Pairs(data)
    pairs.write(tmp_path / "chunks", 0)
    chunks = load_chunks(tmp_path / "chunks", "train", "left")
    train, validation = split_by_video(chunks, 0.25, 0)
    assert not set(chunks.videos[train]) & set(chunks.videos[validation])
    sequences, _ = join(chunks, np.arange(len(chunks)), np.arange(0))
    assert len(sequences) == 4 * 4  # pairs, two conversations of two listeners
    assert (sequences.lengths == 256).all()
    first = pairs.faces[pairs.pairs == sequences.videos[0]][0]  # (2, T, 56)
    assert np.array_equal(sequences.listener[sequences.of(0)], first[0])
    assert np.array_equal(sequences.see(0), first[1])
    assert np.array_equal(sequences.see(1), first[0])


def test_numbers_by_pair_and_over_pairs(data, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(real_pairs, "Settings", lambda: tiny_patches(8))
    words = ["real_pairs", "--data", str(data), "--folder", str(tmp_path / "out"), "--folds", "0"]
    monkeypatch.setattr(sys, "argv", words)
    real_pairs.main()
    numbers = json.loads((tmp_path / "out/real_pairs.json").read_text())
    assert set(numbers["pairs"]) == {"pair00", "pair05"}
    one = numbers["pairs"]["pair00"]
    assert one.keys() == {"with", "without", "other", "10 s", "30 s", "60 s"}
    over = np.mean([pair["without"] - pair["with"] for pair in numbers["pairs"].values()])
    assert numbers["intervals"]["over"][0] == pytest.approx(over)
    assert "| all 2 |" in capsys.readouterr().out


def test_a_missing_file_is_one_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["real_pairs", "--data", str(tmp_path / "none.npz")])
    with pytest.raises(SystemExit) as stopped:
        real_pairs.main()
    assert stopped.value.code == 1
    assert "none.npz is missing" in capsys.readouterr().err
