"""Face tracks of p0 and p1, whoever finds the boxes."""

import numpy as np
import pytest

from l2l import config
from l2l.video import s3fd
from l2l.video.person_tracks import person_tracks
from l2l.video.tracks import load_tracks
from tests.media import noise_video
from tests.video.tracked import write_tracks

FACES = [(80, 80, 40), (240, 80, 40)]
SETTINGS = {"min_frames": 12, "min_size": 10}


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
