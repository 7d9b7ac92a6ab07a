"""diarize: the mouth that moves with the sound speaks; chewing and trembling do not."""

import numpy as np
import pytest

from l2l import config
from l2l.speech.intervals import intervals
from l2l.speech.lip_motion import fit_and_motion, lip_evidence, of_few, seen, speaking_probability
from l2l.speech.speaking import load_speaking, write_speaking
from l2l.video.tracks import load_tracks
from tests.video.tracked import write_tracks

SETTINGS = config.DiarizationSettings()


def syllables(rng, frames):
    """(frames,) loudness of somebody who speaks: about four bursts a second."""
    phase = np.cumsum(rng.uniform(0.5, 1.1, frames))
    return np.clip(np.sin(phase), 0, 1) * rng.uniform(0.5, 1.0, frames)


@pytest.fixture
def dialogue():
    """Ten turns of three seconds; the listener trembles, chews, or rests."""
    rng = np.random.default_rng(0)
    frames = 900
    loud, speaker = syllables(rng, frames), (np.arange(frames) // 90) % 2
    opening = rng.normal(0, 0.004, (frames, 2)) + 0.02
    for person in range(2):
        own = speaker == person
        opening[own, person] += 0.2 * loud[own]
        chews = ~own & (np.arange(frames) % 360 > 270)
        opening[chews, person] += 0.08 * (1 + np.sin(np.arange(frames)[chews] / 30 * 2 * np.pi * 1.8))
    return opening, loud, speaker


def test_the_speaker_is_named_though_the_listener_chews(dialogue):
    opening, loud, speaker = dialogue
    probability = speaking_probability(lip_evidence(opening, loud, SETTINGS.window), np.ones(900), SETTINGS)
    assert (probability.argmax(1) == speaker).mean() > 0.95


def test_exactly_one_person_speaks_where_there_is_speech_and_nobody_elsewhere(dialogue):
    opening, loud, _ = dialogue
    speech = np.where(np.arange(900) % 100 < 70, 0.9, 0.1)
    probability = speaking_probability(lip_evidence(opening, loud, SETTINGS.window), speech, SETTINGS)
    np.testing.assert_array_equal((probability >= 0.5).sum(1), speech > SETTINGS.speech)
    assert probability.min() >= 0 and probability.max() <= 1


def test_swapping_the_people_swaps_the_answer(dialogue):
    opening, loud, _ = dialogue
    answer = [
        speaking_probability(lip_evidence(seats, loud, 1.0), np.ones(900), SETTINGS)
        for seats in (opening, opening[:, ::-1])
    ]
    assert (answer[0].argmax(1) != answer[1].argmax(1)).mean() > 0.99


def test_a_higher_switch_cost_gives_fewer_changes():
    rng = np.random.default_rng(1)
    evidence = rng.normal(0, 1, (600, 2))
    changes = [
        np.abs(
            np.diff(speaking_probability(evidence, np.ones(600), config.DiarizationSettings(switch_cost=c)).argmax(1))
        ).sum()
        for c in (0.1, 4.0, 50.0)
    ]
    assert changes[0] > changes[1] >= changes[2]


def test_rttm_and_npz_tell_the_same(tmp_path):
    probability = np.zeros((90, 2), np.float32)
    probability[30:60, 0], probability[60:75, 1] = 0.9, 0.7
    write_speaking(tmp_path / "speaking.npz", tmp_path / "speaking.rttm", probability, np.ones(90), "talk")
    np.testing.assert_array_equal(load_speaking(tmp_path / "speaking.npz"), probability)
    assert (tmp_path / "speaking.rttm").read_text().splitlines() == [
        "SPEAKER talk 1 1.000 1.000 <NA> <NA> left <NA> <NA>",
        "SPEAKER talk 1 2.000 0.500 <NA> <NA> right <NA> <NA>",
    ]


def test_intervals_are_half_open_runs():
    assert intervals(np.array([1, 1, 0, 1, 0, 0, 1], bool)) == [(0, 2), (3, 4), (6, 7)]
    assert intervals(np.zeros(3, bool)) == []


def alone(opening, loud, seen):
    """(900, 2) who is named where `seen` (2,) are in the picture."""
    fit, _ = fit_and_motion(opening, loud, SETTINGS.window)
    probability = of_few(fit, np.tile(seen, (900, 1)), np.ones(900), SETTINGS)
    assert probability.min() >= 0 and probability.max() <= 1
    return probability >= 0.5


def test_of_one_face_that_person_is_named_where_the_lips_are_sure_and_no_other(dialogue):
    opening, loud, speaker = dialogue
    named = alone(opening, loud, [True, False])
    middle = np.abs(np.arange(900) % 90 - 45) < 30  # of a turn; the listener chews in some
    assert not named[:, 1].any()
    assert named[(speaker == 0) & middle, 0].all() and not named[(speaker == 1) & middle, 0].any()


def test_one_face_that_does_not_tell_names_nobody(dialogue):
    _, loud, _ = dialogue
    trembles = 0.02 + np.random.default_rng(2).normal(0, 0.02, (900, 2))
    assert not alone(trembles, loud, [False, True]).any()


def test_without_faces_nobody_is_named(dialogue):
    opening, loud, _ = dialogue
    assert not alone(opening, loud, [False, False]).any()


def test_who_is_lost_for_a_moment_is_still_seen_but_not_across_a_cut(tmp_path):
    tracks = load_tracks(write_tracks(tmp_path / "tracks.npz", 200, (640, 360), [(160, 180, 90), (480, 180, 90)], 100))
    tracks.found[50:60, 0] = tracks.found[100:, 1] = False
    there = seen(tracks)
    assert there[:, 0].all() and there[:100, 1].all() and not there[100:, 1].any()
