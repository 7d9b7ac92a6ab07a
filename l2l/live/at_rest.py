"""A listener at rest, as their motion is drawn and sent: from one of their recordings, else the basis' average face."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from l2l.dataset.layout import SPLITS, load_chunks
from l2l.dataset.seats import recording_folder, seat_of
from l2l.dataset.together import BETWEEN
from l2l.errors import UserError
from l2l.faces.face_landmarker import SHAPES
from l2l.faces.geometry import COMPONENTS
from l2l.faces.store import Faces, backend_of, basis_of, load_faces, read_basis
from l2l.recordings.table import read_table
from l2l.sides import Side
from l2l.training.checkpoint import read_checkpoint
from l2l.units import MODEL_DIM


def at_rest(results: Path, person: str | None = None) -> Faces:
    """`person` is one of several whom the models know; their windows lie in data/ beside results/.

    The average face has no frames. Raises UserError when codebook.pt or face_basis.npz is missing.
    """
    basis = basis_of(results, person)
    side: Side = read_checkpoint(results / "codebook.pt", "codebook")["listener"]
    known = _of_several(results, person, side) if person else _of_one(results, side)
    if path := next(filter(Path.is_file, known), None):
        return load_faces(path)
    backend = backend_of(basis)
    (neutral,) = read_basis(basis, backend, "template")
    rest = None
    if backend == "blendshapes":
        neutral = np.concatenate([neutral[None], np.zeros((COMPONENTS - 1, *neutral.shape))])
        rest = np.zeros(len(SHAPES), np.float32)
    none = np.zeros((0, MODEL_DIM), np.float32), np.zeros(0, bool), np.zeros(0, np.int32)
    return Faces(*none, neutral, rest, backend)


def _of_one(results: Path, side: Side) -> Iterator[Path]:
    """Faces files of the person whose results these are."""
    table = results / "preprocess.tsv"
    if not table.is_file():
        yield from sorted((results / "videos").glob(f"*/faces_{side}.npz"))
        return
    for row in read_table(table):
        yield results / "videos" / row.name / f"faces_{row.listener or side}.npz"


def _of_several(results: Path, person: str, side: Side) -> Iterator[Path]:
    """Faces files of one of several people, who may sit elsewhere than in the windows."""
    for split in SPLITS:
        try:
            windows = load_chunks(results.resolve().parents[1] / "data" / results.resolve().name, split, side)
        except UserError:  # the windows need not be kept
            continue
        for name in dict.fromkeys(windows.videos.tolist()):
            folder = recording_folder(results, name)
            if name.startswith(f"{person}{BETWEEN}") and folder.is_dir() and (seat := seat_of(folder, windows, name)):
                yield folder / f"faces_{seat}.npz"
