from pathlib import Path

import numpy as np

from l2l.dataset.layout import load_chunks
from l2l.evaluation.baselines import mean_pose, mirror, random_training_window
from tests.synthetic import write_chunks

FRAMES = slice(32, 64)


def test_the_mean_pose_is_that_of_training_and_never_moves(tmp_path: Path) -> None:
    train = load_chunks(write_chunks(tmp_path, windows=3, videos=2), "train", "p0")
    found = mean_pose(train, 5, FRAMES)
    assert found.shape == (1, 5, 32, 56)
    np.testing.assert_allclose(found[0, 4, 31], train.listener[..., :56].mean((0, 1)), atol=1e-6)
    assert (found == found[0, 0, 0]).all()


def test_the_mirror_shows_the_speaker_at_the_same_moment(tmp_path: Path) -> None:
    test = load_chunks(write_chunks(tmp_path, windows=3, videos=2, split="test"), "test", "p0")
    np.testing.assert_array_equal(mirror(test, FRAMES)[0], test.speaker[:, 32:, :56])


def test_random_windows_are_training_windows_that_follow_the_seed(tmp_path: Path) -> None:
    train = load_chunks(write_chunks(tmp_path, windows=3, videos=2), "train", "p0")
    found = random_training_window(train, 4, FRAMES, samples=3, seed=0)
    known = {window.tobytes() for window in np.array(train.listener[:, 32:, :56])}
    drawn = [window.tobytes() for sample in found for window in sample]
    assert found.shape == (3, 4, 32, 56)
    assert set(drawn) <= known and len(set(drawn)) > 1
    np.testing.assert_array_equal(random_training_window(train, 4, FRAMES, 3, seed=0), found)
    assert (random_training_window(train, 4, FRAMES, 3, seed=1) != found).any()
