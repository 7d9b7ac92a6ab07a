"""The made-up dyads keep what their descriptions promise."""

import numpy as np
import pytest

from benchmarks import coupled, coupled_told, dyads
from l2l.units import FPS


@pytest.mark.parametrize("pairs", [dyads, coupled])
def test_a_recording_follows_from_its_numbers(pairs):
    speaker, again = pairs.speak(3, 1, 20.0), pairs.speak(3, 1, 20.0)
    assert np.array_equal(speaker.motion, again.motion) and np.array_equal(speaker.audio, again.audio)
    listeners = [pairs.listen(3, 1, speaker, future) for future in (0, 0, 1)]
    assert np.array_equal(listeners[0], listeners[1])
    assert not np.allclose(listeners[0], listeners[2])


@pytest.mark.parametrize("pairs", [dyads, coupled])
def test_nothing_is_said_in_a_silence(pairs):
    speaker = pairs.speak(0, 0, 60.0, silences=[(20.0, 40.0)])
    loudness = np.log(speaker.audio).mean(1)  # (4 T,)
    silent, spoken = loudness[4 * FPS * 21 : 4 * FPS * 40], loudness[: 4 * FPS * 20]
    assert silent.max() < np.median(spoken)
    assert silent.std() < 0.2 * spoken.std()
    begun = speaker.pauses / FPS
    assert not ((begun > 20.7) & (begun < 40)).any()
    assert (begun > 41).any(), "the speaker goes on afterwards"


def test_an_oracle_is_told_what_the_same_listener_follows_and_nothing_else():
    shown, told = coupled.speak(3, 1, 20.0), coupled_told.speak(3, 1, 20.0)
    assert np.array_equal(coupled.listen(3, 1, shown), coupled_told.listen(3, 1, told))
    assert np.array_equal(told.motion[:, :3], coupled.oracle(shown))
    assert not told.motion[:, 3:].any() and not told.audio.any()


def test_long_pauses_come_as_often_as_is_asked_for():
    level, pauses = dyads.syllables(np.random.default_rng(0), 1200.0, long_pauses=0.3)
    ends = np.flatnonzero(level)  # rows with a voice
    gaps = np.diff(ends) / (4 * FPS)
    assert 0.2 < (gaps > dyads.LONG_PAUSE[0]).sum() / len(pauses) < 0.4


def test_a_double_nod_is_one_and_two_nods_are_two():
    motion = np.zeros((300, 56))
    motion[:, dyads.PITCH] = 0.16 * (dyads.bump(300, 30, 27, 2) + dyads.bump(300, 150, 24) + dyads.bump(300, 200, 24))
    assert len(dyads.nod_peaks(motion)) == 4
    assert len(dyads.nods(motion)) == 3


def test_smiles_of_the_coupled_set_correlate_as_real_ones_do():
    """At 0, 1, 2 and 4 s, mean of both directions; and not at all with another recording's speaker."""
    speakers, heard = [], []
    for recording in range(8):
        random = np.random.default_rng([1, recording])
        speakers.append(coupled.speaker_smile(random, 100_000))
        heard.append(coupled.followed(speakers[-1]))
    first, second = np.array(speakers), np.array(heard)
    share = np.sqrt(coupled.COUPLED)  # all else of the listener's smile is independent of the speaker
    found = [share * coupled.correlation(first, second, lag) for lag in (0, 1, 2, 4)]
    assert np.allclose(found, [0.21, 0.20, 0.16, 0.10], atol=0.01), found
    assert abs(coupled.correlation(first, np.roll(second, 1, axis=0), 0)) < 0.03


def test_a_listeners_smile_has_the_variance_and_the_share_that_are_said():
    random = np.random.default_rng(0)
    smile = coupled.speaker_smile(random, 400_000)
    listener = coupled.listener_smile(random, smile)
    assert smile.std() == pytest.approx(coupled.SPREAD, rel=0.05)
    assert listener.std() == pytest.approx(coupled.SPREAD, rel=0.05)
    # Frames 10 s apart are hardly alike: 1300 or so of them give the correlation to .03.
    assert coupled.correlation(smile[None], listener[None], 0) == pytest.approx(0.21, abs=0.07)


def test_the_listener_shows_the_smile_that_is_meant():
    speaker = coupled.speak(0, 0, 60.0)
    random = np.random.default_rng([0, 0, 1])
    random.uniform(0, speaker.frames, random.poisson(dyads.STRAY_NODS * speaker.frames / FPS))
    meant = coupled.listener_smile(random, speaker.smile)
    assert np.corrcoef(dyads.smile_of(coupled.listen(0, 0, speaker)), meant)[0, 1] > 0.98


def test_the_oracle_of_the_coupled_set_explains_what_is_coupled():
    speaker = coupled.speak(0, 0, 60.0)
    features = coupled.oracle(speaker)
    assert features.shape == (speaker.frames, 3)
    assert np.allclose(features[:, 0], coupled.followed(speaker.smile), atol=1e-5)
    # Causal: what comes later changes nothing now.
    cut = coupled.followed(speaker.smile[:900])
    assert np.allclose(cut, features[:900, 0], atol=1e-5)


def test_the_oracle_of_the_answers_tells_how_long_ago_an_event_began():
    speaker = dyads.speak(0, 0, 60.0)
    features = dyads.oracle(speaker)
    assert features.shape == (speaker.frames, 40)
    pause = int(speaker.pauses[2])
    assert features[pause, 0] == 1 and features[pause + 3, 1] == 1 and features[pause + 4, 1] == pytest.approx(2 / 3)
    assert not features[pause - 1, :15].any()
    smile = int(speaker.smiles[0, 0])
    assert features[smile, 15] == 1 and not features[smile - 1, 15:].any()
