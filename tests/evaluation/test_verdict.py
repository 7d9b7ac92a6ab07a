from typing import Any

import pytest

from l2l.evaluation.verdict import listens


def model(value: float, low: float, high: float) -> dict[str, Any]:
    return {"gain": {"nll": {"value": value, "interval_95": [low, high]}}}


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ((0.02, 0.01, 0.03), "yes: the gain (nll) is 0.02, 95 % interval 0.01 to 0.03."),
        ((0.01, -0.01, 0.03), "cannot be told with this much data: the gain (nll) is 0.01"),
        ((0.0, -0.02, 0.02), "cannot be told with this much data"),
        ((0.001, -0.002, 0.004), "no: the speaker changes next to nothing"),
        ((0.0, 0.0, 0.0), "no: the speaker changes next to nothing"),
        ((-0.02, -0.03, -0.01), "no: the true speaker makes it worse"),
    ],
    ids=["yes", "perhaps", "no sign", "hardly", "deaf", "worse"],
)
def test_the_interval_decides(numbers: tuple[float, float, float], words: str) -> None:
    assert listens(model(*numbers), 20, None).startswith(words)


def test_where_it_cannot_be_told_it_says_how_many_recordings_would_tell() -> None:
    assert "About 80 recordings like these would tell" in listens(model(0.01, -0.01, 0.03), 20, None)
    assert "train on more minutes" in listens(model(-0.001, -0.02, 0.018), 20, None)
    assert "train on more minutes" in listens(model(0.0001, -0.02, 0.0202), 20, None)


def test_a_model_that_found_nothing_in_the_speaker_needs_more_data() -> None:
    assert "training found nothing in the speaker. Train on more minutes." in listens(model(0.0, 0.0, 0.0), 6, None)


def test_the_absolute_numbers_stand_beside_the_difference() -> None:
    nats = {
        "with_speaker": {"value": 2.17, "interval_95": None},
        "without_speaker": {"value": 2.185, "interval_95": None},
    }
    over = {"over_unconditional": {"nll": {"value": 0.015, "interval_95": [0.012, 0.018]}}, "nats": nats}
    said = listens(model(0.02, 0.01, 0.03) | over, 20, None)
    assert said.endswith(
        "Better than without the speaker by 0.015 nats per frame (0.012 to 0.018; 2.17 with, 2.185 without)."
    )


def test_folds_answer_for_the_few_recordings_for_testing() -> None:
    folds = model(0.03, 0.02, 0.04) | {"folds": 4, "recordings": ["a", "b", "c", "d"]}
    said = listens(model(0.0, -0.1, 0.1), 1, folds)
    assert said.startswith("yes: the gain (nll) is 0.03") and "Only" not in said
    assert said.endswith("Each of 4 recordings was answered by a model trained on the others.")
    blocks = folds | {"recordings": [f"talk, block {k}" for k in (1, 2, 3, 4)]}
    assert listens({}, 1, blocks).endswith(
        "Each of 4 blocks was answered by a model trained on the others. They are parts of one recording: this says "
        "nothing of other conversations."
    )
    perhaps = blocks | model(0.01, -0.01, 0.03)
    assert "About 16 blocks like these would tell" in listens({}, 1, perhaps)
    assert listens(model(0.03, 0.02, 0.04), 2, None).endswith(
        "Only 2 test recordings: an interval over so few says little."
    )
