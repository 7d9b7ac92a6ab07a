"""The 68 landmarks of FAN (Bulat and Tzimiropoulos 2017), through the package face-alignment, for DECA's crop.

The package downloads its weights at the first call. Here they must be among the weight files, or it is not called.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from l2l.errors import SetupError
from l2l.weights import catalogue as weights
from l2l.weights.state_dicts import read_torch

_FAN = ("face_alignment", "face_alignment/checkpoints/2DFAN4-11f355bf06.pth.tar")
_S3FD = ("face_alignment_s3fd", "face_alignment/checkpoints/s3fd-619a316812.pth")
_REGION = 2.0  # the detector looks at this many times the tracked box
Detector = Literal["tracks", "s3fd"]


def missing(detector: Detector) -> str | None:
    """What FAN needs and does not find, with how to get it; None when it can run."""
    if find_spec("face_alignment") is None:
        return "the package face-alignment is not installed (docs/backends.md)"
    for entry, file in [_FAN] + [_S3FD] * (detector == "s3fd"):
        if not (weights.folder() / file).exists():
            return f"{weights.folder() / file} is missing; {weights.how_to_get(entry)}"
    return None


class Fan:
    """FAN with its weights, on faces that are tracked already."""

    def __init__(self, detector: Detector, device: torch.device) -> None:
        """Raises UserError when the package or a file is missing or damaged."""
        reason = missing(detector)
        if reason:
            raise SetupError(f"FAN cannot run: {reason}, or use faces.deca.landmarks: mesh.")
        self._detector = detector
        path = weights.find(*_FAN)
        read_torch(path)
        kind, options = "folder", {}  # would read boxes from files; it is never used
        if detector == "s3fd":
            s3fd = weights.find(*_S3FD)
            read_torch(s3fd)
            kind, options = "sfd", {"path_to_detector": str(s3fd)}
        with _hub(path.parents[1]):
            import face_alignment

            self._network = face_alignment.FaceAlignment(
                face_alignment.LandmarksType.TWO_D,
                device=str(device),
                flip_input=False,
                face_detector=kind,
                face_detector_kwargs=options,
                compile=False,  # it would write into the user's home
            )

    def __call__(self, picture: np.ndarray, box: np.ndarray) -> np.ndarray | None:
        """Landmarks (68, 2) px of the face in `box` (x0, y0, x1, y1) of an RGB picture, None where no face is found."""
        if self._detector == "tracks":
            return self._network.get_landmarks_from_image(picture, [box])[0]
        centre, half = (box[:2] + box[2:]) / 2, _REGION / 2 * (box[2:] - box[:2])
        low = np.maximum(centre - half, 0).astype(int)
        high = np.minimum(centre + half, picture.shape[1::-1]).astype(int)
        part = np.ascontiguousarray(picture[low[1] : high[1], low[0] : high[0]])
        found = self._network.face_detector.detect_from_image(part)
        if not len(found):
            return None
        boxes = np.stack([face[:4] for face in found])
        nearest = np.linalg.norm((boxes[:, :2] + boxes[:, 2:]) / 2 + low - centre, axis=1).argmin()
        return self._network.get_landmarks_from_image(part, [boxes[nearest]])[0] + low


@contextmanager
def _hub(folder: Path) -> Iterator[None]:
    """Inside, torch's folder of downloads, where the package looks for its file, is `folder`."""
    before = torch.hub.get_dir()
    torch.hub.set_dir(str(folder))
    try:
        yield
    finally:
        torch.hub.set_dir(before)
