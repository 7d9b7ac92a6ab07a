"""FLAME (Li et al. 2017): shape, expression and pose to a mesh of a head, its joints and its landmarks.

- Metres; x to the person's left, y up, z out of the face. Rotations are axis-angle in radians.
- The parameters are DECA's: 100 of the 300 identities, 50 of the 100 expressions, the neck held still.
- Batched and differentiable; float32, as DECA computes.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from l2l.errors import UserError
from l2l.weights import catalogue as weights
from l2l.weights.flame_import import IDENTITY

SHAPE, EXPRESSION = 100, 50
_PARENTS = (-1, 0, 1, 1, 1)  # root, neck, jaw, left eye, right eye
_JAW_DOWN = 39  # the contour's table ends at this many degrees of yaw, both ways


@dataclass(frozen=True)
class Head:
    """Heads of one batch."""

    vertices: Tensor  # (N, 5023, 3)
    joints: Tensor  # (N, 5, 3)
    rotations: Tensor  # (N, 5, 3, 3) of each joint relative to its parent


class Flame:
    """The model of one flame.npz (`l2l weights import-flame`)."""

    def __init__(self, path: Path | None = None) -> None:
        """Read `path`, else the file among the weights. Raises UserError when it is missing or no such file."""
        path = path or weights.find("flame", "flame/flame.npz")
        try:
            with np.load(path, allow_pickle=False) as file:
                values = {name: torch.from_numpy(file[name]) for name in file.files}
            self.triangles = values["f"].long()  # (9976, 3)
            self.template = values["v_template"]  # (5023, 3)
            shapes = values["shapedirs"]  # (5023, 3, 400): 300 identities, 100 expressions
            self._shapes = torch.cat([shapes[..., :SHAPE], shapes[..., IDENTITY : IDENTITY + EXPRESSION]], -1)
            self._corrections = values["posedirs"].reshape(-1, 9 * (len(_PARENTS) - 1)).T  # (36, 15069)
            self._regressor, self._weights = values["J_regressor"], values["weights"]  # (5, 5023), (5023, 5)
        except (OSError, ValueError, KeyError) as error:
            raise UserError(f"{path} is not a flame.npz ({error}); make it with `l2l weights import-flame`.") from None

    def __call__(self, shape: Tensor, expression: Tensor, pose: Tensor, eyes: Tensor | None = None) -> Head:
        """Shape (N, 100), expression (N, 50), pose (N, 6: head, jaw), eyes (N, 6: left, right; None: straight)."""
        count = len(pose)
        still = pose.new_zeros(count, 3)
        turns = torch.cat([pose[:, :3], still, pose[:, 3:], pose.new_zeros(count, 6) if eyes is None else eyes], 1)
        rotations = _rotations(turns.reshape(-1, 3)).reshape(count, len(_PARENTS), 3, 3)
        coefficients = torch.cat([shape, expression], 1)  # (N, 150)
        vertices = self.template + torch.einsum("nc,vdc->nvd", coefficients, self._shapes)
        rest = torch.einsum("jv,nvd->njd", self._regressor, vertices)  # (N, 5, 3) joints of the head at rest
        bent = (rotations[:, 1:] - torch.eye(3)).reshape(count, -1)  # (N, 36)
        vertices = vertices + (bent @ self._corrections).reshape(count, -1, 3)
        turned, moved = _chain(rotations, rest)
        # Around its joint, then blended: the same as moving every vertex with each joint and mixing the results.
        offset = moved - torch.einsum("njab,njb->nja", turned, rest)
        blend = torch.einsum("vj,njab->nvab", self._weights, turned)
        shift = torch.einsum("vj,nja->nva", self._weights, offset)
        return Head(torch.einsum("nvab,nvb->nva", blend, vertices) + shift, moved, rotations)


def _rotations(turns: Tensor) -> Tensor:
    """Axis-angles (M, 3) to matrices (M, 3, 3); the small number keeps the angle from being zero (as DECA has it)."""
    angle = torch.linalg.vector_norm(turns + 1e-8, dim=1)[:, None, None]  # (M, 1, 1)
    x, y, z = (turns / angle[:, 0]).unbind(1)
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], 1).reshape(-1, 3, 3)
    return torch.eye(3) + angle.sin() * cross + (1 - angle.cos()) * (cross @ cross)


def _chain(rotations: Tensor, rest: Tensor) -> tuple[Tensor, Tensor]:
    """Rotations (N, 5, 3, 3) relative to the parents, joints at rest (N, 5, 3) -> the same in space, after posing."""
    turned, moved = [rotations[:, 0]], [rest[:, 0]]
    for joint, parent in enumerate(_PARENTS[1:], 1):
        turned.append(turned[parent] @ rotations[:, joint])
        arm = (rest[:, joint] - rest[:, parent])[..., None]
        moved.append(moved[parent] + (turned[parent] @ arm)[..., 0])
    return torch.stack(turned, 1), torch.stack(moved, 1)


def project(points: Tensor, camera: Tensor) -> Tensor:
    """Points (N, V, 3) in metres through a weak perspective (N, 3: scale, x, y) -> x, y in -1..1 over the crop, y
    down, and a depth on the same scale, away from the camera."""
    moved = torch.cat([points[..., :2] + camera[:, None, 1:], points[..., 2:]], -1)
    return camera[:, None, :1] * moved * torch.tensor([1.0, -1.0, -1.0])


def normals(vertices: Tensor, triangles: Tensor) -> Tensor:
    """Unit normals (N, V, 3) of vertices (N, V, 3): the sum of the triangles around each, weighted by area."""
    a, b, c = vertices[:, triangles].unbind(2)  # (N, F, 3) each
    across = torch.linalg.cross(b - a, c - a)
    summed = torch.zeros_like(vertices)
    for corner in range(3):
        summed.index_add_(1, triangles[:, corner], across)
    return F.normalize(summed, eps=1e-6, dim=-1)


@dataclass(frozen=True)
class Landmarks:
    """Where the 68 landmarks lie on FLAME's triangles, from DECA's landmark_embedding.npy: triangle numbers and
    barycentric weights. The contour follows the edge of the face that is seen, so it changes with yaw."""

    inner: tuple[Tensor, Tensor]  # (51,), (51, 3): brows, nose, eyes, mouth
    contour: tuple[Tensor, Tensor]  # (79, 17), (79, 17, 3): a row for each degree, 0..39 then -1..-39
    fixed: tuple[Tensor, Tensor]  # (68,), (68, 3): all 68, the contour on the jaw's edge

    def seen(self, head: Head, triangles: Tensor) -> Tensor:
        """(N, 68, 3) the landmarks of a picture: the contour where it is seen."""
        rows = contour_rows(head.rotations)
        count = len(rows)
        faces = torch.cat([self.contour[0][rows], self.inner[0].expand(count, -1)], 1)  # (N, 68)
        shares = torch.cat([self.contour[1][rows], self.inner[1].expand(count, -1, -1)], 1)  # (N, 68, 3)
        return on_triangles(head.vertices, triangles, faces, shares)

    def on_face(self, values: Tensor, triangles: Tensor) -> Tensor:
        """(N, 68, 3) values (N, V, 3) of the vertices (places, normals) at the landmarks of the head."""
        return on_triangles(values, triangles, *(part.expand(len(values), *part.shape) for part in self.fixed))


def contour_rows(rotations: Tensor) -> Tensor:
    """(N,) row of the contour's table for joint rotations (N, 5, 3, 3)."""
    turn = rotations[:, 0] @ rotations[:, 1]
    level = torch.hypot(turn[:, 0, 0], turn[:, 1, 0])
    degrees = torch.rad2deg(torch.atan2(-turn[:, 2, 0], level)).clamp(max=_JAW_DOWN).round().long()
    return torch.where(degrees >= 0, degrees, _JAW_DOWN - degrees.clamp(min=-_JAW_DOWN))


def on_triangles(values: Tensor, triangles: Tensor, faces: Tensor, shares: Tensor) -> Tensor:
    """Values (N, V, C) of the vertices at points on triangles: numbers (N, K), shares (N, K, 3) -> (N, K, C)."""
    corners = triangles[faces]  # (N, K, 3)
    rows = torch.arange(len(values))[:, None, None]
    return (values[rows, corners] * shares[..., None]).sum(2)
