"""glb: a head with its shapes as morph targets and the take as an animation, for Blender, three.js and game engines.

- glTF's axes: x to the person's left, y up, z out of the face, metres. The node `Head` turns about a point between the
  ears.
- The head without any shape is the person at rest. So weights are those above rest, and may be a little below 0.
- Of blendshapes, the targets are ARKit's 52 by name (`head.py`). Lids are closed where the previews have them closed.
  Whose face is not known - arrays have none - gets an average one.
- Of landmarks, the targets are the person's own directions and the jaw.
"""

from pathlib import Path

import numpy as np
import pygltflib as gltf

from l2l.dataset.layout import EXPRESSION, JAW
from l2l.errors import UserError
from l2l.export.head import Head, head_of
from l2l.export.sculpt import JAW_OPEN, JAW_SIDEWAYS
from l2l.export.take import Take
from l2l.faces.columns import ARKIT, SHAPES
from l2l.faces.eyes import CLOSED
from l2l.faces.face_landmarker import canonical_face
from l2l.faces.geometry import COMPONENTS, FaceBasis, jaw_moved
from l2l.faces.landmarks import load_basis
from l2l.files import atomic
from l2l.raster import vertex_normals
from l2l.units import FPS
from l2l.video.mesh import LANDMARKS

METRES = 0.09  # of an outer-eye distance
_FLIP = np.array([1.0, -1.0, -1.0])
_JAW = {"jaw_x": (0.3, 0.0, 0.0), "jaw_y": (0.0, 0.15, 0.0)}  # radians of a target in full
COLOURS = {  # linear RGB
    "skin": (0.60, 0.36, 0.26),
    "lips": (0.45, 0.16, 0.14),
    "brows": (0.10, 0.06, 0.04),
    "hair": (0.10, 0.06, 0.04),
    "mouth": (0.05, 0.01, 0.01),
    "teeth": (0.80, 0.78, 0.70),
    "tongue": (0.75, 0.30, 0.30),
    "white": (0.85, 0.85, 0.83),
    "iris": (0.12, 0.20, 0.28),
    "pupil": (0.01, 0.01, 0.01),
    "reflection": (1.0, 1.0, 1.0),
}


def write(take: Take, out: Path) -> None:
    """Write one take of backend blendshapes or landmarks. Raises UserError where the latter's basis is not known."""
    head, targets, weights = _named(take) if take.backend == "blendshapes" else _own(take)
    with atomic(out) as partial:
        document(take, head, targets, weights).save_binary(partial)


def _named(take: Take) -> tuple[Head, dict[str, np.ndarray], np.ndarray]:
    """The head, what each of ARKit's shapes adds to it (V, 3), and the weights (T, 52)."""
    head = head_of(take.at_rest.neutral[0].astype(np.float64) if take.at_rest else canonical_face())
    return head, head.shapes(), above_rest(take.motion)


def above_rest(motion: np.ndarray) -> np.ndarray:
    """Named shapes (T, 56) -> weights (T, 52) in the order of `ARKIT` that a head at rest takes."""
    weights = np.zeros((len(motion), len(ARKIT)))
    weights[:, [ARKIT.index(name) for name in SHAPES]] = motion[:, : len(SHAPES)]
    blinks = [ARKIT.index(f"eyeBlink{side}") for side in ("Left", "Right")]
    weights[:, blinks] = np.minimum(weights[:, blinks] / CLOSED, 1)
    opened, to_the_right = motion[:, JAW.start], motion[:, JAW.start + 1]
    weights[:, ARKIT.index("jawOpen")] = opened / JAW_OPEN
    weights[:, ARKIT.index("jawRight")] = np.maximum(to_the_right, 0) / JAW_SIDEWAYS
    weights[:, ARKIT.index("jawLeft")] = np.maximum(-to_the_right, 0) / JAW_SIDEWAYS
    return weights


def _own(take: Take) -> tuple[Head, dict[str, np.ndarray], np.ndarray]:
    """As `_named`, of the person's own directions, and of the jaw."""
    if not take.at_rest:
        raise UserError(f"{take.name}: this face at rest is not known, so there is no head to draw; take csv or bvh.")
    if not take.basis:
        raise UserError(f"{take.name}: glb needs this person's directions; name their face_basis.npz with --basis.")
    known, rest = load_basis(take.basis), take.at_rest.neutral.astype(np.float64)
    head = head_of(rest)
    moved = {f"expression_{k}": part.reshape(-1, 3) for k, part in enumerate(known.components)}
    moved |= {name: jaw_moved(rest, np.array([turn]), known)[0] - rest for name, turn in _JAW.items()}
    jaw = take.motion[:, JAW][:, :2] / [max(turn) for turn in _JAW.values()]
    weights = np.concatenate([take.motion[:, EXPRESSION], jaw], axis=1)
    return head, {name: head.follow(part) for name, part in moved.items()}, weights


def document(take: Take, head: Head, targets: dict[str, np.ndarray], weights: np.ndarray) -> gltf.GLTF2:
    """The whole file: one node with one mesh, a primitive for each material, and one animation."""
    hinge = FaceBasis(head.vertices[:LANDMARKS], np.zeros((COMPONENTS, 3 * LANDMARKS))).hinge
    buffer, floats = _Buffer(), gltf.ARRAY_BUFFER
    at_rest = buffer.add((head.vertices - hinge) * _FLIP * METRES, gltf.VEC3, floats)
    every = np.concatenate(list(head.parts.values()))
    normals = buffer.add(vertex_normals(head.vertices, every) * _FLIP, gltf.VEC3, floats)
    moved = [{"POSITION": buffer.add(part * _FLIP * METRES, gltf.VEC3, floats)} for part in targets.values()]
    materials, primitives = [], []
    for number, (part, corners) in enumerate(head.parts.items()):
        colour = gltf.PbrMetallicRoughness(
            baseColorFactor=[*COLOURS[part], 1.0], metallicFactor=0.0, roughnessFactor=0.7
        )
        materials.append(gltf.Material(name=part, pbrMetallicRoughness=colour, doubleSided=True))
        indices = buffer.add(corners.reshape(-1).astype(np.uint32), gltf.SCALAR, gltf.ELEMENT_ARRAY_BUFFER)
        attributes = gltf.Attributes(POSITION=at_rest, NORMAL=normals)
        primitives.append(gltf.Primitive(attributes=attributes, indices=indices, material=number, targets=moved))
    times = buffer.add(np.arange(len(take)) / FPS, gltf.SCALAR)
    turned = buffer.add(continuous(take.head().as_quat()), gltf.VEC4)
    shown = buffer.add(weights.reshape(-1), gltf.SCALAR)
    channels = [
        gltf.AnimationChannel(sampler=k, target=gltf.AnimationChannelTarget(node=0, path=path))
        for k, path in enumerate(("rotation", "weights"))
    ]
    samplers = [gltf.AnimationSampler(input=times, output=output) for output in (turned, shown)]
    face = gltf.Mesh(
        name="Head", primitives=primitives, weights=[0.0] * len(targets), extras={"targetNames": list(targets)}
    )
    found = gltf.GLTF2(
        asset=gltf.Asset(generator="l2l"),
        scene=0,
        scenes=[gltf.Scene(nodes=[0])],
        nodes=[gltf.Node(name="Head", mesh=0)],
        meshes=[face],
        materials=materials,
        animations=[gltf.Animation(name=take.name, channels=channels, samplers=samplers)],
        accessors=buffer.accessors,
        bufferViews=buffer.views,
        buffers=[gltf.Buffer(byteLength=len(buffer.data))],
    )
    found.set_binary_blob(bytes(buffer.data))
    return found


def continuous(quaternions: np.ndarray) -> np.ndarray:
    """Unit quaternions (T, 4), none of them turned against the one before: players interpolate the short way."""
    against = (quaternions[1:] * quaternions[:-1]).sum(1) < 0
    signs = np.cumprod(np.concatenate([[1.0], np.where(against, -1.0, 1.0)]))
    return quaternions * signs[:, None]


class _Buffer:
    """The file's numbers, one view and one accessor for each array."""

    def __init__(self) -> None:
        self.data, self.views, self.accessors = bytearray(), list[gltf.BufferView](), list[gltf.Accessor]()

    def add(self, values: np.ndarray, kind: str, target: int | None = None) -> int:
        """Add an array; the number of its accessor. Whole numbers are indices, all others 32-bit floats."""
        whole = values.dtype == np.uint32
        values = values if whole else values.astype(np.float32)
        self.views.append(gltf.BufferView(buffer=0, byteOffset=len(self.data), byteLength=values.nbytes, target=target))
        self.data += values.tobytes()  # all of them are 4 bytes long, so that each begins where it must
        rows = values.reshape(len(values), -1)
        self.accessors.append(
            gltf.Accessor(
                bufferView=len(self.views) - 1,
                componentType=gltf.UNSIGNED_INT if whole else gltf.FLOAT,
                count=len(values),
                type=kind,
                min=rows.min(0).tolist(),
                max=rows.max(0).tolist(),
            )
        )
        return len(self.accessors) - 1
