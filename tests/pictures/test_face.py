"""One face in one picture."""

import numpy as np

from l2l.faces.meshes import Mesher
from l2l.pictures.face import draw_face

SKIN = (0, 200, 0)
QUARTERS = np.array([[0, 1, 2], [0, 2, 3]], np.int32)


def square(z: float, half: float) -> np.ndarray:
    return np.array([[-half, -half, z], [half, -half, z], [half, half, z], [-half, half, z]])


def test_a_face_takes_the_middle_of_a_picture_and_its_nearest_part_is_seen() -> None:
    rest = np.concatenate([square(0, 1), square(-0.1, 0.2)])
    mesher = Mesher(
        rest, lambda faces: np.stack([rest] * len(faces)), lambda _: {"pupil": QUARTERS + 4, "skin": QUARTERS}
    )
    canvas = np.full((100, 140, 3), 250, np.uint8)
    draw_face(canvas, mesher, mesher.rest, SKIN)
    green = (canvas[..., 1] > 100) & (canvas[..., 0] < 50)
    rows, columns = np.nonzero(canvas[..., 0] < 100)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (11, 82, 34, 106)  # 72 of 100 lines
    assert green[20, 40] and not green[50, 70] and canvas[50, 70].max() < 50  # a pupil before skin, drawn first


def test_a_face_that_moves_keeps_its_size() -> None:
    rest = square(0, 1)
    mesher = Mesher(rest, lambda faces: np.stack([rest + [0.5, 0, 0]] * len(faces)), lambda _: {"skin": QUARTERS})
    canvas = np.full((100, 140, 3), 250, np.uint8)
    draw_face(canvas, mesher, mesher.vertices(np.zeros((1, 56)))[0], SKIN)
    columns = np.nonzero(canvas[50, :, 0] < 100)[0]
    assert (columns.min(), columns.max()) == (52, 124)
