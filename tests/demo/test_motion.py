"""Motion follows the score, and no curve jumps."""

import numpy as np
import pytest

from l2l.config import Settings
from l2l.demo.dialogue import Event, Score, Utterance, write_score
from l2l.demo.motion import frames, loudness, move, speaking
from l2l.units import FPS, SAMPLE_RATE
from tests.demo.hum import hum


def _head(*asked) -> np.ndarray:
    """(T, 3) pitch, yaw, roll."""
    return np.stack(move(*asked)[:3], 1)


def _silent(seconds: float = 12) -> Score:
    return Score(round(seconds * SAMPLE_RATE))


def test_no_curve_jumps() -> None:
    settings = Settings()
    for index in range(5):
        score = write_score(settings, index, hum)
        for person in (0, 1):
            motion = move(score, settings, index, person)
            assert all(curve.shape == (frames(score),) for curve in motion)
            assert np.abs(np.diff(motion[:3], axis=1)).max() < 4  # degrees in 1/30 s
            assert np.abs(np.diff(motion.jaw)).max() < 6.5
            assert np.abs(np.diff(motion.smile)).max() < 0.12
            assert np.abs(np.diff(motion.blink)).max() < 0.45
            for curve in (motion.smile, motion.blink):
                assert 0 <= curve.min() <= curve.max() <= 1
            assert 0 <= motion.jaw.min() <= motion.jaw.max() <= 16


def test_same_score_same_motion_and_people_differ() -> None:
    settings, score = Settings(), _silent()
    np.testing.assert_array_equal(_head(score, settings, 0, 0), _head(score, settings, 0, 0))
    assert np.abs(_head(score, settings, 0, 0) - _head(score, settings, 0, 1)).max() > 1


def test_a_nod_lowers_the_head_while_it_lasts_and_only_then() -> None:
    settings, still, nodding = Settings(), _silent(), _silent()
    nodding.nods.append(Event(1, 4.0, 4.8))
    difference = _head(nodding, settings, 0, 1) - _head(still, settings, 0, 1)
    assert 7 < difference[:, 0].max() < 13
    assert np.abs(difference[:, 1:]).max() == 0
    moved = np.flatnonzero(np.abs(difference[:, 0]) > 1e-9) / FPS
    assert 3.95 < moved.min() < 4.1
    assert 4.7 < moved.max() < 4.85
    assert not np.any(_head(nodding, settings, 0, 0) - _head(still, settings, 0, 0))


def test_the_jaw_opens_with_its_own_voice_and_stays_shut_for_the_others() -> None:
    score = _silent()
    score.utterances.append(Utterance(0, 3 * SAMPLE_RATE, np.full(SAMPLE_RATE, 0.3, np.float32), "", False))
    speaker, listener = (move(score, Settings(), 0, person).jaw for person in (0, 1))
    assert speaker[round(3.2 * FPS) : round(3.8 * FPS)].min() > 10
    assert np.abs(speaker[: round(2.8 * FPS)]).max() < 1e-6
    assert not listener.any()


def test_chewing_moves_the_jaw_once_or_twice_a_second_without_a_voice() -> None:
    score = _silent()
    score.chews.append(Event(0, 2.0, 6.0))
    jaw = move(score, Settings(), 0, 0).jaw
    peaks = np.sum((jaw[1:-1] > jaw[:-2]) & (jaw[1:-1] >= jaw[2:]) & (jaw[1:-1] > 3))
    assert 1.5 * 4 <= peaks <= 2 * 4
    assert np.abs(jaw[: 2 * FPS - 1]).max() < 1e-6
    assert np.abs(jaw[6 * FPS + 1 :]).max() < 1e-6


def test_speaking_marks_every_frame_a_voice_sounds_in() -> None:
    score = _silent(2)
    score.utterances.append(Utterance(1, 1600, np.ones(800, np.float32), "", True))  # 0.10 to 0.15 s
    heard = speaking(score)
    assert heard.shape == (60, 2)
    np.testing.assert_array_equal(np.flatnonzero(heard[:, 1]), [3, 4])
    assert not heard[:, 0].any()
    np.testing.assert_array_equal(speaking(score, backchannels_only=True), heard)


@pytest.mark.parametrize("level", [0.05, 0.5])
def test_loudness_does_not_depend_on_how_loud_the_recording_is(level: float) -> None:
    sound = np.zeros(SAMPLE_RATE, np.float32)
    sound[8000:12000] = level
    curve = loudness(sound, FPS)
    assert curve[18] == pytest.approx(1)
    assert curve[5] == 0
