import numpy as np
import pytest

from l2l.evaluation.bootstrap import Bootstrap
from l2l.evaluation.gain import ZERO_ERROR, gain, l2_errors

RECORDINGS = np.repeat(np.arange(6), 4)


def test_twice_the_error_with_other_speakers_is_a_gain_of_log_2() -> None:
    errors = np.random.default_rng(0).uniform(1, 2, 24)
    found = gain(errors, np.stack([2 * errors] * 9), Bootstrap(RECORDINGS, 200, 0))
    assert found["value"] == pytest.approx(np.log(2)) and found["interval_95"] == pytest.approx([np.log(2)] * 2)
    assert found["p"] == pytest.approx(0.1)


def test_a_model_that_does_not_hear_has_no_gain() -> None:
    errors = np.random.default_rng(0).uniform(1, 2, 24)
    assert gain(errors, np.stack([errors] * 9), Bootstrap(RECORDINGS, 200, 0)) == {
        "value": 0,
        "interval_95": [0, 0],
        "p": 1.0,
    }


def test_the_gain_of_a_null_speaker_is_nought_on_average() -> None:
    """Put each shifted speaker in the true one's place: nothing is left to subtract."""
    errors = np.random.default_rng(0).uniform(0.5, 3, (10, 24))
    bootstrap = Bootstrap(RECORDINGS, 50, 0)
    found = [gain(errors[k], np.delete(errors, k, 0), bootstrap)["value"] for k in range(10)]
    assert np.mean(found) == pytest.approx(0, abs=1e-12)


def test_no_scale_and_no_order_of_clips_matters() -> None:
    rng = np.random.default_rng(0)
    errors, shifted, order = rng.uniform(1, 2, 24), rng.uniform(1, 3, (7, 24)), rng.permutation(24)
    expected = gain(errors, shifted, Bootstrap(RECORDINGS, 200, 0))
    again = gain(5 * errors[order], 5 * shifted[:, order], Bootstrap(RECORDINGS[order], 200, 0))
    assert again["value"] == pytest.approx(expected["value"])
    assert again["interval_95"] == pytest.approx(expected["interval_95"])


def test_an_error_of_zero_is_said_not_computed_with() -> None:
    found = gain(np.zeros(24), np.ones((3, 24)), Bootstrap(RECORDINGS, 50, 0))
    assert found == {"value": None, "interval_95": None, "reason": ZERO_ERROR}


def test_errors_are_means_over_samples_in_units_of_each_channels_spread() -> None:
    truth, predicted = np.zeros((2, 4, 2)), np.zeros((3, 2, 4, 2))
    predicted[..., 0] = 6.0
    predicted[2] = 0
    scale = np.array([2.0, 1.0])
    np.testing.assert_allclose(l2_errors(predicted, truth / scale, scale), [2, 2])
    truth[..., 0] = 6.0
    np.testing.assert_allclose(l2_errors(predicted, truth / scale, scale), [1, 1])
