"""Face tracks at 25 frames per second are SyncNet's, and find their way back to 30."""

import numpy as np
import pytest

from l2l import config
from l2l.video import s3fd
from l2l.video.face_tracks import at_30, face_tracks, frames_at_25, person_tracks
from l2l.video.tracks import load_tracks
from tests.media import noise_video
from tests.released.published_weights import reference
from tests.video.tracked import write_tracks

FACES = [(80, 80, 40), (240, 80, 40)]
SETTINGS = {"min_frames": 12, "min_size": 10}


def test_two_people_are_followed_exactly_as_in_the_original():
    stored = reference("syncnet_tracks")
    detections = stored["detections"]
    found = face_tracks([detections[detections[:, 0] == frame, 1:] for frame in range(150)])
    assert len(found) == stored["num_tracks"] == 2
    for number, track in enumerate(found):
        np.testing.assert_array_equal(track.first + np.arange(len(track)), stored[f"track{number}_frame"])
        np.testing.assert_array_equal(track.box, stored[f"track{number}_bbox"])
        for column, name in enumerate("xys"):
            np.testing.assert_array_equal(track.where()[:, column], stored[f"track{number}_{name}"])


def standing(frames: int, width: float = 120) -> list[np.ndarray]:
    return [np.array([[10.0, 10, 10 + width, 10 + width]])] * frames


def test_a_short_gap_is_filled_and_a_long_one_ends_the_track():
    nothing = [np.zeros((0, 4))]
    (one,) = face_tracks(standing(60) + nothing * 24 + standing(60))
    assert len(one) == 144
    two = face_tracks(standing(110) + nothing * 25 + standing(110))
    assert [(track.first, len(track)) for track in two] == [(0, 110), (135, 110)]


@pytest.mark.parametrize("frames, width, tracks", [(100, 120, 0), (101, 120, 1), (101, 100, 0), (101, 101, 1)])
def test_short_and_small_tracks_are_left_out(frames, width, tracks):
    assert len(face_tracks(standing(frames, width))) == tracks


def test_a_recording_that_had_25_frames_per_second_gets_its_own_back():
    own = np.arange(250)  # frame numbers of a recording of ten seconds
    shown = own[np.floor(np.arange(300) * 25 / 30).astype(int)]  # at 30, the last one is shown again
    nearest = own[np.minimum(np.floor(np.arange(300) * 25 / 30 + 0.5).astype(int), 249)]  # or the nearest one
    for thirty in (shown, nearest):
        back = thirty[frames_at_25(300)]
        assert len(back) == 250 and np.abs(back - own).max() <= (0 if thirty is nearest else 1)


@pytest.mark.parametrize("frames", [6, 7, 100, 101, 104, 1080])
def test_every_frame_at_30_gets_a_value_from_a_track_over_all(frames):
    chosen = frames_at_25(frames)
    assert chosen[-1] < frames and (np.diff(chosen) >= 1).all()
    where, values = at_30(np.arange(len(chosen), dtype=float), 0, frames)
    assert where == slice(0, frames) or (where.start == 0 and where.stop >= frames - 1)
    assert np.abs(values - np.arange(where.stop) * 25 / 30).max() <= 0.5


def test_a_track_covers_no_frame_twice_when_it_is_cut_in_two():
    first, _ = at_30(np.zeros(40), 0, 300)
    second, _ = at_30(np.zeros(60), 40, 300)
    assert first.stop == second.start and second.stop == 120


@pytest.fixture
def tracks(tmp_path):
    return load_tracks(write_tracks(tmp_path / "tracks.npz", frames=120, size=(320, 160), faces=FACES, cut=60))


def test_a_scene_cut_ends_every_track(tracks, tmp_path):
    found = person_tracks(tmp_path / "video.mp4", tracks, config.FaceCropsSettings(**SETTINGS), "x")
    assert [(t.person, t.first, len(t)) for t in found] == [(0, 0, 50), (1, 0, 50), (0, 50, 50), (1, 50, 50)]


def test_s3fds_faces_get_the_trackers_names_and_strangers_none(tracks, tmp_path, monkeypatch):
    noise_video(tmp_path / "video.mp4", 4.0, size="320x160")
    seen = np.array([[225, 62, 258, 97, 0.99], [150, 10, 180, 40, 0.98], [62, 60, 98, 102, 0.95]])
    monkeypatch.setattr(s3fd, "load_s3fd", lambda: None)
    monkeypatch.setattr(s3fd, "detect", lambda net, picture: seen)
    found = person_tracks(tmp_path / "video.mp4", tracks, config.FaceCropsSettings(**SETTINGS, detector="s3fd"), "x")
    assert [(t.person, t.first, len(t)) for t in found] == [(1, 0, 50), (0, 0, 50), (1, 50, 50), (0, 50, 50)]
    np.testing.assert_array_equal(found[0].box[7], seen[0, :4])
