"""DECA's folder data/ as plain arrays: what its landmarks and its detail need beside FLAME.

Convert it once with `l2l weights import-deca-data DECA/data`. Nothing of it may be passed on (see third_party).
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from l2l.errors import UserError
from l2l.faces.flame import Landmarks
from l2l.files import save_npz
from l2l.weights import catalogue as weights
from l2l.weights.flame_import import TRIANGLES, VERTICES, read_pickle

MAP = 256  # pixels of a UV map, both ways
# Name in landmark_embedding.npy, shape; a first axis of one is dropped.
_EMBEDDING = {
    "static_lmk_faces_idx": (51,),
    "static_lmk_bary_coords": (51, 3),
    "dynamic_lmk_faces_idx": (79, 17),
    "dynamic_lmk_bary_coords": (79, 17, 3),
    "full_lmk_faces_idx": (68,),
    "full_lmk_bary_coords": (68, 3),
}


@dataclass(frozen=True)
class DecaData:
    """The arrays of deca_data.npz."""

    landmarks: Landmarks
    uv: Tensor  # (5118, 2) places on the UV map, 0..1, v up
    uv_triangles: Tensor  # (9976, 3) into uv; triangle k is FLAME's triangle k
    displacement: Tensor  # (256, 256) metres along the normal, the same for every face
    face_mask: Tensor  # (256, 256) 1 where the face may have detail, 0 at the eyes and beyond the face


def load_deca_data(path: Path | None = None) -> DecaData:
    """Read `path`, else the file among the weights. Raises UserError when it is missing or no such file."""
    path = path or weights.find("deca_data", "flame/deca_data.npz")
    try:
        with np.load(path, allow_pickle=False) as file:
            values = {name: torch.from_numpy(file[name]) for name in file.files}
        parts = [
            (values[f"{name}_lmk_faces_idx"], values[f"{name}_lmk_bary_coords"])
            for name in ("static", "dynamic", "full")
        ]
        return DecaData(Landmarks(*parts), *(values[n] for n in ("uv", "uv_triangles", "displacement", "face_mask")))
    except (OSError, ValueError, KeyError) as error:
        raise UserError(
            f"{path} is not a deca_data.npz ({error}); make it with `l2l weights import-deca-data`."
        ) from None


def import_deca_data(folder: Path, out: Path) -> None:
    """Convert DECA's folder data/ to `out` (.npz). Raises UserError naming the file that is not as it should be."""
    arrays = _embedding(folder / "landmark_embedding.npy") | _template(folder / "head_template.obj")
    displacement = folder / "fixed_displacement_256.npy"
    try:
        found = np.load(displacement, allow_pickle=False)
    except (OSError, ValueError):
        raise UserError(f"{displacement} is missing or cut off; give the folder data/ of DECA.") from None
    if found.shape != (MAP, MAP) or found.dtype.kind != "f":
        raise UserError(f"{displacement} has shape {found.shape}, not {(MAP, MAP)}; give the folder data/ of DECA.")
    picture = folder / "uv_face_eye_mask.png"
    mask = cv2.imread(str(picture), cv2.IMREAD_GRAYSCALE)
    if mask is None:
        raise UserError(f"{picture} is missing or no picture; give the folder data/ of DECA.")
    if mask.shape != (MAP, MAP):
        mask = cv2.resize(mask, (MAP, MAP), interpolation=cv2.INTER_NEAREST)
    save_npz(out, **arrays, displacement=found.astype(np.float32), face_mask=mask.astype(np.float32) / 255)


def _embedding(path: Path) -> dict[str, np.ndarray]:
    """The landmark embedding: a numpy file around a pickle, with torch tensors in it."""
    try:
        with open(path, "rb") as file:
            version = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            read(file)
            start = file.tell()
    except (OSError, ValueError):
        raise UserError(f"{path} is missing or no numpy file; give the folder data/ of DECA.") from None
    found = read_pickle(path, start)
    arrays = {}
    for name, shape in _EMBEDDING.items():
        array = found.get(name) if isinstance(found, dict) else None
        if isinstance(array, np.ndarray) and array.shape == (1, *shape):
            array = array[0]
        if not isinstance(array, np.ndarray) or array.shape != shape:
            raise UserError(f"{path}: {name!r} is missing or not of shape {shape}; give the folder data/ of DECA.")
        arrays[name] = array.astype(np.float32 if name.endswith("coords") else np.int64)
        if name.endswith("idx") and not 0 <= array.min() <= array.max() < TRIANGLES:
            raise UserError(f"{path}: {name!r} names triangles that do not exist; give the folder data/ of DECA.")
    return arrays


def _template(path: Path) -> dict[str, np.ndarray]:
    """The UV map of a Wavefront file: places (n, 2) and, of each triangle, its three places."""
    places, corners, vertices = [], [], 0
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            kind, *words = line.split() or [""]
            if kind == "v":
                vertices += 1
            elif kind == "vt":
                places.append([float(word) for word in words[:2]])
            elif kind == "f":
                corners.append([int(word.split("/")[1]) - 1 for word in words])
        uv, triangles = np.array(places, np.float32), np.array(corners, np.int64)
    except (OSError, ValueError, IndexError):
        raise UserError(f"{path} is missing or no mesh with a UV map; give the folder data/ of DECA.") from None
    if (
        vertices != VERTICES
        or triangles.shape != (TRIANGLES, 3)
        or not 0 <= triangles.min() <= triangles.max() < len(uv)
    ):
        raise UserError(
            f"{path} has {vertices} vertices and {len(corners)} triangles, not {VERTICES} and {TRIANGLES}; "
            "give the folder data/ of DECA."
        )
    return {"uv": uv, "uv_triangles": triangles}
