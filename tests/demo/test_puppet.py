"""A puppet shows the photograph at rest, and the face network sees it move as it was told."""

import importlib.util

import numpy as np
import pytest

from l2l.demo.puppet import HEIGHT, WIDTH, Puppet, photograph
from l2l.demo.rig import Pose, rotation
from l2l.errors import UserError
from l2l.video import mesh
from l2l.video.face_nets import FaceMesh, region_around


@pytest.fixture(scope="module", params=[0, 1], ids=["left", "right"])
def puppet(request: pytest.FixtureRequest) -> Puppet:
    return Puppet(photograph(request.param))


def _frame(puppet: Puppet, pose: Pose) -> np.ndarray:
    canvas = puppet.background.copy()
    puppet.draw(canvas, np.empty((HEIGHT, WIDTH), np.float32), pose)
    return canvas


def _landmarks(puppet: Puppet, pose: Pose) -> np.ndarray:
    find, frame = FaceMesh(), _frame(puppet, pose)
    landmarks = puppet.rig.vertices[: mesh.LANDMARKS]
    for _ in range(2):
        landmarks, score = find(frame, region_around(landmarks))
        assert score > 0.9
    return landmarks


def _angles(landmarks: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """(3,) pitch, yaw, roll in degrees of the rotation that fits best (Kabsch 1976), from the face without its jaw."""
    stiff = [10, 9, 8, 168, 6, 197, 195, 5, 33, 133, 263, 362, 127, 356, 54, 284, 103, 332, 67, 297, 21, 251, 162, 389]
    a, b = rest[stiff] - rest[stiff].mean(0), landmarks[stiff] - landmarks[stiff].mean(0)
    u, _, v = np.linalg.svd(b.T @ a)
    r = u @ np.diag([1, 1, np.linalg.det(u @ v)]) @ v
    return np.degrees([np.arctan2(r[2, 1], r[2, 2]), -np.arcsin(r[2, 0]), np.arctan2(r[1, 0], r[0, 0])])


def test_at_rest_it_is_the_photograph_but_for_the_edge_of_the_lips(puppet: Puppet) -> None:
    difference = np.abs(_frame(puppet, Pose()).astype(int) - puppet.background).max(-1)
    rows, columns = np.nonzero(difference > 2)
    lips = puppet.rig.vertices[list(mesh.INNER_LIP_UPPER + mesh.INNER_LIP_LOWER), :2]
    assert len(rows) < 1000
    assert lips[:, 0].min() - 3 < columns.min() <= columns.max() < lips[:, 0].max() + 3
    assert lips[:, 1].min() - 3 < rows.min() <= rows.max() < lips[:, 1].max() + 3


def test_it_fills_its_half_and_leaves_the_other_alone() -> None:
    puppet = Puppet(photograph(1), left=WIDTH)
    canvas = np.zeros((HEIGHT, 2 * WIDTH, 3), np.uint8)
    puppet.draw(canvas, np.empty(canvas.shape[:2], np.float32), Pose(5, 8, 3, 6, 1, 1))
    assert not canvas[:, :WIDTH].any()
    face = puppet.rig.vertices[: mesh.LANDMARKS, 0]
    assert np.ptp(face) == pytest.approx(0.36 * WIDTH, rel=0.05)
    assert face.mean() == pytest.approx(WIDTH / 2, abs=15)


def test_the_background_at_the_border_never_moves(puppet: Puppet) -> None:
    moved = _frame(puppet, Pose(pitch=10, yaw=-10, roll=4, jaw=12))
    np.testing.assert_array_equal(moved[:, :5], puppet.background[:, :5])
    np.testing.assert_array_equal(moved[:, -5:], puppet.background[:, -5:])
    np.testing.assert_array_equal(moved[-20:], puppet.background[-20:])


@pytest.mark.parametrize(("axis", "steps"), [(0, (-8, 0, 8)), (1, (-10, 0, 10)), (2, (-6, 0, 6))])
def test_the_face_network_sees_each_rotation_in_its_direction(
    puppet: Puppet, axis: int, steps: tuple[int, ...]
) -> None:
    rest = _landmarks(puppet, Pose())
    seen = [_angles(_landmarks(puppet, Pose(*np.eye(3)[axis] * step)), rest) for step in steps]
    along = np.array(seen)[:, axis]
    assert 0.6 < (along[2] - along[0]) / (steps[2] - steps[0]) < 1.3
    assert along[0] < along[1] - 1 < along[1] + 1 < along[2]


def test_the_face_network_sees_the_jaw_open_wider_and_wider(puppet: Puppet) -> None:
    gaps = []
    for jaw in (0, 5, 10, 15):
        landmarks = _landmarks(puppet, Pose(jaw=jaw))
        gaps.append(np.mean([np.linalg.norm(landmarks[a] - landmarks[b]) for a, b in mesh.INNER_LIP_PAIRS]))
    assert np.all(np.diff(gaps) > 0.0087 * 0.36 * WIDTH)


def test_the_face_network_sees_a_smile_and_a_blink(puppet: Puppet) -> None:
    rest, smiling, blinking = (_landmarks(puppet, pose) for pose in (Pose(), Pose(smile=1), Pose(blink=1)))

    def mouth(landmarks: np.ndarray) -> float:
        return float(np.linalg.norm(landmarks[61, :2] - landmarks[291, :2]))

    def eyes(landmarks: np.ndarray) -> float:
        return float(np.linalg.norm(landmarks[[159, 386], :2] - landmarks[[145, 374], :2], axis=1).sum())

    assert mouth(smiling) > 1.05 * mouth(rest)
    assert eyes(blinking) < 0.9 * eyes(rest)


def test_lips_and_lids_meet_where_they_should(puppet: Puppet) -> None:
    opened, closed = puppet.rig.bend(Pose(jaw=15)), puppet.rig.bend(Pose(blink=1))
    upper, lower = list(mesh.INNER_LIP_UPPER), list(mesh.INNER_LIP_LOWER)
    assert opened[14, 1] - opened[13, 1] > 15
    np.testing.assert_allclose(opened[[upper[0], upper[-1]]], opened[[lower[0], lower[-1]]])
    for eye in (mesh.RIGHT_EYE, mesh.LEFT_EYE):
        np.testing.assert_allclose(closed[list(eye[1:8])], closed[list(eye[:8:-1])], atol=1e-6)


def test_rotations_are_rotations_with_the_promised_signs() -> None:
    turn = rotation(7, -11, 3)
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
    nose, right, down = np.array([0, 0, -1.0]), np.array([1.0, 0, 0]), np.array([0, 1.0, 0])
    assert (rotation(10, 0, 0) @ nose) @ down > 0  # nods down
    assert (rotation(0, 10, 0) @ nose) @ right < 0  # to the picture's left
    assert (rotation(0, 0, 10) @ right) @ down > 0  # clockwise


def test_a_missing_photograph_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"skimage.*l2l\[demo\]"):
        photograph(0)
