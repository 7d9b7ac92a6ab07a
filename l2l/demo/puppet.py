"""A photograph that moves its head: textured mesh, known motion.

- The photographs ship inside scikit-image (Eileen Collins, NASA) and matplotlib (Grace Hopper, US Navy); both are in
  the public domain. Nothing is downloaded.
- Only the head is drawn for a frame; the rest of the picture is the photograph and stays as it is.
- Mouth and eyes are windows onto a plane fixed to the head: a lid or lip that moves uncovers or covers what lies behind
  instead of stretching it. Behind the eyes is the photograph, behind the lips a painted mouth.
"""

import importlib.util
from pathlib import Path

import cv2
import numpy as np

from l2l.demo.rig import Pose, Rig
from l2l.errors import UserError
from l2l.raster import draw_textured
from l2l.video import mesh
from l2l.video.face_nets import FaceDetector, FaceMesh, region_around

WIDTH, HEIGHT = 320, 360  # pixels of one person's half of the picture: the photographs have no finer detail
_FACE_SHARE = 0.36  # of the half's width
_FACE_HEIGHT = 0.42  # of the half's height: where the face's centre is
_MARGIN = 80  # pixels of photograph around the half, for what moves into view
_TEETH, _THROAT = (206, 186, 162), (52, 18, 19)  # RGB

# Package, path inside it: of the person on the left and on the right.
PHOTOGRAPHS = (("skimage", "data/astronaut.png"), ("matplotlib", "mpl-data/sample_data/grace_hopper.jpg"))


def photograph(person: int) -> np.ndarray:
    """RGB picture (H, W, 3) uint8 of `person` (0 or 1). Raises UserError when its package is missing."""
    package, name = PHOTOGRAPHS[person]
    # The package is found, not imported: importing either would take longer than the rest of the puppet.
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise UserError(f"The demo's photographs ship with {package}, which is missing; install l2l[demo].")
    path = Path(found.submodule_search_locations[0]) / name
    picture = cv2.imread(str(path))
    if picture is None:
        raise UserError(f"{path}, a photograph of the demo, cannot be read; install l2l[demo] again.")
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


class Puppet:
    """One person in one half of the picture, `left` pixels from its left edge."""

    def __init__(self, picture: np.ndarray, left: int = 0) -> None:
        """`picture` is RGB (H, W, 3) uint8 with one face. Raises UserError when there is none."""
        self._photograph, landmarks = _framed(picture)
        self.background = self._photograph[_MARGIN : _MARGIN + HEIGHT, _MARGIN : _MARGIN + WIDTH]  # (360, 320, 3)
        self.left = left
        self.rig = Rig(landmarks)
        self._mouth = _painted_mouth(self._photograph, landmarks[:, :2] + _MARGIN)
        low, high = self.rig.vertices[:, :2].min(0), self.rig.vertices[:, :2].max(0)
        x0, y0 = np.clip(np.floor(low).astype(int), 0, (WIDTH, HEIGHT))
        x1, y1 = np.clip(np.ceil(high).astype(int) + 1, 0, (WIDTH, HEIGHT))
        self._region = (slice(y0, y1), slice(left + x0, left + x1))
        self._skin = self.rig.vertices[:, :2] + _MARGIN  # (V, 2) pixels of the photograph

    def draw(self, canvas: np.ndarray, depth: np.ndarray, pose: Pose) -> None:
        """Draw the head into `canvas` (360, W, 3) uint8, over this puppet's background; `depth` (360, W) is scratch."""
        bent = self.rig.bend(pose)
        vertices = self.rig.turn(bent, pose) + [self.left, 0, 0]
        # What lies behind the lips opens with the jaw, but a smile stretches it along.
        behind = self.rig.bend(pose._replace(smile=0))[:, :2] + _MARGIN
        depth[self._region] = np.inf
        draw_textured(canvas, depth, vertices, self._skin, self.rig.triangles, self._photograph)
        draw_textured(canvas, depth, vertices, behind, self.rig.eyes, self._photograph)
        draw_textured(canvas, depth, vertices, behind, self.rig.mouth, self._mouth)


def _framed(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The picture scaled and shifted to a half with margins, and the landmarks (468, 3) in pixels of the half."""
    faces = FaceDetector()(picture)
    if not faces:
        raise UserError("The demo found no face in one of its photographs; install l2l[demo] again.")
    find = FaceMesh()
    landmarks, _ = find(picture, faces[0].region)
    landmarks, _ = find(picture, region_around(landmarks))
    scale = _FACE_SHARE * WIDTH / float(np.ptp(landmarks[:, 0]))
    shift = np.array([WIDTH / 2, HEIGHT * _FACE_HEIGHT]) + _MARGIN - scale * landmarks[:, :2].mean(0)
    to_half = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    size = (WIDTH + 2 * _MARGIN, HEIGHT + 2 * _MARGIN)
    framed = cv2.warpAffine(picture, to_half, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    landmarks = np.concatenate([landmarks[:, :2] * scale + shift, landmarks[:, 2:] * scale], 1)
    landmarks, _ = find(framed, region_around(landmarks))
    return framed, landmarks - [_MARGIN, _MARGIN, 0]


def _painted_mouth(picture: np.ndarray, points: np.ndarray) -> np.ndarray:
    """What lies behind the lips, as large as `picture`: the photograph's own teeth, or painted ones over a dark throat.

    `points` (468, 2) are the landmarks in pixels of `picture`.
    """
    upper, lower = points[list(mesh.INNER_LIP_UPPER)], points[list(mesh.INNER_LIP_LOWER)]  # (11, 2)
    (left, right), width = upper[[0, -1], 0], float(upper[-1, 0] - upper[0, 0])
    rows, columns = np.mgrid[: picture.shape[0], : picture.shape[1]].astype(np.float32)
    lip = np.interp(columns[0], upper[:, 0], upper[:, 1])  # height of the upper lip's edge in each column
    across = np.clip((columns - left) / (right - left), 0, 1) * 2 - 1  # -1..1 between the corners
    below = (rows - lip) / width
    length = 0.15 * np.sqrt(np.clip(1 - (across / 0.9) ** 2, 0, 1))  # teeth get shorter towards the corners
    shade = np.clip(0.3 + 9 * below, 0, 1) * (1 - 0.5 * across**2)  # in the shadow of the lip and of the cheeks
    gaps = 1 - 0.2 * np.exp(-((((columns - points[13, 0]) / (0.085 * width) + 0.5) % 1 - 0.5) ** 2) / 0.01)
    teeth = np.array(_TEETH) * (shade * gaps)[..., None]
    edge = np.clip((length - below) * width / 2 + 0.5, 0, 1)[..., None]
    mouth = edge * teeth + (1 - edge) * np.array(_THROAT)

    opening = np.zeros(picture.shape[:2], np.uint8)
    cv2.fillPoly(opening, [np.concatenate([upper, lower[::-1]]).round().astype(np.int32)], 255)
    own = cv2.GaussianBlur(opening.astype(np.float32) / 255, (0, 0), 1.0)[..., None]
    return np.clip(own * picture + (1 - own) * mouth + 0.5, 0, 255).astype(np.uint8)
