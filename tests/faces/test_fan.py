"""face-alignment is given its files and never asked to fetch them."""

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch

from l2l.errors import UserError
from l2l.faces import fan

FILES = {
    "tracks": ["2DFAN4-11f355bf06.pth.tar"],
    "s3fd": ["2DFAN4-11f355bf06.pth.tar", "s3fd-619a316812.pth"],
}


class FaceAlignment:
    """As face-alignment 1.5.0 is called; FAN's answer is the corner and the middle of the box it was given."""

    def __init__(self, kind, *, device, flip_input, face_detector, face_detector_kwargs, compile):
        self.hub, self.kind, self.options = torch.hub.get_dir(), face_detector, face_detector_kwargs
        assert kind == 1 and not flip_input and not compile and isinstance(device, str)
        self.face_detector = SimpleNamespace(detect_from_image=self.detect)

    def detect(self, picture):
        self.seen = picture.shape
        return [np.array([0, 0, 10, 10, 0.99]), np.array([30, 40, 60, 80, 0.9])] if picture.any() else []

    def get_landmarks_from_image(self, picture, boxes):
        box = np.asarray(boxes[0], float)
        return [np.stack([box[:2], (box[:2] + box[2:4]) / 2])]


@pytest.fixture
def package(monkeypatch, tmp_path):
    module = ModuleType("face_alignment")
    module.__spec__ = ModuleSpec("face_alignment", None)
    module.FaceAlignment, module.LandmarksType = FaceAlignment, SimpleNamespace(TWO_D=1)
    monkeypatch.setitem(sys.modules, "face_alignment", module)
    monkeypatch.setenv("L2L_WEIGHTS", str(tmp_path))
    (tmp_path / "face_alignment/checkpoints").mkdir(parents=True)
    return tmp_path / "face_alignment/checkpoints"


def put(folder, detector):
    for name in FILES[detector]:
        torch.save({"weight": torch.zeros(2)}, folder / name)


@pytest.mark.parametrize("detector", FILES)
def test_its_weights_are_looked_for_among_ours_and_the_usual_place_is_put_back(package, detector):
    put(package, detector)
    before = torch.hub.get_dir()
    network = fan.Fan(detector, torch.device("cpu"))._network
    assert network.hub == str(package.parent) and torch.hub.get_dir() == before
    assert network.kind == {"tracks": "folder", "s3fd": "sfd"}[detector]
    assert network.options == ({} if detector == "tracks" else {"path_to_detector": str(package / FILES["s3fd"][1])})


@pytest.mark.parametrize("detector, name", [(d, name) for d, names in FILES.items() for name in names])
def test_a_missing_file_is_named_and_the_package_is_not_called(package, monkeypatch, detector, name):
    put(package, detector)
    (package / name).unlink()
    monkeypatch.setattr(FaceAlignment, "__init__", lambda *_, **__: pytest.fail("it would download"))
    with pytest.raises(UserError, match=f"{name} is missing.*l2l weights fetch face_alignment"):
        fan.Fan(detector, torch.device("cpu"))


def test_a_damaged_file_is_named(package):
    (package / FILES["tracks"][0]).write_bytes(b"x" * 100)
    with pytest.raises(UserError, match=r"2DFAN4.* is cut off"):
        fan.Fan("tracks", torch.device("cpu"))


def test_without_the_package_it_says_so(monkeypatch, package):
    monkeypatch.delitem(sys.modules, "face_alignment")
    monkeypatch.setattr(fan, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="the package face-alignment is not installed"):
        fan.Fan("tracks", torch.device("cpu"))


def test_fan_looks_at_the_tracked_face(package):
    put(package, "tracks")
    found = fan.Fan("tracks", torch.device("cpu"))(np.ones((200, 300, 3), np.uint8), np.array([100.0, 50, 140, 110]))
    np.testing.assert_allclose(found, [[100, 50], [120, 80]])


def test_the_detector_looks_around_the_tracked_face_and_the_nearest_find_counts(package):
    put(package, "s3fd")
    find = fan.Fan("s3fd", torch.device("cpu"))
    found = find(np.ones((200, 300, 3), np.uint8), np.array([100.0, 50, 140, 110]))
    assert find._network.seen == (120, 80, 3)  # from (80, 20) on
    np.testing.assert_allclose(found, [[110, 60], [125, 80]])
    assert find(np.zeros((200, 300, 3), np.uint8), np.array([100.0, 50, 140, 110])) is None
