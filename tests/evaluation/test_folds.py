from pathlib import Path

import numpy as np
import pytest

from l2l.errors import UserError
from l2l.evaluation.folds import ask_fold, pooled, student
from l2l.files import save_npz
from tests.synthetic import write_chunks
from tests.tiny import tiny_patches

SETTINGS = tiny_patches(4, evaluation={"shifts": 3, "shift_seconds": 1})


def save(path: Path, names: list[str], true: list[float], without: list[float], shifted: list[list[float]]) -> Path:
    arrays = {"true": true, "without": without, "shifted": shifted}
    save_npz(path, recordings=np.array(names), error=np.array("nll"), **{k: np.array(x) for k, x in arrays.items()})
    return path


def test_every_recording_of_all_folds_counts_once(tmp_path: Path) -> None:
    one = save(tmp_path / "1.npz", ["a", "b"], [2.0, 2.0], [2.1, 2.3], [[2.0, 4.0], [2.0, 4.0]])
    two = save(tmp_path / "2.npz", ["c"], [1.0], [1.2], [[2.0], [2.0]])
    found = pooled([one, two])
    assert found and found["folds"] == 2 and found["recordings"] == ["a", "b", "c"]
    assert found["over_unconditional"]["nll"]["value"] == pytest.approx(0.2)
    assert found["nats"]["with_speaker"]["value"] == pytest.approx(5 / 3)
    assert found["gain"]["nll"]["value"] == pytest.approx(np.log(2) * 2 / 3)
    assert pooled([]) is None
    with pytest.raises(UserError, match="no folds of one set"):
        pooled([one, one])
    with pytest.raises(UserError, match=r"3.npz is missing; make it with `l2l fold`"):
        pooled([tmp_path / "3.npz"])


def test_the_interval_of_few_recordings_is_students() -> None:
    found = student(np.array([1.0, 2.0, 3.0, 4.0, np.nan]), "why")
    half = 3.182446 * np.sqrt(5 / 3) / 2
    assert found["value"] == 2.5 and found["interval_95"] == pytest.approx([2.5 - half, 2.5 + half], rel=1e-6)
    assert student(np.array([np.nan]), "why")["reason"] == "why"
    assert "one test recording" in student(np.array([1.0]), "why")["reason"]


def test_a_fold_is_trained_on_the_others_and_asked_about_its_own(tmp_path: Path) -> None:
    person = write_chunks(tmp_path / "person", windows=6, videos=2)
    write_chunks(person, windows=6, videos=1, split="test")
    for name in ("one", "two"):
        ask_fold(person, 3, 3, "left", SETTINGS, tmp_path / name / "3.npz")
    assert [path.name for path in (tmp_path / "one").iterdir()] == ["3.npz"]  # nothing is left of the work
    assert (tmp_path / "one/3.npz").read_bytes() == (tmp_path / "two/3.npz").read_bytes()
    found = pooled([tmp_path / "one/3.npz"])
    assert found and found["recordings"] == ["train1"]
    assert found["nats"]["with_speaker"]["value"] > 0 and found["gain"]["nll"]["value"] is not None


def test_too_little_to_train_on_ends_no_other_fold(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    person = write_chunks(tmp_path / "person", windows=1, videos=1)
    write_chunks(person, windows=2, videos=1, split="test")
    ask_fold(person, 1, 2, "left", SETTINGS, tmp_path / "1.npz")
    assert "fold 1 of 2 has no answer: the recording 'train0' gives only 1 training window" in caplog.text
    assert pooled([tmp_path / "1.npz"]) is None


def test_a_fold_without_a_recording_says_nothing(tmp_path: Path) -> None:
    """Fewer recordings could be used than were planned."""
    person = write_chunks(tmp_path / "person", windows=2, videos=1)
    write_chunks(person, windows=2, videos=1, split="test")
    ask_fold(person, 3, 3, "left", SETTINGS, tmp_path / "3.npz")
    more = save(tmp_path / "1.npz", ["a", "b"], [2.0, 2.0], [2.1, 2.3], [[2.0, 4.0]])
    found = pooled([more, tmp_path / "3.npz"])
    assert found and found["recordings"] == ["a", "b"]
