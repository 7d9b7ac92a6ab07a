"""Geometry of the face mesh: head rotation, jaw rotation and what is left, the expression.

- Axes are those of the picture: x right, y down, z away from the camera. Lengths are in outer-eye distances.
- A face is neutral + jaw + expression, then turned, scaled and moved: `compose` undoes `decompose`.
- Rotations are axis-angle in radians: pitch > 0 nods down, jaw x > 0 opens the mouth, jaw y moves the chin sideways.
- The mesh network's depth is too flat, so yaw and pitch are a little too small; their course over time is right.
"""

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from l2l.video import mesh

COMPONENTS = 50  # expression coefficients


@dataclass(frozen=True)
class FaceBasis:
    """The shared shape space of one person's recordings."""

    template: np.ndarray  # (468, 3) mean face, upright and frontal, outer-eye distance 1
    components: np.ndarray  # (50, 1404) orthonormal directions of expression

    @property
    def jaw_weights(self) -> np.ndarray:
        """(468,) how far each landmark follows the jaw: 0 above the mouth, 1 at the chin."""
        corners, lower = list(mesh.MOUTH_CORNERS), list(mesh.INNER_LIP_LOWER[1:-1])
        x, y = self.template[:, 0], self.template[:, 1]
        lip_line = self.template[corners, 1].mean()
        weights = np.clip(2.2 * (y - lip_line) / (y[mesh.CHIN] - lip_line), 0, 1)
        # Inside the mouth the lower lip goes with the jaw although it touches the upper one, which does not.
        weights[list(mesh.INNER_LIP_UPPER)] = 0
        middle = np.abs(x[lower]) / np.abs(x[corners]).mean()
        weights[lower] = np.maximum(weights[lower], 1 - 0.85 * middle**2)
        return weights

    @property
    def hinge(self) -> np.ndarray:
        """(3,) the axis of the jaw, between the ears."""
        eyes = self.template[[mesh.RIGHT_EYE_OUTER, mesh.LEFT_EYE_OUTER], 1].mean()
        ears = self.template[[234, 454]].mean(0)  # the oval's widest points, in front of the ears
        return np.array([0.0, eyes + 0.45 * (self.template[mesh.CHIN, 1] - eyes), ears[2]])


def rigid_landmarks(template: np.ndarray) -> np.ndarray:
    """Indices of landmarks that move with the skull: neither the jaw, nor around the eyes and the mouth.

    Otherwise a blink or a smile would count as a small nod.
    """
    corners = template[list(mesh.MOUTH_CORNERS)]
    rims = template[list(mesh.RIGHT_EYE + mesh.LEFT_EYE)]
    from_mouth = np.linalg.norm(template - corners.mean(0), axis=1)
    from_eyes = np.linalg.norm(template[:, None] - rims, axis=-1).min(1)
    above = template[:, 1] < corners[:, 1].mean()
    return np.flatnonzero(above & (from_mouth > 0.5) & (from_eyes > 0.3))  # in outer-eye distances


def fit_rigid(shape: np.ndarray, landmarks: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Least squares rotation (n, 3, 3), scale (n,) and translation (n, 3) that take `shape` (k, 3) to each of
    `landmarks` (n, k, 3): landmarks = scale * shape @ rotation.T + translation (Umeyama 1991)."""
    centre, centres = shape.mean(0), landmarks.mean(1)
    covariance = np.einsum("nki,kj->nij", landmarks - centres[:, None], shape - centre)  # (n, 3, 3)
    left, singular, right = np.linalg.svd(covariance)
    sign = np.ones((len(landmarks), 3))
    sign[:, 2] = np.sign(np.linalg.det(left @ right))  # a reflection is no rotation
    rotation = (left * sign[:, None]) @ right
    scale = (singular * sign).sum(1) / ((shape - centre) ** 2).sum()
    return rotation, scale, centres - scale[:, None] * (rotation @ centre)


def straighten(landmarks: np.ndarray, shape: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Undo pose: landmarks (n, 468, 3) px -> the same in `shape`'s frame and size, and the rotations (n, 3, 3)."""
    rigid = rigid_landmarks(shape)
    rotation, scale, translation = fit_rigid(shape[rigid], landmarks[:, rigid])
    centred = (landmarks - translation[:, None]) / scale[:, None, None]
    return centred @ rotation, rotation  # row vectors: x @ R is R^T x


def mean_face(landmarks: np.ndarray, rounds: int = 4) -> np.ndarray:
    """The mean face (468, 3) of landmarks (n, 468, 3): upright, frontal, symmetric, outer-eye distance 1."""
    shape = frontal(landmarks[0].astype(np.float64))
    for _ in range(rounds):
        straight, _ = straighten(landmarks, shape)
        shape = frontal(symmetric(np.median(straight, axis=0)))
    return shape


def frontal(shape: np.ndarray) -> np.ndarray:
    """Turn a face so that the eyes are level and as deep as each other, forehead and chin likewise; scale to 1."""
    across = shape[mesh.LEFT_EYE_OUTER] - shape[mesh.RIGHT_EYE_OUTER]
    down = shape[mesh.CHIN] - shape[mesh.FOREHEAD]
    x = across / np.linalg.norm(across)
    y = down - (down @ x) * x
    y /= np.linalg.norm(y)
    axes = np.stack([x, y, np.cross(x, y)])  # (3, 3) rows are the face's axes
    centre = shape[[mesh.LEFT_EYE_OUTER, mesh.RIGHT_EYE_OUTER]].mean(0)
    return (shape - centre) @ axes.T / np.linalg.norm(across)


def symmetric(shape: np.ndarray) -> np.ndarray:
    """The mean of a face and its mirror image; each landmark's partner is the nearest one across, one to one."""
    from scipy.optimize import linear_sum_assignment  # a quarter of a second, and few ask for it

    shape = frontal(shape)
    mirrored = shape * [-1, 1, 1]
    distance = np.linalg.norm(shape[:, None] - mirrored[None], axis=-1)  # (468, 468)
    _, partner = linear_sum_assignment(distance)
    return (shape + mirrored[partner]) / 2


def mouth_gap(straight: np.ndarray) -> np.ndarray:
    """(n,) mean distance of the inner lips of straightened landmarks (n, 468, 3)."""
    upper, lower = np.array(mesh.INNER_LIP_PAIRS).T
    return np.linalg.norm(straight[:, lower] - straight[:, upper], axis=-1).mean(1)


def neutral_face(landmarks: np.ndarray, template: np.ndarray) -> np.ndarray:
    """One person at rest (468, 3), in the template's frame: the median of the frames whose mouth is most closed."""
    straight, _ = straighten(landmarks, template)
    gap = mouth_gap(straight)
    at_rest = straight[gap <= np.quantile(gap, 0.3)]
    # People may sit a little turned; "straight ahead" is defined by the template.
    return np.median(at_rest, axis=0)


def jaw_moved(neutral: np.ndarray, jaw: np.ndarray, basis: FaceBasis) -> np.ndarray:
    """The neutral face (468, 3) with its jaw rotated by axis-angles (n, 3) radians -> (n, 468, 3)."""
    turned = np.einsum("nij,kj->nki", Rotation.from_rotvec(jaw).as_matrix(), neutral - basis.hinge) + basis.hinge
    weights = basis.jaw_weights[:, None]
    return (1 - weights) * neutral + weights * turned


def decompose(landmarks: np.ndarray, neutral: np.ndarray, basis: FaceBasis) -> np.ndarray:
    """Landmarks (n, 468, 3) px -> (n, 56): expression, head rotation, jaw rotation."""
    rest, rotation, jaw = without_pose(landmarks, neutral, basis)
    return np.concatenate([rest @ basis.components.T, Rotation.from_matrix(rotation).as_rotvec(), jaw], axis=1)


def without_pose(
    landmarks: np.ndarray, neutral: np.ndarray, basis: FaceBasis
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What rotation and jaw leave of landmarks (n, 468, 3) px: (n, 1404), to which the expression basis is fitted.

    Then the head's rotation (n, 3, 3) and the jaw's (n, 3).
    """
    straight, rotation = straighten(landmarks, neutral)
    jaw = _jaw_rotation(straight, neutral, basis)
    return (straight - jaw_moved(neutral, jaw, basis)).reshape(len(straight), -1), rotation, jaw


def compose(faces: np.ndarray, neutral: np.ndarray, basis: FaceBasis) -> np.ndarray:
    """Faces (n, >=56) -> meshes (n, 468, 3) around the origin, in outer-eye distances."""
    return turned(upright(faces, neutral, basis), faces[:, 50:53], basis.hinge)


def upright(faces: np.ndarray, neutral: np.ndarray, basis: FaceBasis) -> np.ndarray:
    """As `compose`, with the head not yet turned, in the frame of `neutral`."""
    expression, jaw = faces[:, :50], faces[:, 53:56]
    return jaw_moved(neutral, jaw, basis) + (expression @ basis.components).reshape(-1, mesh.LANDMARKS, 3)


def turned(straight: np.ndarray, head: np.ndarray, hinge: np.ndarray) -> np.ndarray:
    """Upright meshes (n, V, 3) turned by axis-angles (n, 3), around the origin."""
    # The head turns about a point between the ears, not about the bridge of the nose.
    rotation = Rotation.from_rotvec(head).as_matrix()
    return np.einsum("nij,nkj->nki", rotation, straight - hinge)


def _jaw_rotation(straight: np.ndarray, neutral: np.ndarray, basis: FaceBasis) -> np.ndarray:
    """(n, 3) axis-angle: opening from the inner lips' gap, sideways from the chin."""
    opening = mouth_gap(straight) - mouth_gap(neutral[None])
    lip = neutral[list(np.array(mesh.INNER_LIP_PAIRS)[:, 1])].mean(0) - basis.hinge
    chin = neutral[mesh.CHIN] - basis.hinge
    sideways = straight[:, mesh.CHIN, 0] - neutral[mesh.CHIN, 0]
    jaw = np.zeros((len(straight), 3))
    jaw[:, 0] = np.arctan2(opening, np.hypot(lip[1], lip[2]))
    # Right-handed about y: with the chin in front of the hinge (z < 0), a positive angle moves it to -x.
    jaw[:, 1] = np.arctan2(-sideways, np.hypot(chin[1], chin[2]))
    return jaw
