"""What the numbers are for: on a set whose listener depends on the speaker, they tell listening from fluent motion."""

from typing import Any

import numpy as np
import pytest

from l2l.config import Settings
from l2l.evaluation.baselines import Row, controls, speakers, training_rows
from l2l.evaluation.bootstrap import Bootstrap
from l2l.evaluation.evaluate import reference_of
from l2l.evaluation.gain import gains
from l2l.evaluation.report import headline
from l2l.evaluation.results import measure
from l2l.evaluation.score import Scorer
from l2l.evaluation.shifts import shifts_of
from tests.evaluation.listeners import FIRST, WINDOW, Oracle, TalkingHead, people

FRAMES = slice(FIRST, WINDOW)
SETTINGS = Settings.model_validate({"evaluation": {"bootstrap": 100, "shifts": 20}})
SAMPLES = 3


@pytest.fixture(scope="module")
def found() -> dict[str, dict[str, Any]]:
    """Results with the oracle, and with the talking head, in the model's place."""
    train, test = people(6, 10, seed=0), people(8, 8, seed=1)
    reference, speaker = reference_of(test, FRAMES, np.full(len(test), FIRST)), speakers(test)
    bootstrap = Bootstrap(reference.recordings, 100, 0)
    scorer = Scorer(reference, bootstrap, 0, 0.5)
    shifts = shifts_of(test, SETTINGS)
    rows = training_rows(train, len(test), FRAMES, SAMPLES, 0)
    rows += controls(None, test, np.stack(reference.truth), SAMPLES, 0)[0]
    everyone = {}
    for name, model in (("oracle", Oracle(test, SAMPLES)), ("head", TalkingHead(test, SAMPLES))):
        mine = Row("model", name, model.answered, uses_speaker=None, samples=SAMPLES)
        asked = [mine, *(rows if name == "oracle" else [])]
        results = measure(asked, speaker, scorer)
        for row, listening in gains(asked, model, speaker, reference, bootstrap, shifts).items():
            results[row] |= listening
        everyone[name] = results
    return everyone


def value(row: dict[str, Any], metric: str, part: str = "all") -> float:
    return row[metric][part]["value"]


@pytest.mark.parametrize("metric", ["l2", "mse", "fd_clip", "p_fd_pooled", "p_fd_video"])
def test_an_oracle_that_knows_the_rule_beats_every_baseline(found: dict[str, Any], metric: str) -> None:
    oracle = found["oracle"]["model"]
    for name, row in found["oracle"].items():
        if name not in ("model", "truth"):
            assert value(oracle, metric) < value(row, metric), name


def test_the_oracles_gain_is_above_nought_with_its_whole_interval(found: dict[str, Any]) -> None:
    gain = found["oracle"]["model"]["gain"]["l2"]
    assert gain["value"] > 0.1 and gain["interval_95"][0] > 0 and gain["p"] == pytest.approx(1 / 21)
    assert headline(found["oracle"], 10)["listens"].startswith("yes: the gain (l2)")


def test_a_talking_head_has_no_gain_although_its_fd_is_better(found: dict[str, Any]) -> None:
    head, oracle = found["head"]["model"], found["oracle"]["model"]
    low, high = head["gain"]["l2"]["interval_95"]
    assert low <= 0 <= high and high - low < 0.1 and head["gain"]["l2"]["p"] > 0.05
    assert value(head, "fd_pooled") < value(oracle, "fd_pooled")
    assert headline({"model": head}, 10)["listens"].startswith("cannot be told with this much data")


def test_the_mirror_and_rows_that_do_not_hear_gain_nothing(found: dict[str, Any]) -> None:
    rows = found["oracle"]
    for name in ("mean_pose", "median_pose", "random_training_window"):
        assert rows[name]["gain"]["l2"] == {"value": 0.0, "interval_95": [0.0, 0.0], "p": 1.0}
    assert rows["truth"]["gain"]["l2"]["value"] is None


def test_the_listener_is_found_to_be_later_than_the_speaker(found: dict[str, Any]) -> None:
    """The delayed mirror shows the speaker's motion 17 frames late, and one lag is all there is to find."""
    lags = found["oracle"]["delayed_mirror"]["tlcc_lag"]["all"], found["oracle"]["mirror"]["tlcc_lag"]["all"]
    assert lags[1]["value"] == 0 and found["oracle"]["mirror"]["tlcc_correlation"]["all"]["value"] == pytest.approx(1)
    assert lags[0]["value"] > 5  # half of a clip of 32 frames is 16, so 17 is out of reach
