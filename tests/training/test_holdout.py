from pathlib import Path

import numpy as np
import pytest

from l2l.dataset.layout import chunk_paths, load_chunks
from l2l.errors import UserError
from l2l.training.holdout import load_training_chunks, split, split_by_video
from tests.synthetic import write_chunks


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 1.0])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_no_recording_is_on_both_sides_and_none_is_lost(tmp_path: Path, share: float, seed: int) -> None:
    chunks = load_chunks(write_chunks(tmp_path, windows=2, videos=5), "train", "left")
    train, validation = split_by_video(chunks, share, seed)
    held = set(chunks.videos[validation])
    assert not held & set(chunks.videos[train])
    assert sorted([*train, *validation]) == list(range(10))
    assert len(held) == min(max(round(share * 5), 1), 4)


def test_the_split_follows_the_seed(tmp_path: Path) -> None:
    chunks = load_chunks(write_chunks(tmp_path, windows=1, videos=8), "train", "left")
    splits = [tuple(split_by_video(chunks, 0.3, seed)[1]) for seed in (0, 0, 1, 2, 3)]
    assert splits[0] == splits[1]
    assert len(set(splits)) > 1


def test_a_single_recording_holds_out_its_last_windows_and_shares_no_frame(tmp_path: Path) -> None:
    chunks = load_chunks(write_chunks(tmp_path, windows=10, videos=1, stride=32), "train", "left")
    train, validation = split_by_video(chunks, 0.2, seed=3)
    assert list(validation) == [8, 9]
    assert list(train) == list(range(7))  # window 7 overlaps window 8
    assert not set(chunks.files[train][..., 2].flat) & set(chunks.files[validation][..., 2].flat)


def test_a_single_window_cannot_be_split(tmp_path: Path) -> None:
    chunks = load_chunks(write_chunks(tmp_path, windows=1, videos=1), "train", "left")
    with pytest.raises(UserError, match="too few"):
        split_by_video(chunks, 0.2, seed=0)


def test_no_windows_is_an_error_that_names_the_folder(tmp_path: Path) -> None:
    write_chunks(tmp_path / "somebody", windows=1, videos=0, listener="right")
    with pytest.raises(UserError, match="somebody/train has no windows in which right listens"):
        load_training_chunks(tmp_path / "somebody", "right", ("listener",))


def test_nan_is_an_error_that_names_array_and_window(tmp_path: Path) -> None:
    path = chunk_paths(write_chunks(tmp_path, windows=3, videos=1), "train", "left")["speaker"]
    array = np.load(path)
    array[2, 5, 7] = np.nan
    np.save(path, array)
    assert len(load_training_chunks(tmp_path, "left", ("listener",))) == 3
    with pytest.raises(UserError, match=r"speaker array has NaN, infinity or numbers above .* in window 2"):
        load_training_chunks(tmp_path, "left", ("listener", "speaker"))


def test_windows_of_one_recording_go_to_both_sides_when_held_out_by_window(tmp_path: Path) -> None:
    chunks = load_chunks(write_chunks(tmp_path, windows=20, videos=2), "train", "left")
    train, validation = split(chunks, "window", 0.3, seed=0)
    assert (len(train), len(validation)) == (28, 12)
    assert sorted([*train, *validation]) == list(range(40))
    assert set(chunks.videos[train]) == set(chunks.videos[validation])
    assert list(train) != sorted(train)  # fixed batches are cut from this order
    assert np.array_equal(split(chunks, "window", 0.3, seed=0)[0], train)
    assert not np.array_equal(split(chunks, "window", 0.3, seed=1)[0], train)


def test_one_window_cannot_be_held_out_by_window(tmp_path: Path) -> None:
    chunks = load_chunks(write_chunks(tmp_path, windows=1, videos=1), "train", "left")
    with pytest.raises(UserError, match="cannot be split"):
        split(chunks, "window", 0.3, seed=0)
