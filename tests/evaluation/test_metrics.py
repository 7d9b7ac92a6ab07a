import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import sqrtm

from l2l.evaluation.metrics import bootstrap_interval, frechet, l2


def gaussian(mean: np.ndarray, covariance: np.ndarray, frames: int = 400, seed: int = 0) -> np.ndarray:
    """Motion (4, frames / 4, C) whose sample mean and covariance (ddof 1) are exactly those given."""
    x = np.random.default_rng(seed).standard_normal((frames, len(mean)))
    x -= x.mean(0)
    x = x @ np.linalg.inv(np.linalg.cholesky(np.cov(x, rowvar=False))).T
    return (x @ np.linalg.cholesky(covariance).T + mean).reshape(4, -1, len(mean))


def test_identical_motion_has_no_distance() -> None:
    x = np.random.default_rng(0).standard_normal((3, 32, 50))
    assert (l2(x, x) == 0).all()
    assert frechet(x, x) == pytest.approx(0, abs=1e-9)


@given(st.lists(st.floats(-10, 10), min_size=3, max_size=3))
def test_a_shift_gives_its_own_length(shift: list[float]) -> None:
    x = np.random.default_rng(0).standard_normal((3, 32, 3))
    length = np.linalg.norm(shift)
    np.testing.assert_allclose(l2(x + shift, x), length, atol=1e-9)
    assert frechet(x + shift, x) == pytest.approx(length**2, rel=1e-6, abs=1e-9)


def test_l2_is_one_number_per_sample_and_window() -> None:
    truth = np.zeros((5, 32, 3))
    predicted = np.zeros((2, 5, 32, 3))
    predicted[1, 4, :16, 0] = 6  # half of the frames are 6 off
    expected = np.zeros((2, 5))
    expected[1, 4] = 3
    np.testing.assert_array_equal(l2(predicted, truth), expected)


def test_frechet_of_gaussians_with_independent_channels() -> None:
    wide, narrow = np.array([2.0, 3.0, 0.5]), np.array([1.0, 1.0, 4.0])
    p = gaussian(np.array([1.0, 0, 0]), np.diag(wide**2))
    g = gaussian(np.zeros(3), np.diag(narrow**2), seed=1)
    assert frechet(p, g) == pytest.approx(1 + np.square(wide - narrow).sum(), rel=1e-9)


def test_frechet_of_gaussians_with_mixed_channels() -> None:
    rng = np.random.default_rng(2)
    a, b = (m @ m.T + np.eye(4) for m in rng.standard_normal((2, 4, 4)))
    expected = np.trace(a + b - 2 * sqrtm(a @ b).real)
    assert frechet(gaussian(np.ones(4), a), gaussian(np.ones(4), b)) == pytest.approx(expected, rel=1e-9)


def test_frechet_with_fewer_frames_than_channels() -> None:
    x = np.random.default_rng(0).standard_normal((1, 5, 50))
    spread = x.var(axis=1, ddof=1).sum()
    expected = (3 - 1) ** 2 * spread + np.square((3 - 1) * x.mean(axis=1)).sum()
    assert frechet(3 * x, x) == pytest.approx(expected, rel=1e-6)


def test_frechet_to_a_pose_that_never_moves() -> None:
    x = gaussian(np.zeros(3), np.diag([1.0, 4.0, 9.0]))
    assert frechet(np.zeros_like(x), x) == pytest.approx(14, rel=1e-9)


def test_frechet_knows_no_order_of_frames_or_of_sets() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 6, 8, 3)) * [[[[1.0]]], [[[2.0]]]]
    shuffled = rng.permutation(x.reshape(-1, 3)).reshape(x.shape)
    assert frechet(shuffled, y) == pytest.approx(frechet(x, y), rel=1e-9)
    assert frechet(y, x) == pytest.approx(frechet(x, y), rel=1e-9)


def test_frechet_of_a_single_channel() -> None:
    assert frechet(np.array([[[0.0], [2.0]]]), np.array([[[0.0], [4.0]]])) == pytest.approx(1 + 2)


def test_an_interval_is_about_recordings_not_windows() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(8), 5)
    values = np.repeat(rng.standard_normal(8), 5)  # windows of one recording are alike
    interval = bootstrap_interval(values, groups, 2000, seed=0)
    more_windows = bootstrap_interval(np.repeat(values, 10), np.repeat(groups, 10), 2000, seed=0)
    assert interval is not None and interval[0] < values.mean() < interval[1]
    assert more_windows == pytest.approx(interval)
    spread = values[::5].std() / np.sqrt(8)
    assert interval[1] - interval[0] == pytest.approx(2 * 1.96 * spread, rel=0.15)


def test_an_interval_follows_its_seed() -> None:
    values, groups = np.arange(12.0), np.repeat(["a", "b", "c"], 4)
    assert bootstrap_interval(values, groups, 50, seed=1) == bootstrap_interval(values, groups, 50, seed=1)


def test_one_recording_has_no_interval() -> None:
    assert bootstrap_interval(np.arange(5.0), np.array(["a"] * 5), 100, seed=0) is None
