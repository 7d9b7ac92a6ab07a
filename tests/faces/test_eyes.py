"""Eyes of a drawn mesh: lids close over them, they look where they are told, and left and right are the person's."""

import numpy as np
import pytest

from l2l.faces import eyes, geometry
from l2l.faces.columns import SHAPES
from l2l.faces.eyes import Eyes, shown_by_mesh, shown_by_shapes
from l2l.raster import draw_shaded
from l2l.video import mesh
from l2l.video.face_nets import FaceDetector, FaceMesh
from tests.media import face_photo

OPEN, AHEAD = np.ones((1, 2)), np.zeros((1, 2, 2))
RIGHT, LEFT = 0, 1  # the person's own


@pytest.fixture(scope="module")
def rest():
    photo = face_photo(400)
    landmarks, _ = FaceMesh()(photo, FaceDetector()(photo)[0].region)
    return geometry.frontal(geometry.symmetric(landmarks.astype(np.float64)))


@pytest.fixture(scope="module")
def made(rest):
    return Eyes(rest)


def shown(made, rest, opening=OPEN, gaze=AHEAD):
    """Pixels (300, 300) of the white and the iris of both eyes, drawn with the skin around them."""
    placed = 200 * made.drawn(rest[None], opening, gaze)[0] + [150, 150, 0]
    canvas, depth = np.zeros((300, 300, 3), np.uint8), np.full((300, 300), np.inf, np.float32)
    draw_shaded(canvas, depth, placed, mesh.triangles(), (0, 0, 255))
    for name, triangles in made.parts.items():
        draw_shaded(canvas, depth, placed, triangles, (0, 255, 0) if name == "iris" else (255, 0, 0))
    return canvas[..., 0] > 0, canvas[..., 1] > 0


def test_an_open_eye_shows_white_and_iris_and_a_closed_one_nothing(made, rest):
    white, iris = shown(made, rest)
    for half in (slice(0, 150), slice(150, 300)):
        assert white[:, half].sum() > 200 and iris[:, half].sum() > 100
    white, iris = shown(made, rest, opening=np.array([[0.0, 1.0]]))
    assert not white[:, :150].any() and not iris[:, :150].any()  # the right eye is on the picture's left
    assert white[:, 150:].any() and iris[:, 150:].any()


def test_half_closed_lids_show_less(made, rest):
    areas = [sum(part.sum() for part in shown(made, rest, np.full((1, 2), opening))) for opening in (0.3, 0.6, 1, 1.2)]
    assert areas == sorted(areas) and areas[0] < 0.6 * areas[2]


def test_closing_moves_the_lids_and_neither_brows_nor_mouth(made, rest):
    moved = made.drawn(rest[None], np.zeros((1, 2)), AHEAD)[0, : mesh.LANDMARKS] - rest
    for eye in (mesh.RIGHT_EYE, mesh.LEFT_EYE):
        assert (moved[list(eye[:8:-1]), 1] > 0).all()  # upper lids go down
    away = np.linalg.norm(moved[list(mesh.BROWS + mesh.FACE_OVAL + mesh.INNER_LIP_UPPER), :2], axis=1)
    assert away.max() < 0.003


def test_the_iris_goes_where_the_eye_looks(made, rest):
    def middle(gaze):
        rows, columns = np.nonzero(shown(made, rest, gaze=np.tile(np.radians(gaze), (1, 2, 1)))[1][:, :150])
        return columns.mean(), rows.mean()

    x, y = middle([0, 0])
    assert middle([20, 0])[0] > x + 3 and middle([-20, 0])[0] < x - 3
    assert middle([0, 12])[1] > y + 1 and middle([0, -12])[1] < y - 1


def test_eyes_go_along_with_a_face_that_moves(made, rest):
    still, along = (made.drawn(each[None], OPEN, AHEAD)[0] for each in (rest, rest + [0.1, 0, 0]))
    np.testing.assert_allclose(along - still, np.tile([0.1, 0, 0], (len(still), 1)), atol=1e-9)


def face(**weights):
    faces = np.zeros((1, 56))
    for name, value in weights.items():
        faces[0, SHAPES.index(name)] = value
    return faces


def test_shapes_close_and_turn_the_eye_that_they_name():
    opening, gaze = shown_by_shapes(face())
    assert (opening == 1).all() and not gaze.any()
    opening, _ = shown_by_shapes(face(eyeBlinkLeft=1))
    assert opening[0].tolist() == [1, 0]
    assert shown_by_shapes(face(eyeWideRight=1))[0][0, RIGHT] > 1
    _, gaze = shown_by_shapes(face(eyeLookOutLeft=1, eyeLookInRight=1))  # both to the person's left
    assert gaze[0, LEFT, 0] == gaze[0, RIGHT, 0] > 0  # which is the picture's right
    _, gaze = shown_by_shapes(face(eyeLookUpLeft=0.5))
    assert gaze[0, LEFT, 1] < 0 and gaze[0, RIGHT, 1] == 0


def test_the_tracked_mesh_sees_a_part_of_a_blink(made, rest):
    def narrower(share):
        meshes = rest[None].copy()
        for eye in (mesh.RIGHT_EYE, mesh.LEFT_EYE):
            upper, lower = list(eye[:8:-1]), list(eye[1:8])
            meshes[0, upper] += share * (rest[lower] - rest[upper])
        return meshes

    np.testing.assert_allclose(made.seen(narrower(0.25)), 0.75)
    begins, closed = eyes._SEEN
    for share, opening in ((0, 1), (begins, 1), (closed, 0), (0.9, 0)):
        np.testing.assert_allclose(shown_by_mesh(made, narrower(share))[0], opening, atol=1e-9)
