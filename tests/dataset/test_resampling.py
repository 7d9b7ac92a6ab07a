"""Curves at any times become 30 frames per second: nothing is moved, and nothing fast comes back as slow motion."""

import numpy as np
import pytest

from l2l.dataset.resampling import LONGEST, resampled

INSIDE = slice(15, -15)  # away from the ends, where a filter knows one side only


def tone(hertz: float, times: np.ndarray) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * times)


@pytest.mark.parametrize("rate", [24, 25, 30, 48, 50, 60, 120])
def test_slow_motion_is_what_it_was_at_its_time(rate: int) -> None:
    times = 7.0 + np.arange(10 * rate + 1) / rate
    values = np.stack([tone(1, times), tone(3, times), times], 1)
    found, known = resampled(times, values)
    frames = 7.0 + np.arange(301) / 30
    assert found.shape == (301, 3) and known.all()
    expected = np.stack([tone(1, frames), tone(3, frames), frames], 1)
    assert np.abs(found - expected)[INSIDE].max() < 0.06
    assert np.abs(found - expected)[INSIDE, 0].max() < 0.01
    np.testing.assert_allclose(found[:, 2], frames, atol=0.03)


def test_frames_that_are_there_stay_as_they_are() -> None:
    values = np.random.default_rng(0).uniform(size=(200, 2))
    found, _ = resampled(3 + np.arange(200) / 30, values)
    np.testing.assert_allclose(found, values, atol=1e-6)


@pytest.mark.parametrize("rate", [48, 50, 60])
def test_what_30_frames_cannot_show_is_left_out(rate: int) -> None:
    times = np.arange(10 * rate + 1) / rate
    fast = 0.4 * rate
    found, _ = resampled(times, np.stack([tone(fast, times), tone(10, times)], 1))
    assert np.abs(found[INSIDE, 0]).max() < 0.02
    assert found[INSIDE, 1].std() > 0.9 * tone(10, np.arange(301) / 30)[INSIDE].std()


def test_rows_need_not_be_even() -> None:
    random = np.random.default_rng(0)
    times = np.sort(np.concatenate([[0.0, 10.0], random.uniform(0, 10, 600)]))
    found, known = resampled(times, tone(1, times)[:, None])
    assert np.abs(found[INSIDE, 0] - tone(1, np.arange(301) / 30)[INSIDE]).max() < 0.02 and known.all()


def test_short_gaps_are_filled_and_long_ones_are_not_known() -> None:
    times = np.arange(300) / 30

    def without(first: int, count: int) -> np.ndarray:
        kept = np.delete(times, slice(first, first + count))
        return resampled(kept, kept[:, None])[1]

    assert without(100, LONGEST).all()
    np.testing.assert_array_equal(np.flatnonzero(~without(100, LONGEST + 1)), np.arange(100, 100 + LONGEST + 1))
