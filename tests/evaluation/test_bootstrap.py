import numpy as np
import pytest

from l2l.evaluation.bootstrap import ONE_RECORDING, Bootstrap, number


def test_an_interval_is_about_recordings_not_clips() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(8), 5)
    values = np.repeat(rng.standard_normal(8), 5)  # clips of one recording are alike
    found = Bootstrap(groups, 2000, seed=0).mean(values, "")
    more_clips = Bootstrap(np.repeat(groups, 10), 2000, seed=0).mean(np.repeat(values, 10), "")
    low, high = found["interval_95"]
    assert low < found["value"] < high and found["value"] == pytest.approx(values.mean())
    assert more_clips["interval_95"] == pytest.approx([low, high])
    assert high - low == pytest.approx(2 * 1.96 * values[::5].std() / np.sqrt(8), rel=0.15)


def test_recordings_count_by_their_clips_or_once_each() -> None:
    groups, values = np.array(["a", "a", "a", "b"]), np.array([0.0, 0.0, 0.0, 4.0])
    bootstrap = Bootstrap(groups, 50, seed=0)
    assert bootstrap.mean(values, "")["value"] == 1
    assert bootstrap.mean_of_recordings(np.array([0.0, 4.0]), "")["value"] == 2


def test_draws_follow_the_seed_and_are_shared_by_all_numbers() -> None:
    groups = np.repeat(["a", "b", "c"], 4)
    one, two, other = (Bootstrap(groups, 50, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.counts, two.counts)
    assert (one.counts != other.counts).any() and (one.counts.sum(1) == 3).all()
    values = np.arange(12.0)
    low, high = one.mean(values, "")["interval_95"]
    assert one.mean(values + 5, "")["interval_95"] == pytest.approx([low + 5, high + 5])


def test_an_interval_holds_its_value_even_where_drawing_inflates_it() -> None:
    """Distances between distributions grow when recordings repeat: the draws must not be taken as they are."""
    drawn = np.random.default_rng(0).uniform(5, 6, 1000)
    low, high = number(1.0, drawn, "")["interval_95"]
    assert 0.5 <= low < 1 < high <= 1.5
    assert number(0.1, drawn, "")["interval_95"][0] == 0  # what is never negative stays so


def test_one_recording_has_no_interval_and_says_why() -> None:
    found = Bootstrap(np.array(["a"] * 5), 100, seed=0).mean(np.arange(5.0), "")
    assert found == {"value": 2.0, "interval_95": None, "reason": ONE_RECORDING}


def test_clips_without_a_value_are_left_out_and_none_at_all_is_null_with_its_reason() -> None:
    bootstrap = Bootstrap(np.array(["a", "a", "b"]), 100, seed=0)
    assert bootstrap.mean(np.array([1.0, np.nan, 3.0]), "why")["value"] == 2
    nothing = bootstrap.mean(np.full(3, np.nan), "why")
    assert nothing == {"value": None, "interval_95": None, "reason": "why"}


def test_a_value_that_most_draws_do_not_have_gets_no_interval() -> None:
    found = number(1.0, np.array([np.nan, np.nan, 1.0]), "")
    assert found["interval_95"] is None and "more than half" in found["reason"]
