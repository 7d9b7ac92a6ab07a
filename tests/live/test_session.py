"""A conversation: what goes in decides what comes out, however it is cut and whenever it is asked."""

import numpy as np
import pytest

import l2l
from l2l.config import Settings
from l2l.errors import UserError
from l2l.live.session import PATIENCE
from l2l.live.sound import LiveSound
from l2l.pictures.listen import play
from tests.live.trained import portrait

SECONDS = 2.0


@pytest.fixture(scope="module")
def sound():
    return np.random.default_rng(0).normal(0, 0.1, round(SECONDS * 16000)).astype(np.float32)


def converse(session, sound, block=512, pictures=True):
    """All answers, when sound comes in blocks and pictures 30 times a second."""
    answers, shown = [], 0
    for start in range(0, len(sound), block):
        session.hear(sound[start : start + block])
        while pictures and shown / 30 <= session.seconds:
            session.see(portrait(0.1 * np.sin(shown / 5)), shown / 30)
            shown += 1
        answers += session.answers()
    return answers


@pytest.fixture(scope="module")
def session(trained):
    return l2l.Session.load(trained, seed=3)


@pytest.fixture(scope="module")
def answers(session, sound):
    return converse(session, sound)


def test_every_patch_is_answered_in_order(answers):
    assert [answer.frame for answer in answers] == list(range(-8, 8 * len(answers) - 8, 8))
    assert len(answers) == int((SECONDS - 0.0525) * 30 / 8)
    assert all(answer.motion.shape == (8, 56) and np.isfinite(answer.motion).all() for answer in answers)


def test_the_listener_is_the_one_that_hears_the_same(trained, answers, sound):
    heard = LiveSound(Settings().mel)
    heard.add(sound)
    speaker = np.concatenate([answer.speaker for answer in answers])
    motion = play(l2l.Listener.load(trained, seed=3).step, speaker, heard.rows(0, len(speaker)))
    np.testing.assert_allclose(np.concatenate([answer.motion for answer in answers])[8:], motion, atol=1e-4)


def test_the_same_conversation_gives_the_same_listener(session, answers, sound):
    session.reset()
    again = converse(session, sound, block=1600)
    for one, other in zip(answers, again, strict=True):
        np.testing.assert_allclose(one.speaker, other.speaker, atol=1e-5)
        np.testing.assert_allclose(one.motion, other.motion, atol=1e-4)


def test_another_seed_is_another_listener(session, answers, sound):
    session.reset(seed=4)
    other = converse(session, sound)
    session.reset(seed=3)
    assert not np.allclose(answers[-1].motion, other[-1].motion)


def test_without_pictures_it_goes_on_a_little_later(session, sound):
    session.reset()
    answers = converse(session, sound, pictures=False)
    assert len(answers) == int((SECONDS - PATIENCE) * 30 / 8)
    assert not any(answer.seen.any() or answer.speaker.any() for answer in answers)


def test_warming_leaves_no_trace(session, answers, sound):
    session.reset()
    session.warm()
    np.testing.assert_allclose(converse(session, sound)[-1].motion, answers[-1].motion, atol=1e-4)


def test_what_is_no_picture_or_sound_is_refused(session):
    with pytest.raises(UserError, match=r"picture is \(4, 4\) float64, expected \(H, W, 3\) uint8"):
        session.see(np.zeros((4, 4)), 0.0)
    with pytest.raises(UserError, match=r"sound is \(2, 100\), expected \(n,\) finite numbers, mono"):
        session.hear(np.zeros((2, 100), np.float32))


def test_a_missing_basis_is_named(tmp_path, trained):
    for name in ("codebook.pt", "predictor.pt"):
        (tmp_path / name).write_bytes((trained / name).read_bytes())
    with pytest.raises(UserError, match=r"face_basis.npz is missing; make it with `l2l fit-faces`"):
        l2l.Session.load(tmp_path)
