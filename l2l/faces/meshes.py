"""Face vectors back into meshes that can be drawn, whichever backend they come from.

`mesher_of` looks into face_basis.npz. Faces of `landmarks` are composed on the person's own mesh, and so are those of
`blendshapes`, with what each shape was seen to do to it. Faces of `deca` go through FLAME, which must be among the
weights.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from l2l.faces import blendshapes, geometry
from l2l.faces.flame import EXPRESSION, SHAPE, Flame
from l2l.faces.landmarks import load_basis
from l2l.faces.store import backend_of
from l2l.units import MODEL_DIM
from l2l.video import mesh


@dataclass(frozen=True)
class Mesher:
    """The meshes of one person: x right, y down, z away from the camera, in any unit."""

    rest: np.ndarray  # (V, 3) the face at rest
    vertices: Callable[[np.ndarray], np.ndarray]  # faces (n, at least 56) -> (n, V, 3), turned by the head
    parts: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]  # a mesh (V, 3) -> triangles of its skin, of its mouth


def mesher_of(basis: Path, neutral: np.ndarray) -> Mesher:
    """The mesher of one person: `neutral` as a faces file has it. Raises UserError when FLAME is needed and missing."""
    backend = backend_of(basis)
    if backend == "deca":
        return _of_flame(Flame(), neutral)
    skin, mouth = np.concatenate([mesh.triangles(), mesh.eye_triangles()]), mesh.mouth_triangles()
    if backend == "blendshapes":
        template = blendshapes.load_basis(basis)
        rest = blendshapes.compose(np.zeros((1, MODEL_DIM)), neutral, template)[0]
        return Mesher(
            rest,
            lambda faces: blendshapes.compose(faces.astype(np.float64), neutral, template),
            lambda _: (skin, mouth),
        )
    known = load_basis(basis)
    return Mesher(
        rest=neutral - known.hinge,
        vertices=lambda faces: geometry.compose(faces.astype(np.float64), neutral, known),
        parts=lambda _: (skin, mouth),
    )


def _of_flame(flame: Flame, identity: np.ndarray) -> Mesher:
    shape = torch.from_numpy(identity.astype(np.float32))[None]  # (1, 100)
    triangles = flame.triangles.numpy()

    @torch.inference_mode()
    def vertices(faces: np.ndarray) -> np.ndarray:
        values = torch.from_numpy(np.ascontiguousarray(faces[:, :MODEL_DIM], np.float32))
        head = flame(shape.expand(len(values), SHAPE), values[:, :EXPRESSION], values[:, EXPRESSION:])
        return head.numpy().astype(np.float64) * [1, -1, -1]  # from y up, z towards the camera

    def parts(vertices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        # FLAME's mouth is open to the inside of the head: a triangle seen from behind is seen through the mouth.
        a, b, c = np.moveaxis(vertices[triangles][..., :2], 1, 0)  # (F, 2) each
        (x1, y1), (x2, y2) = (b - a).T, (c - a).T
        outside = x1 * y2 - x2 * y1 < 0
        return triangles[outside], triangles[~outside]

    return Mesher(vertices(np.zeros((1, MODEL_DIM)))[0], vertices, parts)
