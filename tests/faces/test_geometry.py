"""Geometry: rotation, jaw and expression are recovered from landmarks, and can be turned back into them."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from l2l.faces import geometry
from l2l.video import mesh
from l2l.video.face_nets import FaceDetector, FaceMesh, region_around
from tests.media import face_photo

NOSE_TIP = 1  # landmark


@pytest.fixture(scope="module")
def template():
    """The frontal mean of one real face."""
    photo = face_photo(400)
    net = FaceMesh()
    landmarks, _ = net(photo, FaceDetector()(photo)[0].region)
    landmarks, _ = net(photo, region_around(landmarks))
    return geometry.frontal(geometry.symmetric(landmarks.astype(np.float64)))


@pytest.fixture(scope="module")
def basis(template):
    rng = np.random.default_rng(0)
    components = np.linalg.qr(rng.normal(size=(1404, 50)))[0].T
    # An expression that moves skull or lips' gap would be taken for a rotation: keep to what is free.
    free = np.ones((468, 3), bool)
    free[geometry.rigid_landmarks(template)] = False
    free[np.array(mesh.INNER_LIP_PAIRS).ravel()] = False
    free[mesh.CHIN] = False
    components = np.linalg.qr((components * free.ravel()).T)[0].T
    return geometry.FaceBasis(template, components)


def placed(shape, angles, size=140.0, at=(320.0, 200.0, 0.0)):
    """Landmarks (n, 468, 3) px of a face (468, 3) or faces turned by rotation vectors (n, 3)."""
    rotation = Rotation.from_rotvec(angles).as_matrix()
    return size * np.einsum("nij,nkj->nki", rotation, np.broadcast_to(shape, (len(angles), 468, 3))) + at


def test_the_template_is_upright_frontal_and_of_unit_size(template):
    across = template[mesh.LEFT_EYE_OUTER] - template[mesh.RIGHT_EYE_OUTER]
    np.testing.assert_allclose(across, [1, 0, 0], atol=0.02)
    down = template[mesh.CHIN] - template[mesh.FOREHEAD]
    assert abs(down[2]) < 1e-6 and down[1] > 1
    assert template[NOSE_TIP, 2] < 0  # towards the camera


def test_head_rotation_is_recovered_exactly(template, basis):
    angles = np.random.default_rng(1).normal(0, 0.3, (20, 3))
    found = geometry.decompose(placed(template, angles), template, basis)
    np.testing.assert_allclose(found[:, 50:53], angles, atol=1e-9)
    np.testing.assert_allclose(found[:, 53:56], 0, atol=1e-9)
    np.testing.assert_allclose(found[:, :50], 0, atol=1e-9)


def test_nodding_down_is_positive_pitch(template, basis):
    nod = placed(template, np.array([[0.2, 0, 0]]))[0]
    still = placed(template, np.zeros((1, 3)))[0]
    assert nod[NOSE_TIP, 1] > still[NOSE_TIP, 1]  # the nose goes down the picture


@pytest.mark.parametrize("degrees", [2, 8, 16])
def test_jaw_opening_is_recovered_under_rotation(template, basis, degrees):
    jaw = np.array([[np.radians(degrees), 0, 0]])
    opened = geometry.jaw_moved(template, jaw, basis)
    found = geometry.decompose(placed(opened, np.array([[0.1, -0.2, 0.05]])), template, basis)
    assert found[0, 53] == pytest.approx(np.radians(degrees), rel=0.15)


def test_jaw_sideways_has_the_sign_of_its_rotation(template, basis):
    moved = geometry.jaw_moved(template, np.array([[0.0, 0.05, 0.0]]), basis)
    found = geometry.decompose(placed(moved, np.zeros((1, 3))), template, basis)
    assert found[0, 54] == pytest.approx(0.05, rel=0.3)


def test_expression_is_recovered_and_compose_undoes_decompose(template, basis):
    rng = np.random.default_rng(2)
    faces = np.zeros((10, 56))
    faces[:, :50] = rng.normal(0, 0.05, (10, 50))
    faces[:, 50:53] = rng.normal(0, 0.2, (10, 3))
    landmarks = 140 * geometry.compose(faces, template, basis) + [320, 200, 0]
    found = geometry.decompose(landmarks, template, basis)
    np.testing.assert_allclose(found, faces, atol=1e-6)


def test_rotation_is_never_a_reflection(template):
    flat = template * [1, 1, 0]
    rotation, _, _ = geometry.fit_rigid(flat, flat[None] * [1, 1, 1])
    assert np.linalg.det(rotation[0]) == pytest.approx(1)
