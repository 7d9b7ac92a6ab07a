"""A face as it arrives: found, followed, and turned into the numbers of each frame."""

import numpy as np
import pytest

from l2l.config import Settings
from l2l.errors import UserError
from l2l.files import save_npz
from l2l.live.face import LiveFace
from tests.live.trained import portrait

EMPTY = np.zeros((240, 320, 3), np.uint8)


def tilt(at):
    return 0.2 * np.sin(2 * np.pi * 0.5 * at)


def test_the_head_turns_as_the_picture_does_at_uneven_times(trained):
    face, times = LiveFace(trained / "face_basis.npz", Settings()), np.cumsum(np.tile([0.02, 0.06, 0.04], 20))
    found, patch = [], 0
    for at in times:
        face.add(portrait(tilt(at)), at)
        while face.until >= (8 * patch + 7) / 30:
            faces, seen = face.patch(np.arange(8 * patch, 8 * patch + 8) / 30)
            found.append(faces[:, 52])
            assert seen.all() or patch == 0
            patch += 1
    roll, frames = np.concatenate(found), np.arange(8 * patch) / 30
    late = frames > 0.5
    assert np.corrcoef(roll[late], tilt(frames)[late])[0, 1] > 0.99
    # The photograph's own tilt is rest; the last frames of a patch are smoothed from one side.
    offset = np.median((roll - tilt(frames))[late])
    assert np.abs(roll - tilt(frames) - offset)[late].max() < 0.05


def test_the_last_face_seen_stays(trained):
    face = LiveFace(trained / "face_basis.npz", Settings())
    for frame in range(8):
        face.add(portrait(0.1), frame / 30)
    first, seen = face.patch(np.arange(8) / 30)
    assert seen.all()
    for frame in range(8, 16):
        face.add(EMPTY, frame / 30)
    faces, seen = face.patch(np.arange(8, 16) / 30)
    assert not seen.any() and face.last_found is None
    np.testing.assert_allclose(faces, np.repeat(first[-1:], 8, 0), atol=0.02)


def test_before_a_face_is_seen_it_is_at_rest(trained):
    face = LiveFace(trained / "face_basis.npz", Settings())
    face.add(EMPTY, 0.0)
    faces, seen = face.patch(np.arange(8) / 30)
    assert not faces.any() and not seen.any()


def test_an_older_picture_is_left_out(trained):
    face = LiveFace(trained / "face_basis.npz", Settings())
    face.add(EMPTY, 1.0)
    face.add(portrait(), 0.5)
    assert face.until == 1.0 and face.last_found is None


def test_pictures_without_sound_do_not_pile_up(trained, monkeypatch):
    face = LiveFace(trained / "face_basis.npz", Settings())
    monkeypatch.setattr(face, "_face", lambda picture: None)
    for frame in range(1000):
        face.add(EMPTY, frame / 30)
    assert len(face._pictures) == 300 and face.until == 999 / 30


def test_faces_that_cannot_be_measured_live_are_refused(tmp_path):
    save_npz(tmp_path / "face_basis.npz", backend=np.array("deca"))
    with pytest.raises(UserError, match="deca, which is not live; use landmarks or blendshapes"):
        LiveFace(tmp_path / "face_basis.npz", Settings())
