"""Rows are compared recording by recording: by the difference of their numbers."""

import numpy as np

from l2l.evaluation.bootstrap import Bootstrap, Number
from l2l.evaluation.ranking import Rank, rank

HARD = np.array([0.1, 0.5, 0.9, 1.7, 2.5, 3.1])  # how hard recordings are for every model
LUCK = np.array([0.03, -0.02, 0.01, -0.03, 0.02, -0.01])


def mean(values: np.ndarray) -> Number:
    groups = np.arange(len(values))
    return Bootstrap(groups, 1000, seed=0).mean(values, "")


def ranked(name: str, number: Number, truth: Number | None = None) -> Rank:
    found = rank(name, number, truth)
    assert found
    return found


def test_better_in_every_recording_is_no_tie_though_the_intervals_overlap() -> None:
    one, two = mean(HARD), mean(HARD + 0.1 + LUCK)
    assert one["interval_95"][0] < two["value"] < one["interval_95"][1]
    assert not ranked("l2", one).tied(ranked("l2", two)) and ranked("l2", one).value < ranked("l2", two).value
    assert ranked("l2", one).tied(ranked("l2", mean(HARD + LUCK)))
    assert ranked("l2", one).tied(ranked("l2", mean(HARD[::-1] + 0.1)))  # as far apart, but not in every recording


def test_the_standard_error_of_a_difference_is_that_of_its_draws() -> None:
    groups, a, b = np.arange(90) % 45, np.random.default_rng(1).random(90), np.random.default_rng(2).random(90)
    bootstrap = Bootstrap(groups, 4000, seed=0)  # more recordings than groups of them
    sums = np.stack([bootstrap.sums(a - b), np.full(45, 2.0)], 1)
    drawn = bootstrap.counts @ sums
    influences = (np.array(bootstrap.mean(x, "")["influence"]) for x in (a, b))
    found = np.linalg.norm(np.subtract(*influences))
    np.testing.assert_allclose(found, (drawn[:, 0] / drawn[:, 1]).std(), rtol=0.1)


def test_what_shall_be_as_the_truth_is_ranked_by_its_distance_from_it() -> None:
    truth, over, under = mean(HARD), mean(HARD + 0.4 + LUCK), mean(HARD - 0.4 - LUCK)
    assert ranked("seam", over, truth).tied(ranked("seam", under, truth))
    near = ranked("seam", mean(HARD + 0.1), truth)
    assert near.value < ranked("seam", over, truth).value and not near.tied(ranked("seam", over, truth))
    assert rank("seam", over, None) is None


def test_a_number_without_an_interval_ties_with_everything_and_a_missing_one_has_no_rank() -> None:
    alone = {"value": 1.0, "interval_95": None, "reason": "one recording"}
    assert ranked("l2", alone).tied(ranked("l2", mean(HARD + 9)))
    assert rank("l2", {"value": None, "interval_95": None, "reason": "none"}, None) is None
    constant: Number = {"value": 0.0, "interval_95": [0.0, 0.0]}
    assert not ranked("gain", constant).tied(ranked("gain", mean(HARD)))
