"""All metrics together: what must hold of every one of them."""

from typing import Any

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from l2l.evaluation import clips
from l2l.evaluation.bootstrap import Bootstrap
from l2l.evaluation.clips import Reference
from l2l.evaluation.definitions import METRICS
from l2l.evaluation.events import Directions
from l2l.evaluation.score import Scorer
from l2l.features.standardize import Standardizer

NAMES = np.repeat(["a", "b", "c"], 3)
# How a number changes when all motion is scaled by c: c ** power.
POWERS = {
    **dict.fromkeys(("l2", "diversity_pairs"), 1),
    **dict.fromkeys(("mse", "fd", "p_fd", "fd_velocity", "variation", "diversity_samples"), 2),
    **dict.fromkeys(("rpcc", "tlcc", "seam", "sid", "l2_released"), 0),
}


def motion(*shape: int, seed: int = 0) -> np.ndarray:
    return gaussian_filter1d(np.random.default_rng(seed).standard_normal((*shape, 56)), 2.0, axis=-2)


def score(predicted: Any, truth: Any, speaker: Any, before: Any, names: np.ndarray = NAMES) -> dict[str, Any]:
    pooled = np.concatenate(list(truth))
    standardizer = Standardizer.fit(pooled[None])
    scorer = Scorer(
        Reference(list(truth), list(speaker), list(before), names),
        Bootstrap(names, 20, 0),
        0,
        0.5,
        ([standardizer.apply(clip) for clip in truth], standardizer),
        Directions(*np.eye(50)[:2], 0.025, 0.008),
    )
    return scorer.score(predicted)


def arrays(frames: int = 40) -> tuple[np.ndarray, ...]:
    return motion(2, 9, frames), motion(9, frames, seed=1), motion(9, frames, seed=2), motion(9, 32, seed=3)


def values(found: dict[str, Any]) -> dict[tuple[str, str], float | None]:
    return {(name, part): number["value"] for name, parts in found.items() for part, number in parts.items()}


OF_MODELS = {"gain", "nats", "over_unconditional"}  # for which a model has to be asked


def test_every_metric_is_there_with_all_its_parts() -> None:
    found = score(*arrays())
    assert set(found) == set(METRICS) - OF_MODELS
    for name, parts in found.items():
        assert tuple(parts) == METRICS[name].parts
        for number in parts.values():
            assert number["value"] is None or np.isfinite(number["value"])


def test_clips_in_another_order_give_the_same_numbers_and_intervals() -> None:
    predicted, truth, speaker, before = arrays()
    order = np.random.default_rng(0).permutation(9)
    one = score(predicted, truth, speaker, before)
    two = score(predicted[:, order], truth[order], speaker[order], before[order], NAMES[order])
    for name in set(one) - {"sid_15_9", "sid_40_20"}:  # k-means starts from other frames
        for part, number in one[name].items():
            assert two[name][part]["value"] == pytest.approx(number["value"], rel=1e-6, abs=1e-9), (name, part)
            assert two[name][part]["interval_95"] == pytest.approx(number["interval_95"], rel=1e-6, abs=1e-9)


def test_scaling_scales_as_it_must() -> None:
    # A power of two is exact, so that no rounding moves a frame into another cluster.
    one, two = values(score(*arrays())), values(score(*(4 * array for array in arrays())))
    checked = set()
    for (name, part), value in one.items():
        family = max((known for known in POWERS if name.startswith(known)), key=len, default=None)
        if family and value is not None:
            checked.add(name)
            power = POWERS[family]
            assert two[name, part] == pytest.approx(4**power * value, rel=1e-6), (name, part)
    assert checked >= set(METRICS) - OF_MODELS - {name for name in METRICS if name.startswith("event")}


def test_clips_may_differ_in_length_and_be_whole_recordings() -> None:
    lengths = [40, 90, 40, 200, 90, 64, 40, 50, 90]
    predicted = [motion(2, t, seed=10 + n) for n, t in enumerate(lengths)]
    truth, speaker = ([motion(t, seed=s + n) for n, t in enumerate(lengths)] for s in (20, 30))
    found = score(predicted, truth, speaker, motion(9, 32, seed=3))
    expected = np.mean([np.linalg.norm(p - g, axis=-1).mean() for p, g in zip(predicted, truth, strict=True)])
    assert found["l2"]["all"]["value"] == pytest.approx(expected)
    pooled = np.concatenate(truth)
    difference = np.concatenate([p[0] for p in predicted]).mean(0) - pooled.mean(0)
    assert found["fd_pooled"]["rotation"]["value"] > np.square(difference[50:53]).sum() / 2
    assert all(np.isfinite(v) for v in values(found).values() if v is not None)


def test_constant_predictions_give_numbers_or_null_with_a_reason_never_nan() -> None:
    _, truth, speaker, before = arrays()
    found = score(np.full((2, 9, 40, 56), 0.3), truth, speaker, before)
    for name, parts in found.items():
        for number in parts.values():
            assert (number["value"] is None) == (number.get("reason") is not None and number["value"] is None)
            if number["value"] is None:
                assert number["reason"] and name.startswith(("rpcc", "tlcc", "seam", "event")), name
            else:
                assert np.isfinite([number["value"], *(number["interval_95"] or [])]).all()
    assert found["rpcc_pooled"]["all"]["value"] is None and "constant" in found["rpcc_pooled"]["all"]["reason"]
    assert found["variation"]["all"]["value"] == pytest.approx(0, abs=1e-20)
    assert found["sid_15_9"]["pose"]["value"] == pytest.approx(0, abs=1e-5)


def test_a_constant_truth_and_a_constant_speaker_are_no_trouble() -> None:
    predicted, truth, speaker, before = arrays()
    for constant in (
        score(predicted, np.ones_like(truth), speaker, before),
        score(predicted, truth, np.ones_like(speaker), before),
    ):
        assert constant["rpcc_video"]["all"]["value"] is None
        assert constant["fd_pooled"]["all"]["value"] > 0
    assert score(predicted, np.ones_like(truth), speaker, before)["sid_15_9"]["pose"]["value"] is None


def test_a_shift_of_the_speaker_is_found_as_a_lag() -> None:
    long = motion(9, 300, seed=4)
    speaker, truth = long[:, 60:260], long[:, 50:250]
    found = score(truth[None], truth, speaker, motion(9, 32, seed=3))
    assert found["tlcc_lag"]["all"]["value"] == found["tlcc_offset"]["jaw"]["value"] == 10
    mirrored = score(long[None, :, 70:270], truth, speaker, motion(9, 32, seed=3))
    assert mirrored["tlcc_lag"]["all"]["value"] == -10 and mirrored["tlcc_offset"]["all"]["value"] == 10


def test_pooled_numbers_are_not_those_per_clip() -> None:
    """Clips that differ from each other but not within: the set varies, no clip does."""
    _, truth, speaker, before = arrays()
    steps = np.broadcast_to(np.arange(9.0)[:, None, None], truth.shape)
    found = score(steps[None], truth, speaker, before)
    assert found["variation"]["all"]["value"] == 0 and found["variation_pooled"]["all"]["value"] == pytest.approx(
        60 / 9
    )


def test_parts_that_come_one_after_another_give_the_numbers_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    predicted, truth, speaker, before = arrays()
    whole = score(predicted, truth, speaker, before)
    monkeypatch.setattr(clips, "_PART", 70)  # frames: two clips, so that recordings of three are in several parts
    parts = score(iter([predicted[:, :5], predicted[:, 5:]]), truth, speaker, before)
    with pytest.raises(ValueError, match="predictions of 5 clips, expected 9"):
        score(predicted[:, :5], truth, speaker, before)
    for name, numbers in whole.items():
        for part, number in numbers.items():
            for kind in ("value", "interval_95"):
                assert parts[name][part][kind] == pytest.approx(number[kind], rel=1e-9, abs=1e-12), (name, part)
