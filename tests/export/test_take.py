"""Angles in both sets of axes, and weights as avatars take them."""

import numpy as np
import pytest

from l2l.export.take import AtRest, Take, WholeRecording
from l2l.faces.columns import ARKIT, SHAPES
from l2l.faces.face_landmarker import SHAPES as NETWORK

UP, DOWN, LEFT, OUT = np.array([[0, 1, 0], [0, -1, 0], [1, 0, 0], [0, 0, 1]])  # an avatar's axes; left is the person's


def take(backend="blendshapes", rest=None, **columns):
    motion = np.zeros((1, 56), np.float32)
    for column, value in columns.items():
        motion[0, int(column[1:])] = value
    person = AtRest(np.zeros((50, 468, 3)), rest)
    return Take("t", "true", backend, motion, np.ones(1, bool), WholeRecording("r", 1), at_rest=person)


@pytest.mark.parametrize("backend", ["blendshapes", "landmarks", "deca"])
def test_a_nod_and_an_open_jaw_go_down(backend):
    assert take(backend, _50=0.2).head().apply(OUT)[0] @ DOWN > 0.1
    assert take(backend, _53=0.2).jaw().apply(OUT)[0] @ DOWN > 0.1


def test_turns_go_to_the_side_that_each_backend_says():
    assert take("landmarks", _51=0.2).head().apply(OUT)[0] @ LEFT < -0.1  # the picture's left is the person's right
    assert take("deca", _51=0.2).head().apply(OUT)[0] @ LEFT > 0.1
    assert take("landmarks", _52=0.2).head().apply(UP)[0] @ LEFT > 0.1  # clockwise in the picture
    assert take("deca", _52=0.2).head().apply(UP)[0] @ LEFT < -0.1


def test_the_picture_s_axes_are_those_of_our_own_columns_and_flame_s_turned():
    np.testing.assert_allclose(take("blendshapes", _50=0.1, _51=0.2).head(picture=True).as_rotvec()[0], [0.1, 0.2, 0])
    np.testing.assert_allclose(
        take("deca", _50=0.1, _51=0.2, _52=0.3).head(picture=True).as_rotvec()[0], [0.1, -0.2, -0.3], atol=1e-7
    )


def test_arkit_s_names_in_arkit_s_order():
    assert len(ARKIT) == len(set(ARKIT)) == 52
    assert ARKIT[:2] + ARKIT[14:19] + ARKIT[-1:] == (
        *("eyeBlinkLeft", "eyeLookDownLeft", "jawForward", "jawLeft", "jawRight", "jawOpen", "mouthClose"),
        "tongueOut",
    )


def test_weights_have_the_rest_put_back():
    rest = np.zeros(52, np.float32)
    rest[NETWORK.index("mouthSmileLeft")] = 0.3
    found = take(rest=rest, **{f"_{SHAPES.index('mouthSmileLeft')}": 0.2}).weights()[0]
    assert found[ARKIT.index("mouthSmileLeft")] == pytest.approx(0.5)
    assert found.sum() == pytest.approx(0.5)
