"""Results of a person as training leaves them, from made-up motion, with the basis of one photograph."""

from pathlib import Path

import cv2
import numpy as np

from l2l.architectures import train_codebook, train_predictor
from l2l.faces import geometry
from l2l.files import save_npz
from l2l.video.face_nets import FaceDetector, FaceMesh
from tests.media import face_photo
from tests.synthetic import write_chunks
from tests.tiny import tiny_patches, with_a_branch


def write_results(folder: Path) -> Path:
    """codebook.pt, predictor.pt and face_basis.npz."""
    write_chunks(folder, windows=6, videos=4)
    settings = tiny_patches(steps=40)
    train_codebook(folder, "left", settings, folder / "codebook.pt", folder / "board")
    train_predictor(folder, folder / "codebook.pt", "left", settings, folder / "predictor.pt", folder / "board")
    with_a_branch(folder / "predictor.pt")
    picture = portrait()
    landmarks, _ = FaceMesh()(picture, FaceDetector()(picture)[0].region)
    components = np.linalg.qr(np.random.default_rng(0).normal(size=(1404, 50)))[0].T
    template = geometry.mean_face(landmarks[None])
    save_npz(folder / "face_basis.npz", backend=np.array("landmarks"), template=template, components=components)
    return folder


def portrait(tilt: float = 0.0, size: tuple[int, int] = (320, 240)) -> np.ndarray:
    """A photograph, RGB (240, 320, 3), turned clockwise by `tilt` radians."""
    photo = face_photo(size[1])
    turn = cv2.getRotationMatrix2D((photo.shape[1] / 2, photo.shape[0] / 2), -np.degrees(tilt), 1)
    turned = cv2.warpAffine(photo, turn, photo.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
    left = (size[0] - photo.shape[1]) // 2
    return np.ascontiguousarray(np.pad(turned, ((0, 0), (left, size[0] - photo.shape[1] - left), (0, 0))))
