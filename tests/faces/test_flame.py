"""FLAME's decoder gives the original's meshes, joints and landmarks for a synthetic head."""

import hashlib

import numpy as np
import pytest

from l2l.errors import UserError
from l2l.faces.flame import Flame
from l2l.weights.flame_import import import_flame
from tests.faces import synthetic_flame
from tests.faces.reference import close, reference, tensors

WANTED = reference("flame")


@pytest.fixture(scope="module")
def flame(tmp_path_factory):
    folder = tmp_path_factory.mktemp("flame")
    import_flame(synthetic_flame.write_pickle(folder / "generic_model.pkl"), folder / "flame.npz")
    return Flame(folder / "flame.npz")


@pytest.fixture(scope="module")
def head(flame):
    return flame(*tensors(WANTED, "shape", "exp", "pose"))


def test_the_synthetic_head_is_that_of_the_reference():
    model = synthetic_flame.model()
    digest = hashlib.sha256(model["f"].astype(np.int32).tobytes()).hexdigest()
    assert digest == "111f9a342e1e19b85079de81f78a0fda7f89b6420094c96d7076874ff25b0046"
    np.testing.assert_allclose(model["v_template"][::50], WANTED["model_v_template_every50"], atol=1e-8)
    np.testing.assert_allclose(model["weights"][::50], WANTED["model_weights_every50"], atol=1e-12)
    np.testing.assert_allclose(model["J"], WANTED["model_J"], atol=1e-12)
    np.testing.assert_allclose(model["J_regressor"].data, WANTED["model_J_regressor_data"], atol=1e-12)


def test_vertices_are_those_of_the_original(head):
    close(head[:, ::50], WANTED["vertices_every50"])


def test_a_file_of_something_else_is_refused(tmp_path):
    np.savez(tmp_path / "flame.npz", f=np.zeros((3, 3)))
    with pytest.raises(UserError, match=r"flame\.npz is not a flame\.npz.*import-flame"):
        Flame(tmp_path / "flame.npz")
