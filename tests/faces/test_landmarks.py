"""faces, embedded backend: one basis for both people, from the training recordings, stored with what undoes it."""

import shutil

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from l2l import config
from l2l.errors import UserError
from l2l.faces import geometry
from l2l.faces.landmarks import extract_faces, fit_basis, load_basis
from l2l.faces.store import load_faces
from l2l.files import NpzWriter
from l2l.recordings.recordings import Recording
from l2l.recordings.steps import Work, bring, fit_faces
from l2l.sides import SIDES
from l2l.video.face_nets import FaceDetector, FaceMesh
from l2l.video.footage import Footage
from l2l.video.tracks import BLOCK, block_name, landmark_scale
from tests.media import face_photo

FRAMES = 700  # more than one block


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """tracks.npz of two faces with known head rotation and a jaw that opens; frames 100-104 and 300-330 missed."""
    photo = face_photo(400)
    shape = geometry.frontal(FaceMesh()(photo, FaceDetector()(photo)[0].region)[0].astype(np.float64))
    rng = np.random.default_rng(0)
    basis = geometry.FaceBasis(geometry.symmetric(shape), np.linalg.qr(rng.normal(size=(1404, 50)))[0].T)
    t = np.arange(FRAMES) / 30
    head = np.stack([0.15 * np.sin(t), 0.2 * np.sin(0.7 * t), 0.05 * np.sin(1.3 * t)], 1)
    jaw = np.clip(0.2 * np.sin(5 * t), 0, None)
    faces = np.zeros((FRAMES, 56))
    faces[:, :8] = rng.normal(0, 0.03, (FRAMES, 8))
    faces[:, 50:53], faces[:, 53] = head, jaw
    meshes = geometry.compose(faces, shape, basis)
    landmarks = np.stack([120 * meshes + [300, 300, 0], 140 * meshes + [900, 320, 0]], 1)  # (T, 2, 468, 3)
    found = np.ones((FRAMES, 2), bool)
    found[100:105, 0] = found[300:331, 0] = False
    folder = tmp_path_factory.mktemp("recording")
    with NpzWriter(folder / "tracks.npz") as writer:
        stored = np.rint(landmarks * landmark_scale(1280, 720)).astype(np.int16)
        for index, start in enumerate(range(0, FRAMES, BLOCK)):
            writer.add(block_name(index), stored[start : start + BLOCK])
        writer.add("size", np.array([1280, 720], np.int32))
        writer.add("found", found)
        writer.add("score", np.ones((FRAMES, 2), np.float32))
        writer.add("box", np.zeros((FRAMES, 2, 4), np.float32))
        writer.add("segment", np.zeros(FRAMES, np.int32))
    fit_basis([folder / "tracks.npz"], folder / "basis.npz", config.FacesSettings())
    outs = [folder / "faces_left.npz", folder / "faces_right.npz"]
    extract_faces(Footage.of(folder), folder / "basis.npz", outs, 8, config.FacesSettings(smoothing=0))
    return folder, faces, landmarks


def test_head_and_jaw_follow_what_was_drawn(recording):
    folder, truth, _ = recording
    for person in range(2):
        found = load_faces(folder / f"faces_{SIDES[person]}.npz")
        assert found.faces.shape == (FRAMES, 56)
        for column in (50, 51, 52, 53):
            drawn = truth[found.valid, column]
            assert np.corrcoef(found.faces[found.valid, column], drawn)[0, 1] > 0.99


def test_both_people_share_one_scale_and_one_basis(recording):
    folder, _, _ = recording
    first, second = (load_faces(folder / f"faces_{SIDES[p]}.npz") for p in range(2))
    both = first.valid & second.valid
    both[100:105] = False  # filled in for p0
    np.testing.assert_allclose(first.faces[both], second.faces[both], atol=0.05)
    components = load_basis(folder / "basis.npz").components
    np.testing.assert_allclose(components @ components.T, np.eye(50), atol=1e-4)


def test_short_gaps_are_filled_and_long_ones_are_not_valid(recording):
    folder, _, _ = recording
    valid = load_faces(folder / "faces_left.npz").valid
    assert valid[100:105].all() and not valid[300:331].any() and valid[331:].all()


def test_motion_can_be_turned_back_into_the_tracked_mesh(recording):
    folder, _, landmarks = recording
    found, basis = load_faces(folder / "faces_right.npz"), load_basis(folder / "basis.npz")
    meshes = geometry.compose(found.faces.astype(np.float64), found.neutral, basis)
    straight, _ = geometry.straighten(meshes, found.neutral)
    tracked, _ = geometry.straighten(landmarks[:, 1], found.neutral)
    assert np.abs(straight - tracked).mean() < 0.01  # of the eye distance


def test_smoothing_takes_out_tremble_and_keeps_a_nod(recording, tmp_path):
    folder, _, _ = recording
    outs = [tmp_path / "0.npz", tmp_path / "1.npz"]
    extract_faces(Footage.of(folder), folder / "basis.npz", outs, 8, config.FacesSettings())
    rough, smooth = load_faces(folder / "faces_right.npz").faces, load_faces(outs[1]).faces
    assert np.abs(np.diff(smooth[:, :50], 3, axis=0)).mean() < 0.2 * np.abs(np.diff(rough[:, :50], 3, axis=0)).mean()
    np.testing.assert_allclose(smooth[5:-5, 50], rough[5:-5, 50], atol=0.01)


def test_the_same_tracks_give_the_same_basis(recording, tmp_path):
    folder, _, _ = recording
    fit_basis([folder / "tracks.npz"], tmp_path / "again.npz", config.FacesSettings())
    assert (tmp_path / "again.npz").read_bytes() == (folder / "basis.npz").read_bytes()


def test_a_missing_basis_is_named(recording, tmp_path):
    folder, _, _ = recording
    with pytest.raises(UserError, match=r"none\.npz is missing"):
        extract_faces(Footage.of(folder), tmp_path / "none.npz", [tmp_path / "a"], 8, config.FacesSettings())


def test_any_number_of_threads_gives_the_same_bytes(recording, tmp_path):
    """By hand, where no scheduler says how many there are."""
    shutil.copy(recording[0] / "tracks.npz", tmp_path)
    made = []
    for threads in (1, 2, 8):
        with threadpool_limits(threads):
            fit_faces([tmp_path], tmp_path / "basis.npz", config.FacesSettings())
            work = Work(Recording("a", split="train"), tmp_path, config.Settings(), basis=tmp_path / "basis.npz")
            bring("faces", work)
        made.append([(tmp_path / name).read_bytes() for name in ("basis.npz", "faces_left.npz", "faces_right.npz")])
        (tmp_path / "faces_left.npz").unlink()
    assert made[0] == made[1] == made[2]
