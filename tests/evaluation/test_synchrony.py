import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from l2l.evaluation.synchrony import correlation, correlation_sums, lagged_correlation, lags_of, rpcc, tlcc


def smooth(*shape: int, seed: int = 0) -> np.ndarray:
    return gaussian_filter1d(np.random.default_rng(seed).standard_normal(shape), 2.0, axis=-2)


def peak(motion: np.ndarray, speaker: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Correlation and lag of motion (S, N, T, C) with speakers (N, T, C)."""
    lags = lags_of(motion.shape[-2], 30)
    found = tlcc(lagged_correlation(motion, speaker, lags), lags)
    return found.correlation, found.lag


def flat(motion: np.ndarray, speaker: np.ndarray) -> np.ndarray:
    """Sums over all columns (..., 6)."""
    return correlation_sums(motion, speaker).sum(-2)


def test_the_correlation_is_numpys_over_flattened_time_and_columns() -> None:
    a, b = np.random.default_rng(0).standard_normal((2, 7, 20, 3)) + 5
    for x, y in zip(a, b, strict=True):
        assert correlation(flat(x, y)) == pytest.approx(np.corrcoef(x.ravel(), y.ravel())[0, 1])
    together = correlation(flat(a, b).sum(0))
    assert together == pytest.approx(np.corrcoef(a.ravel(), b.ravel())[0, 1])


def test_rpcc_is_nought_for_the_truth_and_knows_no_scale() -> None:
    truth, speaker = np.random.default_rng(0).standard_normal((2, 50, 3))
    of_truth = flat(truth, speaker)
    assert rpcc(of_truth, of_truth) == 0
    assert rpcc(flat(3 * truth + 2, 5 * speaker), of_truth) == pytest.approx(0, abs=1e-12)
    assert rpcc(flat(speaker, speaker), flat(-speaker, speaker)) == pytest.approx(2)


def test_a_constant_has_no_correlation() -> None:
    x = smooth(1, 40, 3)
    assert np.isnan(correlation(flat(np.full((40, 3), 0.7), x[0])))
    coefficient, lag = peak(np.full((1, 1, 40, 3), 0.7), x)
    assert np.isnan(coefficient).all() and np.isnan(lag).all()


@pytest.mark.parametrize("shift", [-59, -7, 0, 1, 12, 59])
def test_a_known_delay_is_found(shift: int) -> None:
    long = smooth(4, 400, 5)
    speaker, listener = long[:, 100:300], long[:, 100 - shift : 300 - shift]  # the listener comes `shift` later
    coefficient, lag = peak(2 * listener[None] + 1, speaker)
    np.testing.assert_array_equal(lag, np.full((1, 4), shift))
    np.testing.assert_allclose(coefficient, 1)


def test_lags_reach_two_seconds_but_leave_half_of_a_short_clip() -> None:
    assert (lags_of(300, 30)[[0, -1]] == [-59, 59]).all()
    assert (lags_of(32, 30)[[0, -1]] == [-16, 16]).all()


def test_each_lag_is_numpys_correlation_of_what_overlaps() -> None:
    p, x = np.random.default_rng(0).standard_normal((2, 1, 20, 2)) + 3
    lags = lags_of(20, 30)
    found = lagged_correlation(p[None], x, lags)[0, 0]  # (L, C)
    for row, lag in zip(found, lags, strict=True):
        a, b = (p[0, lag:], x[0, : 20 - lag]) if lag >= 0 else (p[0, :lag], x[0, -lag:])
        np.testing.assert_allclose(row, [np.corrcoef(a[:, c], b[:, c])[0, 1] for c in range(2)])


def test_a_constant_column_is_left_out_of_the_mean() -> None:
    x = smooth(1, 60, 3)
    p = x.copy()
    p[..., 2] = 4.0
    coefficient, lag = peak(p[None], x)
    assert coefficient.item() == pytest.approx(1) and lag.item() == 0
