import cv2
import numpy as np
import pytest
import torch

from l2l.features.bilateral import BLOCK, bilateral
from tests.released.released_models import close, released


def test_faces_are_smoothed_as_released() -> None:
    want = released("data_and_schedule")
    close(torch.from_numpy(bilateral(want["filter_in"].numpy())), want["filter_out"])


@pytest.mark.parametrize("scale", [0.1, 1, 50])
def test_it_is_opencvs_filter_of_each_channel(scale: float) -> None:
    x = (scale * np.random.default_rng(0).standard_normal((2, 64, 3))).astype(np.float32)
    theirs = np.stack([[cv2.bilateralFilter(window[:, c], 5, 20, 20)[:, 0] for c in range(3)] for window in x])
    np.testing.assert_allclose(bilateral(x), theirs.transpose(0, 2, 1), rtol=0, atol=2e-5 * scale)


def test_stillness_stays_as_it_is() -> None:
    np.testing.assert_allclose(bilateral(np.full((64, 2), 3.25)), 3.25, rtol=1e-6)


def test_many_windows_are_smoothed_like_one() -> None:
    x = np.random.default_rng(0).standard_normal((BLOCK + 3, 8, 2)).astype(np.float32)
    np.testing.assert_array_equal(bilateral(x)[-1], bilateral(x[-1]))
