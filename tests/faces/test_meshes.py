"""Faces of either backend become meshes that can be drawn the same way."""

import numpy as np
import pytest
import torch

from l2l.errors import UserError
from l2l.faces.flame import Flame
from l2l.faces.meshes import mesher_of
from l2l.files import save_npz
from l2l.weights.flame_import import import_flame
from tests.faces import synthetic_flame


@pytest.fixture(scope="module")
def basis(tmp_path_factory):
    folder = tmp_path_factory.mktemp("basis")
    save_npz(folder / "basis.npz", backend=np.array("deca"), landmarks=np.array("mesh"))
    import_flame(synthetic_flame.write_pickle(folder / "m.pkl"), folder / "weights/flame/flame.npz")
    return folder / "basis.npz"


@pytest.fixture
def mesher(basis, monkeypatch):
    monkeypatch.setenv("L2L_WEIGHTS", str(basis.parent / "weights"))
    return mesher_of(basis, np.zeros(100))


def test_a_face_of_zeros_is_the_person_at_rest_upright_and_towards_the_camera(mesher):
    found = mesher.vertices(np.zeros((2, 184)))
    np.testing.assert_allclose(found, np.stack([mesher.rest] * 2), atol=1e-6)
    template = synthetic_flame.model()["v_template"]
    assert found[0, template[:, 1].argmax(), 1] < 0  # the top of the head is up in the picture
    assert found[0, template[:, 2].argmax(), 2] < 0  # the nose is nearer


def test_the_head_turns_to_the_picture_s_right(mesher):
    faces = np.zeros((1, 56))
    faces[0, 51] = 0.3
    nose = mesher.rest[:, 2].argmin()
    assert mesher.vertices(faces)[0, nose, 0] - mesher.rest[nose, 0] > 0.01  # metres


def test_columns_go_where_flame_has_them(mesher):
    faces = np.random.default_rng(0).normal(0, 0.2, (3, 184)).astype(np.float32)
    values = torch.from_numpy(faces)
    vertices = Flame()(torch.zeros(3, 100), values[:, :50], values[:, 50:56])
    np.testing.assert_allclose(mesher.vertices(faces), vertices * torch.tensor([1, -1, -1]), atol=1e-6)


def test_the_person_s_own_shape_is_kept(basis, mesher, monkeypatch):
    other = mesher_of(basis, np.eye(100)[0] * 3)
    assert np.abs(other.rest - mesher.rest).max() > 1e-3


def test_what_is_seen_from_behind_is_the_inside_of_the_mouth(mesher):
    skin, inside = mesher.parts(mesher.rest).values()
    assert len(skin) + len(inside) == 9976
    near = mesher.rest[skin].mean(1)[:, 2]
    assert (near < 0).mean() > 0.9 and (mesher.rest[inside].mean(1)[:, 2] > 0).mean() > 0.9


def test_without_flame_it_says_how_to_get_it(basis, tmp_path, monkeypatch):
    monkeypatch.setenv("L2L_WEIGHTS", str(tmp_path))
    with pytest.raises(UserError, match=r"flame\.npz is missing.*register there.*l2l weights import-flame"):
        mesher_of(basis, np.zeros(100))
