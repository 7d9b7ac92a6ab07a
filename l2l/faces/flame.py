"""FLAME (Li et al. 2017): shape, expression and pose to the mesh of a head.

- Metres; x to the person's left, y up, z out of the face. Rotations are axis-angle in radians.
- The parameters are DECA's: 100 of the 300 identities, 50 of the 100 expressions; neck and eyes are held still.
- Batched; float32, as DECA computes.
"""

from pathlib import Path

import torch
from torch import Tensor

from l2l.arrays import Array, open_npz
from l2l.weights import catalogue as weights
from l2l.weights.flame_import import IDENTITY, SHAPES

SHAPE, EXPRESSION = 100, 50
_PARENTS = (-1, 0, 1, 1, 1)  # root, neck, jaw, left eye, right eye


class Flame:
    """The model of one flame.npz (`l2l weights import-flame`)."""

    def __init__(self, path: Path | None = None) -> None:
        """Read `path`, else the file among the weights. Raises UserError when it is missing or no such file."""
        path = path or weights.find("flame", "flame/flame.npz")
        command = "l2l weights import-flame"
        with open_npz(path, "a flame.npz", command) as file:
            kinds = {name: Array(shape, "iu" if name == "f" else "f") for name, shape in SHAPES.items()}
            values = {name: torch.from_numpy(file.read(name, wanted)) for name, wanted in kinds.items()}
            self.triangles = values["f"].long()  # (9976, 3)
            self.template = values["v_template"]  # (5023, 3)
            shapes = values["shapedirs"]  # (5023, 3, 400): 300 identities, 100 expressions
            self._shapes = torch.cat([shapes[..., :SHAPE], shapes[..., IDENTITY : IDENTITY + EXPRESSION]], -1)
            self._corrections = values["posedirs"].reshape(-1, 9 * (len(_PARENTS) - 1)).T  # (36, 15069)
            self._regressor, self._weights = values["J_regressor"], values["weights"]  # (5, 5023), (5023, 5)

    def __call__(self, shape: Tensor, expression: Tensor, pose: Tensor) -> Tensor:
        """Vertices (N, 5023, 3) of shape (N, 100), expression (N, 50) and pose (N, 6: head, jaw)."""
        count = len(pose)
        turns = torch.zeros(count, len(_PARENTS), 3)
        turns[:, 0], turns[:, 2] = pose[:, :3], pose[:, 3:]
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
        return torch.einsum("nvab,nvb->nva", blend, vertices) + shift


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
