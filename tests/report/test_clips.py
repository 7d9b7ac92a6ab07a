"""Which stretches the report shows, and what stands in them."""

import shutil

import numpy as np
import pytest
import torch

from l2l.config import Settings
from l2l.dataset.layout import WINDOW, chunk_paths, load_chunks
from l2l.faces.store import load_faces, write_faces
from l2l.files import save_npz
from l2l.report.clips import BASELINE, DRAWN, PIECES, TRUE, clips, curves, events
from l2l.report.page import write_report
from l2l.report.run import Run, read_run
from tests.pictures.made import DRAWN as ABOUT
from tests.pictures.made import write_measured
from tests.synthetic import write_chunks

COUNT = 8  # windows of a recording


@pytest.fixture
def run(tmp_path) -> Run:
    """A person without recordings: windows of two test recordings, and four futures whose numbers say the window."""
    write_chunks(tmp_path / "data", COUNT, videos=2, split="test")
    samples = np.tile(np.arange(2 * COUNT, dtype=np.float32)[None, :, None, None], (4, 1, WINDOW, 56))
    about = ABOUT | {"given": np.full(2 * COUNT, 32)}
    save_npz(tmp_path / "results/samples.npz", samples=samples, **about)
    return read_run(tmp_path / "results", tmp_path / "data", Settings(), "left")


def test_futures_of_windows_lie_where_their_windows_are(run):
    first, second = clips(run, seconds=4)
    assert {first.recording, second.recording} == {"test0", "test1"} and len(first) == 120
    assert list(first.takes) == [TRUE, *DRAWN, BASELINE] and first.how == PIECES
    drawn = first.takes["sample 2"][:, 0]
    rows = load_chunks(run.chunks, "test", "left").videos == first.recording
    begin = np.flatnonzero(rows)[0] + first.first // 32  # windows start every 32 frames
    assert np.isnan(drawn[:32]).all()  # given to the first window
    for piece in range(2):
        assert (drawn[32 + 32 * piece : 64 + 32 * piece] == begin + piece).all()
    assert np.isfinite(first.takes[TRUE]).all()


def test_the_baseline_is_the_speaker_later(run):
    (clip,) = clips(run, count=1, seconds=4)
    windows = load_chunks(run.chunks, "test", "left")
    own = np.flatnonzero(windows.videos == clip.recording)[clip.first // 32]
    np.testing.assert_array_equal(clip.takes[BASELINE][17:64], windows.speaker[own, :47, :56])


def test_without_samples_or_a_listener_there_is_nothing_to_show(run, tmp_path):
    run.listener = None
    assert clips(run) == []
    (tmp_path / "results/samples.npz").unlink()
    assert clips(read_run(tmp_path / "results", tmp_path / "data", Settings(), "left")) == []


def test_curves_and_events_are_of_what_is_there(run):
    (clip,) = clips(run, count=1, seconds=4)
    found = curves(clip, None)
    assert list(found) == ["head pitch", "head yaw", "head roll", "jaw"]  # smiles and lids need a face basis
    assert found["head pitch"]["sample 1"][0] is None and len(found["jaw"][TRUE]) == 120
    marked = events(clip, None)
    assert set(marked) == set(clip.takes) and set(marked[TRUE]) == {"nod", "shake"}


@pytest.fixture
def several(tmp_path):
    """Results and windows of a model that knows ann, who sits on the left of her recording, and bob, on the right."""
    results, chunks = tmp_path / "results/both", tmp_path / "data/both"
    write_measured(tmp_path / "results/ann", tmp_path / "data/ann")
    shutil.copytree(tmp_path / "results/ann", tmp_path / "results/bob")
    left = tmp_path / "results/bob/videos/talk/faces_left.npz"
    known = load_faces(left)
    write_faces(left, known.faces + 1, known.valid, known.segment, known.neutral)
    for part, path in chunk_paths(chunks, "test", "left").items():
        one = np.load(chunk_paths(tmp_path / "data/ann", "test", "left")[part])
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, np.concatenate([one, one]))
    names = [[[f"{who}/talk", "right", str(8 + frame)] for frame in range(WINDOW)] for who in ("ann", "bob")]
    np.save(chunk_paths(chunks, "test", "left")["files"], names)
    about = ABOUT | {"given": np.full(2, 32)}
    save_npz(results / "samples.npz", samples=np.zeros((2, 2, WINDOW, 56), np.float32), **about)
    about = {"format": 1, "kind": "predictor", "architecture": "patches"}
    torch.save(about | {"people": ["ann", "bob"]}, results / "predictor.pt")
    return results, chunks


def test_each_of_several_people_has_a_film_from_their_own_recording(several, tmp_path):
    ann, bob = clips(read_run(*several, Settings(), "left"), count=1)
    assert (ann.person, ann.recording, ann.listener) == ("ann", "ann/talk", "left")
    assert (bob.person, bob.recording, bob.listener) == ("bob", "bob/talk", "right")
    html = write_report(*several, Settings(), "left", tmp_path / "report.html").read_text()
    assert html.count("<video") == 2 and "bob listens: bob/talk" in html
