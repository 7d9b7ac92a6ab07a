from pathlib import Path

import numpy as np
import pytest

from l2l.dataset.layout import Chunks, load_chunks
from l2l.evaluation.baselines import (
    DELAY,
    NearestNeighbour,
    audio_key,
    late,
    motion_key,
    pose,
    random_training_window,
    speakers,
    training_rows,
)
from l2l.evaluation.clips import Predicted, in_parts
from tests.synthetic import write_chunks

FRAMES = slice(32, 64)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_chunks(tmp_path_factory.mktemp("person"), windows=3, videos=2)
    return write_chunks(folder, windows=3, videos=2, split="test")


@pytest.fixture
def train(folder: Path) -> Chunks:
    return load_chunks(folder, "train", "left")


@pytest.fixture
def test(folder: Path) -> Chunks:
    return load_chunks(folder, "test", "left")


def test_mean_and_median_pose_are_those_of_training_and_never_move(train: Chunks) -> None:
    for of in (np.mean, np.median):
        found = pose(of, train, 5, 32)
        assert found.shape == (1, 5, 32, 56)
        np.testing.assert_allclose(found[0, 4, 31], of(train.listener[..., :56].reshape(-1, 56), axis=0), atol=1e-6)
        assert (found == found[0, 0, 0]).all()


def test_the_mirror_shows_the_speaker_now_or_a_little_later(train: Chunks, test: Chunks) -> None:
    rows = {row.name: row.predict(speakers(test)) for row in training_rows(train, len(test), FRAMES, 3, seed=0)}
    np.testing.assert_array_equal(rows["mirror"][0], test.speaker[:, 32:, :56])
    np.testing.assert_array_equal(rows["delayed_mirror"][0], test.speaker[:, 32 - DELAY : 64 - DELAY, :56])
    from_the_start = late(test.speaker)
    np.testing.assert_array_equal(from_the_start[:, DELAY:], test.speaker[:, :-DELAY])
    assert (from_the_start[:, :DELAY] == from_the_start[:, :1]).all()


def test_random_windows_are_training_windows_that_follow_the_seed(train: Chunks) -> None:
    found = np.concatenate(list(random_training_window(train, 4, FRAMES, samples=3, seed=0)), 1)
    known = {window.tobytes() for window in np.array(train.listener[:, 32:, :56])}
    drawn = [window.tobytes() for sample in found for window in sample]
    assert found.shape == (3, 4, 32, 56)
    assert set(drawn) <= known and len(set(drawn)) > 1
    again, other = (next(random_training_window(train, 4, FRAMES, 3, seed)) for seed in (0, 1))
    np.testing.assert_array_equal(again, found)
    assert (other != found).any()


@pytest.mark.parametrize(("part", "key"), [("speaker", motion_key), ("audio", audio_key)])
def test_the_nearest_neighbour_of_a_training_speaker_is_their_own_listener(train: Chunks, part: str, key) -> None:
    neighbour = NearestNeighbour(train, part, key, FRAMES)
    order = [4, 0, 3]
    louder = 2 * np.asarray(getattr(train, part))[order]  # a cosine knows no loudness
    np.testing.assert_array_equal(neighbour.nearest(key(louder))[0], train.listener[order, 32:, :56])


def clips_of(predicted: Predicted) -> list[np.ndarray]:
    return [clip for _, clips in in_parts(predicted) for clip in clips]


def test_rows_that_do_not_hear_answer_every_speaker_alike(train: Chunks, test: Chunks) -> None:
    one, two = speakers(test), speakers(test, np.array([5, 4, 3, 2, 1, 0]))
    rows = {row.name: row for row in training_rows(train, len(test), FRAMES, 3, seed=0)}
    same = {n for n, row in rows.items() if np.array_equal(*(clips_of(row.predict(one_of)) for one_of in (one, two)))}
    assert same == {name for name, row in rows.items() if not row.uses_speaker} != set(rows)
