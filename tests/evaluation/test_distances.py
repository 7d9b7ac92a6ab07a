import numpy as np
import pytest
import torch

from l2l.evaluation.distances import l2, mse
from l2l.released.test import overall_l2, window_l2


def test_identical_motion_has_no_distance() -> None:
    x = np.random.default_rng(0).standard_normal((3, 32, 50))
    assert (l2(x, x) == 0).all() and (mse(x, x) == 0).all()


def test_a_shift_gives_its_own_length() -> None:
    x = np.random.default_rng(0).standard_normal((3, 32, 3))
    np.testing.assert_allclose(l2(x + [3, 4, 0], x), 5)
    np.testing.assert_allclose(mse(x + [3, 4, 0], x), 25 / 3)


def test_there_is_one_number_per_sample_and_clip() -> None:
    truth, predicted = np.zeros((5, 32, 3)), np.zeros((2, 5, 32, 3))
    predicted[1, 4, :16, 0] = 6  # half of the frames are 6 off
    expected = np.zeros((2, 5))
    expected[1, 4] = 3
    np.testing.assert_array_equal(l2(predicted, truth), expected)
    expected[1, 4] = 36 / 2 / 3
    np.testing.assert_array_equal(mse(predicted, truth), expected)


def test_scaling_scales_l2_once_and_mse_twice() -> None:
    x, y = np.random.default_rng(0).standard_normal((2, 4, 8, 5))
    np.testing.assert_allclose(l2(7 * x, 7 * y), 7 * l2(x, y))
    np.testing.assert_allclose(mse(7 * x, 7 * y), 49 * mse(x, y))


def test_the_released_number_is_the_mean_of_its_windows_and_the_l2_of_standardized_motion() -> None:
    x, y = np.random.default_rng(0).standard_normal((2, 6, 64, 56))
    a, b = torch.from_numpy(x), torch.from_numpy(y)
    np.testing.assert_allclose(window_l2(a[:, 32:], b[:, 32:]).numpy(), l2(x[:, 32:], y[:, 32:]))
    assert overall_l2(a, b) == pytest.approx(l2(x[:, 32:], y[:, 32:]).mean())
