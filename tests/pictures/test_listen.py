"""A recording played as if live."""

import numpy as np
import pytest

from l2l.errors import UserError
from l2l.export.sources import of_file
from l2l.faces.store import Faces, write_motion
from l2l.pictures.listen import DELAY, held, play


def test_what_comes_out_answers_the_frames_that_went_in():
    """A listener that mirrors, one patch late: played, frame f is the speaker's frame f."""
    faces = np.arange(43 * 56, dtype=np.float32).reshape(43, 56)  # the last 3 frames are no whole patch
    rows = np.repeat(np.arange(43 * 4, dtype=np.float32)[:, None], 128, axis=1)
    before = [np.zeros((8, 56), np.float32)]

    def step(patch, sound):
        assert sound[0, 0] == 4 * patch[0, 0] / 56  # the same moment
        before.append(patch)
        return before[-2]

    np.testing.assert_array_equal(play(step, faces, rows), faces[:32])


def test_the_last_face_seen_stays():
    faces = np.zeros((6, 184), np.float32)
    faces[:, 0] = np.arange(6)
    valid = np.array([False, True, False, False, True, False])
    seen = held(Faces(faces, valid, np.zeros(6, np.int32), np.zeros((468, 3), np.float32)))
    assert seen[:, 0].tolist() == [1, 1, 1, 1, 4, 4]
    with pytest.raises(UserError, match="never seen"):
        held(Faces(faces, valid & False, np.zeros(6, np.int32), np.zeros((468, 3), np.float32)))


def test_what_is_left_beside_the_video_can_be_exported(tmp_path):
    motion = np.random.default_rng(0).uniform(0, 0.3, (40, 56)).astype(np.float32)
    motion[:DELAY] = np.nan
    rest, speaks = np.full(52, 0.1, np.float32), np.tile([0.2, 0.8], (40, 1))
    like = Faces(
        motion, np.ones(40, bool), np.zeros(40, np.int32), np.zeros((50, 468, 3), np.float32), rest, "blendshapes"
    )
    (tmp_path / "talk.mp4").write_bytes(b"")
    write_motion(tmp_path / "talk.npz", motion, like, speaks)
    take = of_file(tmp_path / "talk.npz")
    assert (take.name, take.what, take.backend) == ("talk", "listener", "blendshapes")
    assert take.seen.tolist() == [False] * DELAY + [True] * (40 - DELAY)
    np.testing.assert_array_equal(take.motion[DELAY:], motion[DELAY:])
    np.testing.assert_array_equal(take.at_rest.rest, rest)
    assert take.recording.video == tmp_path / "talk.mp4"
    np.testing.assert_array_equal(take.recording.speaks, speaks >= 0.5)
