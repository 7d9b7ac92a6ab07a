"""Sizes and steps follow from the amount of data, unless the settings say them."""

import pytest

from l2l.config import PredictorSettings, TrainingSettings
from l2l.patches.length import (
    LONGEST,
    branch_steps,
    codebook_steps,
    predictor_attempts,
    predictor_sizes,
    predictor_steps,
    with_steps,
)

MINUTES = (5, 10, 20, 40, 180, 600)


@pytest.mark.parametrize("steps", [codebook_steps, predictor_steps])
def test_more_data_is_trained_on_for_longer_but_each_minute_for_less(steps) -> None:
    found = [steps(minutes) for minutes in MINUTES]
    assert found == sorted(found) and found[0] >= 60 and found[-1] <= 6000
    each = [count / minutes for count, minutes in zip(found, MINUTES, strict=True)]
    assert each == sorted(each, reverse=True)


def test_the_predictor_is_larger_for_more_data_and_as_large_as_one_says() -> None:
    small, large = (predictor_sizes(PredictorSettings(), minutes) for minutes in (10, 180))
    assert 0 < small.width < large.width and 0 < small.layers < large.layers and small.head_width > 0
    assert predictor_sizes(PredictorSettings(width=32), 180).width == 32
    assert small.training.max_steps == predictor_steps(10) and small.training.validate_every > 0
    assert small.weight_decay > large.weight_decay > 0
    assert (small.branch.steps, large.branch.steps) == (100, branch_steps(180))


def test_steps_that_are_set_are_kept_with_all_that_goes_with_them() -> None:
    training = TrainingSettings(max_steps=7, validate_every=3, warmup_steps=5)
    assert with_steps(training, 1000) == training
    found = with_steps(TrainingSettings(), 40)
    assert found.max_steps == 40 and found.warmup_steps == 5 and found.validate_every == 3


@pytest.mark.parametrize("minutes", MINUTES)
def test_attempts_double_and_decay_halves_until_the_longest(minutes: int) -> None:
    found = predictor_attempts(PredictorSettings(), minutes)
    steps = [sizes.training.max_steps for sizes in found]
    assert steps == [predictor_steps(minutes) * 2**k for k in range(len(steps))]
    assert len(steps) > 1 or minutes > 500
    assert steps[-1] <= LONGEST < 2 * steps[-1]
    decays = [sizes.weight_decay for sizes in found]
    assert decays == sorted(decays, reverse=True) and (len(decays) == 1 or decays[-1] < decays[0])
    assert {(sizes.width, sizes.layers, sizes.branch.steps) for sizes in found} == {
        (found[0].width, found[0].layers, found[0].branch.steps)
    }


def test_what_is_set_is_tried_once() -> None:
    told = PredictorSettings.model_validate({"training": {"max_steps": 70}})
    assert [sizes.training.max_steps for sizes in predictor_attempts(told, 20)] == [70]
