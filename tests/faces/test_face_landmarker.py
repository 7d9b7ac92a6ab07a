"""The face landmarker: what its networks are given, where its points lie, and its average face."""

import zipfile

import numpy as np
import pytest

from l2l.errors import UserError
from l2l.faces import face_landmarker
from l2l.faces.face_landmarker import FaceLandmarker, canonical_face
from l2l.video import mesh
from l2l.video.face_nets import Region


class FakeNetwork:
    """The first network finds points on the diagonal of its crop; the second says what it was given."""

    given: np.ndarray

    def __init__(self, model: bytes) -> None:
        self.model = model

    def __call__(self, values: np.ndarray) -> dict[int, np.ndarray]:
        if self.model == b"points":
            assert values.shape == (1, 256, 256, 3) and values.dtype == np.float32 and 0 <= values.min() <= 1
            return {1434: np.repeat(np.arange(478) / 2, 3).astype(np.float32), 1: np.zeros(1)}
        FakeNetwork.given = values
        return {52: np.linspace(0, 1, 52, dtype=np.float32)}


def metadata(vertices: np.ndarray) -> bytes:
    """As the bundle has it: x, y, z, u, v of every vertex, each number with the tag of its field."""
    numbers = np.zeros(len(vertices) * 5, [("tag", "u1"), ("value", "<f4")])
    numbers["tag"] = 0x1D
    numbers["value"] = np.column_stack([vertices, np.zeros((len(vertices), 2))]).ravel()
    return b"\x0a\xea\x94\x01\x08\x00\x10\x00" + numbers.tobytes() + b"\x20\x01"


@pytest.fixture
def bundle(tmp_path, monkeypatch):
    path = tmp_path / "bundle.task"
    random = np.random.default_rng(0)
    half = random.normal(size=(234, 3)) + [4, 0, 0]
    vertices = np.concatenate([half, half * [-1, 1, 1]])  # cm, y up, z towards the camera
    vertices[mesh.RIGHT_EYE_OUTER], vertices[mesh.LEFT_EYE_OUTER] = (-4.5, 2.5, 3), (4.5, 2.5, 3)
    vertices[mesh.FOREHEAD], vertices[mesh.CHIN] = (0, 8, 5), (0, -9, 5)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("face_landmarks_detector.tflite", b"points")
        file.writestr("face_blendshapes.tflite", b"shapes")
        file.writestr("geometry_pipeline_metadata_landmarks.binarypb", metadata(vertices))
    monkeypatch.setattr(face_landmarker.weights, "find", lambda name, file: path)
    monkeypatch.setattr(face_landmarker, "Network", FakeNetwork)
    return path


def test_points_are_in_the_picture_and_their_depth_in_its_pixels(bundle):
    points = FaceLandmarker().points(np.zeros((720, 1280, 3), np.uint8), Region(600.0, 300.0, 512.0, np.pi / 2))
    # The crop is turned by a quarter: its right is the picture's down; one pixel of it is two of the picture.
    np.testing.assert_allclose(points[0], [856, 44, 0], atol=1e-9)
    np.testing.assert_allclose(points[100] - points[0], [-100, 100, 100], atol=1e-9)


def test_shapes_are_asked_for_with_146_points_in_pixels_and_both_irises(bundle):
    points = np.stack([np.arange(478), 1000 + np.arange(478), np.full(478, -1)], 1)
    found = FaceLandmarker().shapes(points)
    assert found.shape == (52,) and found[-1] == 1
    given = FakeNetwork.given
    assert given.shape == (1, 146, 2) and given.dtype == np.float32
    assert given[0, -10:, 0].tolist() == [*range(468, 478)] and (given[0, :, 1] - given[0, :, 0] == 1000).all()
    assert (np.diff(given[0, :, 0]) > 0).all()


def test_the_average_face_is_upright_towards_the_camera_and_of_unit_size(bundle):
    found = canonical_face()
    assert found.shape == (468, 3)
    across = found[mesh.LEFT_EYE_OUTER] - found[mesh.RIGHT_EYE_OUTER]
    np.testing.assert_allclose(across, [1, 0, 0], atol=1e-6)
    assert found[mesh.CHIN, 1] > 0.5 > found[mesh.FOREHEAD, 1]


def test_a_file_that_is_no_bundle_is_refused(bundle):
    bundle.write_bytes(b"something else")
    with pytest.raises(UserError, match=r"bundle\.task is not a face landmarker .*fetch it again"):
        FaceLandmarker()


def test_a_missing_bundle_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("L2L_WEIGHTS", str(tmp_path))
    with pytest.raises(
        UserError, match=r"task is missing.*`l2l weights fetch face_landmarker`.*faces\.backend: landmarks"
    ):
        FaceLandmarker()
