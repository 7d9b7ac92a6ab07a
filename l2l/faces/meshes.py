"""Face vectors back into meshes that can be drawn, whichever backend they come from.

`mesher_of` looks into face_basis.npz. Faces of `landmarks` are composed on the person's own mesh, and so are those of
`blendshapes`, with what each shape was seen to do to it; both get eyes (`eyes.py`). Faces of `deca` go through FLAME,
which must be among the weights.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from l2l.faces import blendshapes, geometry
from l2l.faces.eyes import Eyes, shown_by_mesh, shown_by_shapes
from l2l.faces.geometry import COMPONENTS, FaceBasis
from l2l.faces.landmarks import load_basis
from l2l.faces.store import backend_of
from l2l.units import MODEL_DIM
from l2l.video import mesh
from l2l.video.mesh import LANDMARKS


@dataclass(frozen=True)
class Mesher:
    """The meshes of one person: x right, y down, z away from the camera, in any unit."""

    rest: np.ndarray  # (V, 3) the face at rest
    vertices: Callable[[np.ndarray], np.ndarray]  # faces (n, at least 56) -> (n, V, 3), turned by the head
    # A mesh (V, 3) -> triangles (n, 3) of its parts: skin, mouth, and of the eyes white, iris, pupil and reflection.
    parts: Callable[[np.ndarray], dict[str, np.ndarray]]


def mesher_of(basis: Path, neutral: np.ndarray) -> Mesher:
    """The mesher of one person: `neutral` as a faces file has it. Raises UserError when FLAME is needed and missing."""
    backend = backend_of(basis)
    if backend == "deca":
        return _of_flame(neutral)
    if backend == "blendshapes":
        template, rest = blendshapes.load_basis(basis), neutral[0]
        hinge = FaceBasis(template, np.zeros((COMPONENTS, LANDMARKS * 3))).hinge
        return _with_eyes(
            Eyes(rest),
            lambda faces: blendshapes.upright(faces, neutral, template),
            lambda faces, _: shown_by_shapes(faces),
            hinge,
        )
    known, eyes = load_basis(basis), Eyes(neutral.astype(np.float64))
    return _with_eyes(
        eyes,
        lambda faces: geometry.upright(faces, neutral, known),
        lambda _, straight: shown_by_mesh(eyes, straight),
        known.hinge,
    )


def _with_eyes(
    eyes: Eyes,
    upright: Callable[[np.ndarray], np.ndarray],
    shown: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]],
    hinge: np.ndarray,
) -> Mesher:
    """The tracked mesh with eyes. `upright` makes meshes, `shown` says how open their eyes are and where they look."""
    parts = {"skin": mesh.triangles(), "mouth": mesh.mouth_triangles(), **eyes.parts}

    def vertices(faces: np.ndarray) -> np.ndarray:
        faces = faces.astype(np.float64)
        straight = upright(faces)
        return geometry.turned(eyes.drawn(straight, *shown(faces, straight)), faces[:, 50:53], hinge)

    return Mesher(vertices(np.zeros((1, MODEL_DIM)))[0], vertices, lambda _: parts)


def _of_flame(identity: np.ndarray) -> Mesher:
    import torch  # takes seconds, and the other backends need none

    from l2l.faces.flame import EXPRESSION, SHAPE, Flame

    flame = Flame()
    shape = torch.from_numpy(identity.astype(np.float32))[None]  # (1, 100)
    triangles = flame.triangles.numpy()

    @torch.inference_mode()
    def vertices(faces: np.ndarray) -> np.ndarray:
        values = torch.from_numpy(np.ascontiguousarray(faces[:, :MODEL_DIM], np.float32))
        head = flame(shape.expand(len(values), SHAPE), values[:, :EXPRESSION], values[:, EXPRESSION:])
        return head.numpy().astype(np.float64) * [1, -1, -1]  # from y up, z towards the camera

    def parts(vertices: np.ndarray) -> dict[str, np.ndarray]:
        # FLAME's mouth is open to the inside of the head: a triangle seen from behind is seen through the mouth.
        a, b, c = np.moveaxis(vertices[triangles][..., :2], 1, 0)  # (F, 2) each
        (x1, y1), (x2, y2) = (b - a).T, (c - a).T
        outside = x1 * y2 - x2 * y1 < 0
        return {"skin": triangles[outside], "mouth": triangles[~outside]}

    return Mesher(vertices(np.zeros((1, MODEL_DIM)))[0], vertices, parts)
