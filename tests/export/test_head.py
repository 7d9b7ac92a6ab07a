"""The head that is made around a face: shapes do what their names say, and nothing is torn."""

import numpy as np
import pytest

from l2l.export.head import head_of
from l2l.faces.columns import ARKIT
from l2l.faces.face_landmarker import SHAPES, FaceLandmarker, canonical_face
from l2l.video import mesh

LIDS = {"Right": (159, 145), "Left": (386, 374)}  # upper, lower
CORNERS = {"Right": 61, "Left": 291}


@pytest.fixture(scope="module")
def head():
    return head_of(canonical_face())


@pytest.fixture(scope="module")
def shapes(head):
    return head.shapes()


def opening(points, pair):
    return points[pair[1], 1] - points[pair[0], 1]


def test_there_are_52_shapes_and_each_moves_something(head, shapes):
    assert tuple(shapes) == ARKIT
    for name, moved in shapes.items():
        assert moved.shape == head.vertices.shape and np.isfinite(moved).all()
        assert 0.01 < np.abs(moved).max() < 0.6, name


@pytest.mark.parametrize("side", ["Left", "Right"])
def test_a_blink_closes_the_lids_of_one_eye_in_front_of_it(head, shapes, side):
    other = {"Left": "Right", "Right": "Left"}[side]
    closed = head.vertices + shapes[f"eyeBlink{side}"]
    assert abs(opening(closed, LIDS[side])) < 0.02 * opening(head.vertices, LIDS[side])
    assert opening(closed, LIDS[other]) == pytest.approx(opening(head.vertices, LIDS[other]))
    corners = np.unique(head.parts["pupil"])
    pupil = head.vertices[corners[np.sign(head.vertices[corners, 0]) == (1 if side == "Left" else -1)]]
    lids = closed[list(mesh.RIGHT_EYE if side == "Right" else mesh.LEFT_EYE)]
    assert lids[np.abs(lids[:, 0] - pupil[:, 0].mean()) < 0.05, 2].max() < pupil[:, 2].min() + 0.02


def test_the_jaw_opens_the_mouth_and_mouth_close_closes_it_again(head, shapes):
    rest, opened = head.vertices, head.vertices + shapes["jawOpen"]
    assert opening(opened, (13, 14)) - opening(rest, (13, 14)) > 0.25
    assert opened[mesh.CHIN, 1] - rest[mesh.CHIN, 1] > 0.2
    np.testing.assert_array_equal(opened[mesh.FOREHEAD], rest[mesh.FOREHEAD])
    together = opened + shapes["mouthClose"]
    assert abs(opening(together, (13, 14))) < 0.2 * opening(opened, (13, 14))


@pytest.mark.parametrize(("side", "outwards"), [("Left", 1), ("Right", -1)])
def test_shapes_of_one_side_pull_that_corner(shapes, side, outwards):
    other = {"Left": "Right", "Right": "Left"}[side]
    for name, down in (("mouthSmile", -1), ("mouthFrown", 1)):
        moved = shapes[f"{name}{side}"]
        assert moved[CORNERS[side], 1] * down > 0.05 and abs(moved[CORNERS[other], 1]) < 0.01
    assert shapes[f"mouthSmile{side}"][CORNERS[side], 0] * outwards > 0.05
    for name in (f"mouth{side}", f"jaw{side}"):
        assert shapes[name][mesh.CHIN if "jaw" in name else 0, 0] * outwards > 0.05


def test_lips_part_where_their_shapes_say(shapes):
    assert shapes["mouthUpperUpLeft"][311, 1] < -0.04 and abs(shapes["mouthUpperUpLeft"][402, 1]) < 1e-9
    assert shapes["mouthLowerDownLeft"][402, 1] > 0.04 and abs(shapes["mouthLowerDownLeft"][311, 1]) < 1e-9


def test_eyes_look_where_their_shapes_say(head, shapes):
    corners = np.unique(head.parts["pupil"])
    for side, sign in (("Left", 1), ("Right", -1)):
        pupil = corners[np.sign(head.vertices[corners, 0]) == sign]
        looks = {what: shapes[f"eyeLook{what}{side}"][pupil].mean(0) for what in ("Out", "In", "Up", "Down")}
        assert looks["Out"][0] * sign > 0.03 and looks["In"][0] * sign < -0.03
        assert looks["Up"][1] < -0.03 and looks["Down"][1] > 0.03
        assert not shapes[f"eyeLookIn{side}"][corners[np.sign(head.vertices[corners, 0]) != sign]].any()


def test_the_skin_is_seen_from_outside_and_has_no_seam(head):
    skin = np.concatenate([head.parts[part] for part in ("skin", "lips", "brows", "hair")])
    a, b, c = (head.vertices[skin[:, k]] for k in range(3))
    normals, middles = np.cross(b - a, c - a), (a + b + c) / 3
    inside = np.array([0, 0.2, head.vertices[:468, 2].max()])
    assert ((normals * (middles - inside)).sum(1) > -1e-9).mean() > 0.9
    # Each edge has two triangles, apart from those around eyes and mouth.
    edges = np.sort(np.concatenate([skin[:, [0, 1]], skin[:, [1, 2]], skin[:, [2, 0]]]), axis=1)
    found, counts = np.unique(edges, axis=0, return_counts=True)
    holes = {*mesh.RIGHT_EYE, *mesh.LEFT_EYE, *mesh.INNER_LIP_UPPER, *mesh.INNER_LIP_LOWER}
    open_ends = found[counts == 1]
    assert np.isin(open_ends, sorted(holes)).all()


# Shapes that the network sees in a head which has them in full; nothing was fitted to it. Others it hardly ever sees on
# people either, or not from the front.
SEEN = (
    *(f"{name}{side}" for name in (
        *("eyeBlink", "eyeLookIn", "eyeLookOut", "browDown", "browOuterUp", "mouthSmile", "mouthStretch"),
        *("mouthUpperUp", "mouthLowerDown", "mouth", "jaw"),
    ) for side in ("Left", "Right")),
    *("jawOpen", "mouthPucker", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "browInnerUp"),
)  # fmt: skip


def test_the_network_that_measures_faces_sees_the_shapes(head, shapes):
    landmarker = FaceLandmarker()

    def seen(vertices):
        points = np.concatenate([vertices[:468], _irises(head, vertices)])
        return landmarker.shapes(points * 300 + 500)

    rest = seen(head.vertices)
    for name in SEEN:
        number = SHAPES.index(name)
        assert seen(head.vertices + shapes[name])[number] - rest[number] > 0.2, name


def _irises(head, vertices):
    """(10, 3) the middle and four points around of the right iris, then of the left one."""
    corners, found = np.unique(head.parts["iris"]), []
    for sign in (-1, 1):
        iris = vertices[corners[np.sign(head.vertices[corners, 0]) == sign]]
        middle, radius = iris.mean(0), np.ptp(iris[:, 0]) / 2
        found += [middle, *(middle + radius * np.array(way) for way in ((1, 0, 0), (0, -1, 0), (-1, 0, 0), (0, 1, 0)))]
    return np.array(found)
