"""faces backend deca: every tracked face goes to its own row, whatever the batches; what is missing is said."""

import numpy as np
import pytest
import torch
from torch import nn

from l2l import config
from l2l.errors import UserError
from l2l.faces import deca, deca_nets, fan, landmarks
from l2l.faces.store import backend_of, load_faces
from l2l.files import NpzWriter, save_npz
from l2l.sides import SIDES
from l2l.video.footage import Footage
from l2l.video.media import video_writer
from l2l.video.tracks import block_name, landmark_scale

FRAMES, BRIDGE = 40, 3
SIZE = (320, 180)
MISSED = {0: [10, 11], 1: [5, 20, 21, 22, 23, 24]}  # a short gap; two, of which one is too long


class Colours(nn.Module):
    """In place of DECA: the middle colour of a crop is its expression, the rest follows from it."""

    def forward(self, crops):
        colour = crops[:, :, 96:128, 96:128].mean((2, 3))  # (n, 3)
        codes = torch.cat([colour.repeat(1, 79)[:, :236]], 1)
        self.largest = max(getattr(self, "largest", 0), len(crops))
        return codes, colour.repeat(1, 43)[:, :128]


def write_tracks(path, frames, found):
    mesh = np.zeros((frames, 2, 468, 3))
    angle = np.linspace(0, 2 * np.pi, 468)
    for person, x in enumerate((80, 240)):
        mesh[:, person, :, :2] = np.stack([x + 30 * np.cos(angle), 90 + 40 * np.sin(angle)], 1)
    with NpzWriter(path) as writer:
        writer.add(block_name(0), np.rint(mesh * landmark_scale(*SIZE)).astype(np.int16))
        writer.add("size", np.array(SIZE, np.int32))
        writer.add("found", found)
        writer.add("score", np.ones((frames, 2), np.float32))
        writer.add("box", np.tile(np.array([[50, 50, 110, 130], [210, 50, 270, 130]], np.float32), (frames, 1, 1)))
        writer.add("segment", np.zeros(frames, np.int32))


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """Frame t is red 4 t on the left and green 4 t on the right; some faces are missed."""
    folder = tmp_path_factory.mktemp("recording")
    with video_writer(folder / "video.mp4", *SIZE, crf=1) as write:
        for frame in range(FRAMES):
            picture = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
            picture[:, : SIZE[0] // 2, 0] = picture[:, SIZE[0] // 2 :, 1] = 40 + 4 * frame
            write(picture)
    found = np.ones((FRAMES, 2), bool)
    for person, frames in MISSED.items():
        found[frames, person] = False
    write_tracks(folder / "tracks.npz", FRAMES, found)
    save_npz(folder / "basis.npz", backend=np.array("deca"), landmarks=np.array("mesh"))
    return Footage.of(folder)


@pytest.fixture
def encoders(monkeypatch):
    found = Colours()
    monkeypatch.setattr(deca.weights, "find", lambda entry, file: file)
    monkeypatch.setattr(deca_nets, "Deca", lambda path, detail: found)
    return found


def faces(recording, out, **settings):
    outs = [out / f"faces_{SIDES[person]}.npz" for person in range(2)]
    chosen = config.FacesSettings(backend="deca", deca=config.DecaSettings(**settings))
    deca.extract_faces(recording, recording.tracks.parent / "basis.npz", outs, BRIDGE, chosen)
    return [load_faces(path) for path in outs]


def test_every_face_is_in_its_row_also_across_gaps(recording, encoders, tmp_path):
    for person, found in enumerate(faces(recording, tmp_path)):
        assert found.faces.shape == (FRAMES, 184)
        expected = (40 + 4 * np.arange(FRAMES)) / 255
        # Red is the first number of a face of p0, green the second of p1; the coder may be off by a shade or two.
        np.testing.assert_allclose(found.faces[found.valid, person], expected[found.valid], atol=0.015)
        assert np.abs(found.faces[found.valid, 1 - person]).max() < 0.1
    assert found.valid.tolist() == [frame not in range(20, 25) for frame in range(FRAMES)]


def test_columns_are_expression_rotations_and_detail(recording, encoders, tmp_path):
    found = faces(recording, tmp_path)[0]
    assert found.faces.shape[1] == 184
    # The 236 numbers go red, green, blue, red, ...: expression begins at 150, pose at 200, detail at 0.
    row = found.faces[30]
    assert row[0] > 0.5 and row[50 + (201 - 200)] > 0.5 and row[50] < 0.1 and row[56] > 0.5
    assert found.neutral.shape == (100,) and found.neutral[0] == pytest.approx(np.mean(row[0] / 160 * 120), abs=0.03)


@pytest.mark.parametrize("size", [1, 7, 500])
def test_the_size_of_a_batch_changes_nothing_and_is_never_exceeded(recording, encoders, tmp_path, size):
    first = faces(recording, tmp_path / "a")
    encoders.largest = 0
    second = faces(recording, tmp_path / "b", batch_size=size)
    assert encoders.largest <= size
    for one, two in zip(first, second, strict=True):
        np.testing.assert_allclose(one.faces, two.faces, atol=1e-6)


def test_faces_come_raw_unless_smoothing_is_asked_for(recording, encoders, tmp_path):
    rough, smooth = faces(recording, tmp_path)[0], faces(recording, tmp_path, smoothing=9)[0]
    assert np.abs(np.diff(smooth.faces[30:, 0], 2)).mean() < np.abs(np.diff(rough.faces[30:, 0], 2)).mean()


def test_a_video_that_is_shorter_than_its_tracks_is_refused_and_nothing_is_written(recording, encoders, tmp_path):
    write_tracks(tmp_path / "tracks.npz", FRAMES + 5, np.ones((FRAMES + 5, 2), bool))
    other = Footage(recording.video, recording.audio, tmp_path / "tracks.npz")
    chosen = config.FacesSettings(backend="deca")
    with pytest.raises(UserError, match=r"video\.mp4 has 40 pictures, .*tracks\.npz 45; track"):
        deca.extract_faces(other, recording.tracks.parent / "basis.npz", [tmp_path / "a", tmp_path / "b"], 3, chosen)
    assert [path.name for path in tmp_path.iterdir()] == ["tracks.npz"]


def test_a_person_who_is_never_seen_is_named(recording, encoders, tmp_path):
    found = np.ones((FRAMES, 2), bool)
    found[:, 1] = False
    write_tracks(tmp_path / "tracks.npz", FRAMES, found)
    other = Footage(recording.video, recording.audio, tmp_path / "tracks.npz")
    with pytest.raises(UserError, match="the right is never seen"):
        deca.extract_faces(
            other, recording.tracks.parent / "basis.npz", [tmp_path / "a", tmp_path / "b"], 3, config.FacesSettings()
        )


def test_each_backend_refuses_the_other_s_basis(recording, encoders, tmp_path):
    save_npz(tmp_path / "mesh.npz", template=np.zeros((468, 3)), components=np.zeros((50, 1404)))
    outs = [tmp_path / "a", tmp_path / "b"]
    with pytest.raises(UserError, match=r"mesh\.npz is of faces\.backend landmarks, not deca"):
        deca.extract_faces(recording, tmp_path / "mesh.npz", outs, 3, config.FacesSettings())
    with pytest.raises(UserError, match=r"basis\.npz is of faces\.backend deca, not landmarks"):
        landmarks.extract_faces(recording, recording.tracks.parent / "basis.npz", outs, 3, config.FacesSettings())


@pytest.fixture
def weights(tmp_path, monkeypatch):
    """A weights folder in which a checkpoint seems to be; fitting a basis does not open it."""
    monkeypatch.setenv("L2L_WEIGHTS", str(tmp_path / "weights"))
    (tmp_path / "weights/deca").mkdir(parents=True)
    (tmp_path / "weights/deca/deca_model.tar").touch()
    return tmp_path


def test_the_basis_needs_no_fitting_and_remembers_the_crop(recording, weights, monkeypatch, caplog):
    caplog.set_level("INFO")
    deca.fit_basis([recording.tracks], weights / "basis.npz", config.FacesSettings())
    assert backend_of(weights / "basis.npz") == "deca"
    assert [r.getMessage() for r in caplog.records if "the tracked mesh makes the crop" in r.getMessage()]
    assert str(np.load(weights / "basis.npz")["landmarks"]) == "mesh"
    monkeypatch.setattr(fan, "missing", lambda detector: None)
    deca.fit_basis([recording.tracks], weights / "basis.npz", config.FacesSettings())
    assert str(np.load(weights / "basis.npz")["landmarks"]) == "fan"


def test_without_fan_its_landmarks_cannot_be_demanded(recording, weights):
    with pytest.raises(UserError, match=r"faces\.deca\.landmarks is fan, but .*or set it to mesh"):
        deca.fit_basis(
            [recording.tracks], weights / "basis.npz", config.FacesSettings(deca=config.DecaSettings(landmarks="fan"))
        )
    assert not (weights / "basis.npz").exists()


def test_without_the_checkpoint_it_says_where_to_get_it(recording, weights):
    (weights / "weights/deca/deca_model.tar").unlink()
    with pytest.raises(UserError, match=r"deca_model\.tar is missing.*non-commercial.*faces\.backend: landmarks"):
        deca.fit_basis([recording.tracks], weights / "basis.npz", config.FacesSettings())
    assert not (weights / "basis.npz").exists()


def test_a_gpu_that_is_not_there_is_refused(recording, monkeypatch, tmp_path):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match=r"faces\.deca\.device is cuda"):
        faces(recording, tmp_path, device="cuda")
