"""A person is found in their recordings where they sit, also where one model knows several people."""

import numpy as np
import torch

from l2l.dataset.layout import load_chunks
from l2l.dataset.seats import recording_folder, seat_of
from l2l.faces.store import load_faces
from l2l.live.people import at_rest, recordings_of
from l2l.recordings.recordings import Recording
from l2l.recordings.table import write_table
from l2l.web.open_live import recording_to_play
from tests.export.made import motion, write_results, write_windows

CODEBOOK = {"format": 1, "kind": "codebook", "architecture": "patches", "listener": "left"}


def test_the_table_says_where_the_person_sits_in_a_recording(tmp_path):
    results = write_results(tmp_path)
    assert (at_rest(results).faces == load_faces(results / "videos/talk/faces_left.npz").faces).all()
    write_table(results / "preprocess.tsv", [Recording("gone"), Recording("talk", listener="right")])
    assert (at_rest(results).faces == load_faces(results / "videos/talk/faces_right.npz").faces).all()


def test_recordings_for_testing_come_first_and_failed_ones_not_at_all(tmp_path):
    results = write_results(tmp_path)
    rows = [
        Recording("a", split="train", listener="right"),
        Recording("b", split="test"),
        Recording("c", status="failed"),
    ]
    write_table(results / "preprocess.tsv", rows)
    videos = results / "videos"
    assert list(recordings_of(results)) == [(videos / "b", "left"), (videos / "a", "right")]


def test_the_recording_that_is_played_shows_where_the_person_sits(tmp_path):
    results = write_results(tmp_path)
    talk = results / "videos/talk"
    write_table(results / "preprocess.tsv", [Recording("gone"), Recording("talk", listener="right")])
    assert recording_to_play(results, None, None) == recording_to_play(results, None, talk) == (talk, "right")
    (talk / "video.mp4").unlink()
    assert recording_to_play(results, None, None) is None


def test_without_a_recording_it_is_an_average_face(tmp_path):
    results = write_results(tmp_path)
    for faces in results.glob("videos/*/faces_*.npz"):
        faces.unlink()
    found = at_rest(results)
    assert len(found) == 0 and found.neutral.shape == (50, 468, 3) and not found.rest.any()


def test_of_several_people_windows_say_where_each_sits(tmp_path):
    """In the windows of all, the listener is on the left; alice sits on the right."""
    alice = write_results(tmp_path)
    everyone = alice.with_name("everyone")
    everyone.mkdir()
    torch.save(CODEBOOK, everyone / "codebook.pt")
    write_windows(tmp_path / "data/everyone", {"left": motion(seed=1), "right": motion(seed=0)}, "alice/talk")
    assert (at_rest(everyone, "alice").faces == load_faces(alice / "videos/talk/faces_right.npz").faces).all()
    windows = load_chunks(tmp_path / "data/everyone", "test", "left")
    folder = recording_folder(everyone, "alice/talk")
    assert folder == alice / "videos/talk" and seat_of(folder, windows, "alice/talk") == "right"
    assert recording_folder(everyone, "nobody/talk") == everyone / "videos/nobody/talk"
    np.savez(folder / "faces_right.npz", **{**np.load(folder / "faces_right.npz"), "faces": motion(seed=9)})
    assert seat_of(folder, windows, "alice/talk") is None
