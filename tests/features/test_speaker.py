"""What a listener may answer: causal, the same live and offline, whatever the microphone."""

import numpy as np
import pytest

from l2l.features import speaker
from l2l.features.speaker import SpeakerFeatures

T = 300


@pytest.fixture(scope="module")
def person() -> tuple[np.ndarray, np.ndarray]:
    """Faces (T, 56) and sound (T, 128) of somebody who speaks for two seconds, pauses for two, and so on."""
    random = np.random.default_rng(0)
    faces = random.standard_normal((T, 56)).astype(np.float32) * np.linspace(0.2, 1, 56, dtype=np.float32)
    speaks = (np.arange(T) // 60 % 2 == 0)[:, None]
    return faces, (np.where(speaks, 0.0, -7.0) + 0.3 * random.standard_normal((T, 128))).astype(np.float32)


@pytest.fixture(scope="module")
def made(person) -> SpeakerFeatures:
    return SpeakerFeatures.fit(lambda: [(person[0], speaker.loudness(person[1]), np.ones(T, bool))])


def test_live_and_offline_are_equal(made, person) -> None:
    faces, sound = (np.stack([x, x[::-1]]) for x in person)
    memory = speaker.begin(2)
    live = [made(faces[:, t : t + 8], sound[:, t : t + 8], memory) for t in range(0, T, 8)]
    np.testing.assert_array_equal(np.concatenate(live, axis=1), made(faces, sound))


def test_nothing_is_known_before_it_happens(made, person) -> None:
    faces, sound = (x[None].copy() for x in person)
    before = made(faces, sound)
    faces[:, 200:] += 1
    sound[:, 200:] += 1
    after = made(faces, sound)
    np.testing.assert_array_equal(after[:, :200], before[:, :200])
    assert not np.array_equal(after[:, 200], before[:, 200])


def test_training_speakers_have_features_of_mean_0_and_std_1(made, person) -> None:
    found = made(person[0][None], person[1][None])[0]
    assert found.shape == (T, speaker.count()) and found.dtype == np.float32
    # Hat functions of pauses are rare, so that their peaks are cut off.
    others = np.r_[0:3, 3 + len(speaker.SILENCES) : speaker.count()]
    np.testing.assert_allclose(found[:, others].mean(0), 0, atol=0.01)
    np.testing.assert_allclose(found[:, others].std(0), 1, atol=0.01)


def test_voice_and_pauses_do_not_depend_on_the_microphones_level(made, person) -> None:
    loud = made(person[0][None], person[1][None] + 2)[0, :, : 3 + len(speaker.SILENCES)]
    np.testing.assert_allclose(loud, made(person[0][None], person[1][None])[0, :, : loud.shape[1]], atol=1e-4)


def test_a_pause_is_felt_as_it_grows(made, person) -> None:
    """One hat function after another is highest while nothing is said."""
    hats = made(person[0][None], person[1][None])[0, 180:240, 3 : 3 + len(speaker.SILENCES)]
    raw = hats * made.scale[3:11] + made.centre[3:11]
    highest = raw[[5, 15, 30, 55]].argmax(1)
    assert (np.diff(highest) > 0).all()


def test_what_training_never_had_says_nothing(person) -> None:
    """No pause of training lasted half a second, so the hat function of pauses of a second stays at 0."""
    faces, sound = person
    short = np.where((np.arange(T) % 30 < 20)[:, None], 0.0, -7.0).astype(np.float32) + 0 * sound
    found = SpeakerFeatures.fit(lambda: [(faces, speaker.loudness(short), np.ones(T, bool))])(faces[None], sound[None])
    hats = found[0, 190:, 3 : 3 + len(speaker.SILENCES)]
    assert hats[:, 3].any() and np.abs(hats[:, len(speaker.SILENCES) - 2]).max() < 1e-6


def test_somebody_without_sound_is_no_error(made, person) -> None:
    assert np.isfinite(made(person[0][None], np.zeros((1, T, 128), np.float32))).all()
