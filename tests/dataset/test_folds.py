from pathlib import Path

import numpy as np
import pytest

from l2l.dataset.folds import write_fold
from l2l.dataset.layout import Chunks, load_chunks
from l2l.errors import UserError
from tests.synthetic import write_chunks


def moments(chunks: Chunks) -> set[tuple[str, int]]:
    """Recording and first frame of each window."""
    return {(str(window[0, 0]), int(window[0, 2])) for window in chunks.files}


@pytest.fixture
def person(tmp_path: Path) -> Path:
    """Three recordings for training and one for testing, with windows every 8 frames."""
    folder = write_chunks(tmp_path / "person", windows=9, videos=3, stride=8)
    return write_chunks(folder, windows=9, videos=1, stride=8, split="test")


def test_every_recording_is_for_testing_once_and_for_training_in_all_other_folds(person: Path, tmp_path: Path) -> None:
    tested = []
    for fold in (1, 2, 3):
        counts = write_fold(person, fold, 3, "left", tmp_path / str(fold))
        train, test = (load_chunks(tmp_path / str(fold), split, "left") for split in ("train", "test"))
        assert counts == {"train": len(train), "test": len(test)}
        names = set(test.videos.tolist())
        tested += list(names)
        assert names.isdisjoint(train.videos.tolist()) and len(names | set(train.videos.tolist())) == 4
        assert len(train) == 9 * (4 - len(names))
        assert moments(test) == {(name, first) for name in names for first in (0, 32, 64)}  # no frame predicted twice
    assert sorted(tested) == ["test0", "train0", "train1", "train2"]


def test_all_parts_of_a_window_stay_together(person: Path, tmp_path: Path) -> None:
    write_fold(person, 1, 4, "left", tmp_path / "fold")
    source = load_chunks(person, "train", "left")
    places = {(str(window[0, 0]), int(window[0, 2])): row for row, window in enumerate(source.files)}
    found = load_chunks(tmp_path / "fold", "train", "left")
    assert len(found) == 27 and not len(load_chunks(tmp_path / "fold", "train", "right"))
    for row, window in enumerate(found.files):
        there = places[str(window[0, 0]), int(window[0, 2])]
        for part in ("listener", "speaker", "audio"):
            np.testing.assert_array_equal(getattr(found, part)[row], getattr(source, part)[there])


def test_one_recording_is_divided_by_time_with_a_gap(tmp_path: Path) -> None:
    person = write_chunks(tmp_path / "person", windows=60, videos=1, stride=32)
    write_chunks(person, windows=0, videos=0, split="test")
    tested = set()
    for fold in (1, 2, 3, 4):
        write_fold(person, fold, 4, "left", tmp_path / str(fold))
        train, test = (moments(load_chunks(tmp_path / str(fold), split, "left")) for split in ("train", "test"))
        begins = [first for _, first in test]
        assert all(first + 64 <= min(begins) - 150 or first >= max(begins) + 64 + 150 for _, first in train)
        assert not tested & test and len(train) > len(test)
        tested |= test
    assert len(tested) >= 54  # of 60: some lie across the blocks' borders


def test_blocks_hold_as_much_listening_each_wherever_it_lies(tmp_path: Path) -> None:
    person = write_chunks(tmp_path / "person", windows=40, videos=1, stride=64)
    write_chunks(person, windows=0, videos=0, split="test")
    path = person / "train/p1_speak_files_clean_deca.npy"
    files = np.load(path)
    later = np.where(np.arange(40) < 30, 0, 100_000)  # three quarters of the listening comes at the beginning
    files[..., 2] = (files[..., 2].astype(int) + later[:, None]).astype(str)
    np.save(path, files)
    assert [write_fold(person, fold, 4, "left", tmp_path / str(fold))["test"] for fold in (1, 2, 3, 4)] == [10] * 4


@pytest.mark.parametrize(("fold", "of"), [(0, 3), (4, 3), (1, 1)])
def test_a_fold_that_does_not_exist_is_refused(person: Path, fold: int, of: int, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="give 2 folds or more"):
        write_fold(person, fold, of, "left", tmp_path / "fold")
