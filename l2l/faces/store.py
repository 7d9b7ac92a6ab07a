"""faces_left.npz, faces_right.npz: written by every faces backend and read by every later step.

Each backend writes arrays of its own into face_basis.npz; all of them write the backend's name.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from l2l.errors import UserError
from l2l.files import NpzWriter, atomic, map_npz, reading
from l2l.units import FACE_DIM

_BLOCK = 4096  # frames written at once


@dataclass(frozen=True)
class Faces:
    """One person of a recording."""

    faces: np.ndarray  # (T, 184) float32, memory-mapped; the last 128 (detail) are zeros when a backend has none
    valid: np.ndarray  # (T,) bool
    segment: np.ndarray  # (T,) int32: number of the scene
    neutral: np.ndarray  # the person at rest, as the backend knows it: (468, 3) a mesh; deca: (100,) identity in FLAME

    def __len__(self) -> int:
        return len(self.faces)


def write_faces(
    path: str | Path, faces: np.ndarray, valid: np.ndarray, segment: np.ndarray, neutral: np.ndarray
) -> None:
    """Write faces (T, 56 or 184) with their validity (T,), scenes (T,) and the person at rest."""

    def blocks():
        for start in range(0, len(faces), _BLOCK):
            block = np.zeros((min(_BLOCK, len(faces) - start), FACE_DIM), np.float32)
            block[:, : faces.shape[1]] = faces[start : start + _BLOCK]
            yield block

    with atomic(path) as partial, NpzWriter(partial) as writer:
        writer.add_blocks("faces", (len(faces), FACE_DIM), np.dtype(np.float32), blocks())
        writer.add("valid", valid.astype(bool))
        writer.add("segment", segment.astype(np.int32))
        writer.add("neutral", neutral.astype(np.float32))


def load_faces(path: str | Path) -> Faces:
    """Raises UserError when the file is missing or damaged."""
    with reading(path, "a faces file", "l2l faces"), np.load(path, allow_pickle=False) as file:
        return Faces(map_npz(path, "faces"), file["valid"], file["segment"], file["neutral"])


def backend_of(basis: str | Path) -> str:
    """The faces backend that made a face_basis.npz. Raises UserError when the file is missing or damaged."""
    with reading(basis, "a face_basis.npz", "l2l fit-faces"), np.load(basis, allow_pickle=False) as file:
        return str(file["backend"]) if "backend" in file else "landmarks"  # files of older versions do not say


def read_basis(path: str | Path, backend: str, *names: str) -> list[np.ndarray]:
    """Arrays of a face_basis.npz. Raises UserError when it is missing, damaged or of another backend."""
    if backend_of(path) != backend:
        raise UserError(
            f"{path} is of faces.backend {backend_of(path)}, not {backend}; make another with `l2l fit-faces`."
        )
    with reading(path, "a face_basis.npz", "l2l fit-faces"), np.load(path, allow_pickle=False) as file:
        return [file[name] for name in names]
