import numpy as np
import pytest

from l2l.evaluation.motion import seam, seam_sums


def test_motion_of_constant_acceleration_has_no_seam() -> None:
    x = np.square(np.arange(128.0))[:, None] * [1.0, 2.0]
    assert seam(seam_sums(x, 32)) == pytest.approx(1)


def test_a_jump_at_every_boundary_is_seen_and_one_in_the_past_is_not() -> None:
    t = np.arange(128.0)
    x = np.square(t) / 2  # acceleration 1
    jump = 10 * (t >= 64) + 10 * (t >= 96)
    sums = seam_sums((x + jump)[:, None], 64)  # boundaries at 64 and 96
    # The second difference of a jump by 10 is 10 before it and -10 after it.
    assert seam(sums) == pytest.approx((11 + 9) / 2)
    assert seam(seam_sums((x + 10 * (t >= 40))[:, None], 64)) == pytest.approx(1)
    assert seam(3 * sums) == pytest.approx((11 + 9) / 2)


def test_without_a_known_past_or_any_motion_there_is_no_ratio() -> None:
    x = np.square(np.arange(32.0))[:, None]
    assert np.isnan(seam(seam_sums(x, 0)))
    assert np.isnan(seam(seam_sums(np.zeros((64, 1)), 32)))


def test_a_long_prediction_has_boundaries_of_its_own() -> None:
    x = np.square(np.arange(96.0))[:, None] / 2
    x[32:] += 10
    assert seam(seam_sums(x, 0)) > 3
