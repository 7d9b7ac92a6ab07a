"""The dictionary of columns: complete, and the page is what it prints."""

import pytest

from l2l.backends import BACKENDS
from l2l.faces.columns import SHAPES, columns_of, page
from l2l.faces.face_landmarker import SHAPES as OF_THE_NETWORK
from tests.road import ROOT


@pytest.mark.parametrize(("backend", "count"), [("landmarks", 56), ("blendshapes", 56), ("deca", 184)])
def test_every_column_has_a_name_of_its_own_and_the_pose_is_in_the_same_place(backend, count):
    found = columns_of(backend)
    assert len({column.name for column in found}) == len(found) == count
    assert [column.name for column in found[50:56]] == ["head_x", "head_y", "head_z", "jaw_x", "jaw_y", "jaw_z"]
    assert all(column.unit and column.what and column.low <= column.high for column in found)


def test_every_faces_backend_is_in_the_dictionary():
    for backend in BACKENDS["faces"]:
        assert columns_of(backend)


def test_the_shapes_are_those_of_the_network_but_the_jaw_s():
    left_out = set(OF_THE_NETWORK) - set(SHAPES)
    assert left_out == {"_neutral", "jawForward", "jawLeft", "jawOpen", "jawRight"}
    assert len(SHAPES) == 47 and len(OF_THE_NETWORK) == 52 and set(SHAPES) < set(OF_THE_NETWORK)
    assert SHAPES[:2] == ("eyeBlinkLeft", "eyeLookDownLeft") and SHAPES[-1] == "noseSneerRight"


def test_the_page_is_the_one_that_the_code_prints():
    """`python -m l2l.faces.columns > docs/faces.md` makes it anew."""
    assert (ROOT / "docs/faces.md").read_text() == page()
