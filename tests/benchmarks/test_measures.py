"""Numbers of benchmarks/quality.py, on data whose answers are known."""

import numpy as np
import pytest

from benchmarks import dyads, measures
from benchmarks.recordings import SILENCE, Conversations
from l2l.units import FPS


def test_an_interval_over_trainings_and_recordings_covers_the_mean_as_often_as_it_says(monkeypatch):
    """Trainings differ by 1, recordings by 1, 8 of each."""
    monkeypatch.setattr(measures, "RESAMPLINGS", 300)
    covered = 0
    for number in range(100):
        random = np.random.default_rng(number)
        values = random.standard_normal((8, 1)) + random.standard_normal((1, 8))
        _, low, high = measures.interval(values)
        covered += low < 0 < high
    assert covered >= 85


def test_recordings_are_drawn_for_all_trainings_together():
    """The same recordings in each training: more trainings do not make the recordings more."""
    values = np.random.default_rng(0).standard_normal((1, 20))
    one, many = measures.interval(values), measures.interval(np.repeat(values, 50, axis=0))
    assert many[2] - many[1] == pytest.approx(one[2] - one[1], rel=0.1)


def test_a_share_is_hits_per_count():
    hits, counts = np.array([[1.0, 0.0]]), np.array([[1.0, 3.0]])
    assert measures.interval(hits / counts, counts)[0] == pytest.approx(0.25)


def test_distances_of_several_trainings_have_the_spread_of_both():
    value, low, high = measures.interval_of_distances([[1.0, 0.1], [3.0, 0.1]])
    assert value == 2
    assert high - value == pytest.approx(1.96 * np.sqrt(0.1**2 + 1))
    assert value - low == pytest.approx(high - value)


@pytest.mark.parametrize("name", ["answers", "coupled"])
def test_the_true_listener_nods_rarely_in_silence(name, monkeypatch):
    monkeypatch.setattr("benchmarks.recordings.TEST", 6)
    silent = Conversations(name).silent()
    found = measures.nods_in_silence(np.stack([m for _, m in silent]), [s for s, _ in silent], SILENCE)
    rate = sum(found["hits"]) / sum(found["counts"])
    assert sum(found["counts"]) > 6 * 17
    assert rate <= 2 * dyads.STRAY_NODS


def test_nods_in_silence_are_those_in_silence():
    speaker = dyads.speak(0, 0, 60.0, silences=[SILENCE])
    frames = np.array([10.0, 25.0, 30.0, 45.0]) * FPS
    motion = np.zeros((speaker.frames, 56))
    motion[:, dyads.PITCH] = dyads.nodding(np.random.default_rng(0), speaker.frames, list(frames))
    assert measures.nods_in_silence(motion[None], [speaker], SILENCE)["hits"] == [2.0]


def test_fast_pitch_of_half_the_depth_has_slope_one_half():
    motion = np.random.default_rng(0).standard_normal((2, 600, 56))
    assert measures.fast_pitch(0.5 * motion, motion) == pytest.approx(0.5)
