"""The crop is the original's, to the last bit, also over the picture's edge."""

import numpy as np
import pytest

from l2l.faces.deca_crop import MESH_POINTS, Square, around_landmarks, crop
from l2l.video.mesh import LANDMARKS
from tests.faces.reference import reference

WANTED = reference("crop")
SCENE = WANTED["scene_lowres"].repeat(10, 0).repeat(10, 1)  # (300, 400, 3)
CROPS = {
    "kpt": lambda: crop(SCENE, around_landmarks(WANTED["kpt68"][:, :2])),
    "edge": lambda: crop(SCENE, Square(54.125, 82.875, 198)),
}


@pytest.mark.parametrize("name", CROPS)
def test_crops_are_those_of_the_original(name):
    found = CROPS[name]()
    assert found.shape == (3, 224, 224) and found.dtype == np.float32
    np.testing.assert_allclose(found[:, ::3, ::3], WANTED[name], rtol=0, atol=1e-6)
    np.testing.assert_allclose(found[:, 100], WANTED[f"{name}_full_row100"], rtol=0, atol=1e-6)


def test_a_square_outside_the_picture_is_black():
    assert not crop(SCENE, Square(-900, 50, 100)).any()


def test_places_in_the_crop_are_found_again_in_the_picture():
    square = Square(100, 60, 80)
    np.testing.assert_allclose(square.on_picture(np.array([[0, 0], [223, 223]])), [[60, 20], [140, 100]])


def test_the_mesh_points_are_landmarks_of_the_mesh_once_each():
    assert len(set(MESH_POINTS)) == len(MESH_POINTS) == 48 and max(MESH_POINTS) < LANDMARKS
