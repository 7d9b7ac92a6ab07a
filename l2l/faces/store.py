"""faces_left.npz, faces_right.npz: written by every faces backend and read by every later step.

Each backend writes arrays of its own into face_basis.npz; all of them write the backend's name.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from l2l.arrays import TEXT, Array, Npz, open_npz
from l2l.errors import UserError
from l2l.faces.columns import SHAPES, columns_of
from l2l.files import save_npz
from l2l.units import FACE_DIM, MODEL_DIM
from l2l.video.mesh import LANDMARKS

# Frames T, columns C; what a person at rest is, by backend (see `Faces`); arrays of a face_basis.npz.
_ARRAYS = {"faces": Array(("T", "C")), "valid": Array(("T",), "b"), "segment": Array(("T",), "i")}
_NEUTRAL = {
    "landmarks": Array((LANDMARKS, 3)),
    "blendshapes": Array((50, LANDMARKS, 3)),
    "deca": Array((100,)),
}
_BASIS = {"template": Array((LANDMARKS, 3)), "components": Array((50, 3 * LANDMARKS)), "landmarks": TEXT}


@dataclass(frozen=True)
class Faces:
    """One person of a recording."""

    faces: np.ndarray  # (T, 56) float32: expression 50, head rotation 3, jaw 3; of deca (T, 184), with the detail code
    valid: np.ndarray  # (T,) bool
    segment: np.ndarray  # (T,) int32: number of the scene
    # The person at rest, as the backend knows it: (468, 3) a mesh; blendshapes: (50, 468, 3) the mesh and what each
    # shape and the jaw add to it; deca: (100,) identity in FLAME.
    neutral: np.ndarray
    rest: np.ndarray | None = None  # blendshapes: (52,) weights at rest, which were taken off
    backend: str = "landmarks"

    def __len__(self) -> int:
        return len(self.faces)


def write_faces(
    path: str | Path,
    faces: np.ndarray,
    valid: np.ndarray,
    segment: np.ndarray,
    neutral: np.ndarray,
    backend: str = "landmarks",
    **more: np.ndarray,
) -> None:
    """Write the arrays of `Faces`, what the backend adds, and what the columns are (`l2l.faces.columns`)."""
    columns = columns_of(backend)[: faces.shape[1]]
    arrays = {"faces": faces.astype(np.float32), "neutral": neutral.astype(np.float32), **more}
    arrays |= {"backend": np.array(backend), "columns": np.array([column.name for column in columns])}
    arrays |= {"units": np.array([column.unit for column in columns])}
    save_npz(path, **arrays, valid=valid.astype(bool), segment=segment.astype(np.int32))


def write_motion(path: Path, motion: np.ndarray, like: Faces, probability: np.ndarray, **more: np.ndarray) -> None:
    """Write a listener's motion (T, 56), NaN where there is none, as a faces file of the person `like`.

    It also holds the `probability` (T, 2) that each person of the recording speaks, and `more`.
    """
    if like.rest is not None:
        more |= {"rest": like.rest, "shapes": np.array(SHAPES)}
    there = np.isfinite(motion[:, 0])
    more |= {"probability": probability}
    write_faces(path, np.nan_to_num(motion), there, like.segment, like.neutral, like.backend, **more)


def hold(faces: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Faces (T, C): each where it was seen (T,), else the last one seen before it, or the first that will be."""
    known = np.flatnonzero(seen)
    last = np.maximum(np.searchsorted(known, np.arange(len(faces)), side="right") - 1, 0)
    return np.asarray(faces[known[last]])


def load_faces(path: str | Path) -> Faces:
    """Raises UserError when the file is missing or damaged."""
    with open_faces(path) as file:
        backend = _backend(file)
        arrays = {name: file.read(name, wanted) for name, wanted in (_ARRAYS | {"neutral": _NEUTRAL[backend]}).items()}
        columns = arrays["faces"].shape[1]
        if columns not in (MODEL_DIM, FACE_DIM) or not len(arrays["faces"]):
            raise ValueError(f"faces has shape {arrays['faces'].shape}")
        return Faces(**arrays, rest=file.read("rest", Array((52,))) if "rest" in file else None, backend=backend)


def open_faces(path: str | Path) -> AbstractContextManager[Npz]:
    """A faces file, for what some of them hold besides."""
    return open_npz(path, "a faces file", "l2l faces")


def backend_of(basis: str | Path) -> str:
    """The faces backend that made a face_basis.npz. Raises UserError when the file is missing or damaged."""
    with _open_basis(basis) as file:
        return _backend(file)


def _backend(file: Npz) -> str:
    found = file.read("backend", TEXT).item() if "backend" in file else "landmarks"  # files of older versions
    if found not in _NEUTRAL:
        raise ValueError(f"it is of faces.backend {found!r}")
    return str(found)


def _open_basis(path: str | Path) -> AbstractContextManager[Npz]:
    return open_npz(path, "a face_basis.npz", "l2l fit-faces")


def basis_of(results: Path, person: str | None = None) -> Path:
    """face_basis.npz of a person's results; `person` is one of several in one model, whose results lie beside these.

    Raises UserError when it is missing.
    """
    basis = (results.parent / person if person else results) / "face_basis.npz"
    if not basis.is_file():
        raise UserError(f"{basis} is missing; make it with `l2l fit-faces` or the workflow.")
    return basis


def read_basis(path: str | Path, backend: str, *names: str) -> list[np.ndarray]:
    """Arrays of a face_basis.npz. Raises UserError when it is missing, damaged or of another backend."""
    if backend_of(path) != backend:
        raise UserError(
            f"{path} is of faces.backend {backend_of(path)}, not {backend}; make another with `l2l fit-faces`."
        )
    with _open_basis(path) as file:
        return [file.read(name, _BASIS[name]) for name in names]
