"""Whose listener it is: the recordings of one person, or of one of several whom the models know, and their face."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from l2l.dataset.layout import Split, load_chunks
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


def recordings_of(results: Path, person: str | None = None) -> Iterator[tuple[Path, Side]]:
    """Folders of a person's measured recordings, those for testing first, and where the person sits in each.

    `person` is one of several whom the models know; their windows lie in data/ beside results/, and where they are not
    kept, no recording is known. Raises UserError when codebook.pt is missing.
    """
    side: Side = read_checkpoint(results / "codebook.pt", "codebook")["listener"]
    table = results / "preprocess.tsv"
    if person:
        yield from _of_several(results, person, side)
    elif table.is_file():
        for row in sorted(read_table(table), key=lambda row: (row.split != "test", row.name)):
            if row.status == "ok":
                yield results / "videos" / row.name, row.listener or side
    else:
        yield from ((folder, side) for folder in sorted((results / "videos").glob("*")))


def _of_several(results: Path, person: str, side: Side) -> Iterator[tuple[Path, Side]]:
    """In the windows everybody sits at `side`; in the recordings, elsewhere perhaps."""
    data = results.resolve().parents[1] / "data" / results.resolve().name
    splits: tuple[Split, Split] = ("test", "train")
    for split in splits:
        try:
            windows = load_chunks(data, split, side)
        except UserError:  # they need not be kept
            continue
        for name in dict.fromkeys(windows.videos.tolist()):
            folder = recording_folder(results, name)
            if name.startswith(f"{person}{BETWEEN}") and folder.is_dir() and (seat := seat_of(folder, windows, name)):
                yield folder, seat


def at_rest(results: Path, person: str | None = None) -> Faces:
    """A person's face at rest, as motion is drawn with and sent: from a recording, else the basis' average face.

    The average face has no frames. Raises UserError when codebook.pt or face_basis.npz is missing.
    """
    basis = basis_of(results, person)
    backend = backend_of(basis)
    known = (folder / f"faces_{seat}.npz" for folder, seat in recordings_of(results, person))
    if path := next(filter(Path.is_file, known), None):
        faces = load_faces(path)
        if faces.backend != backend:
            raise UserError(f"{path} is of faces.backend {faces.backend}, {basis} of {backend}; make the faces again.")
        return faces
    (neutral,) = read_basis(basis, backend, "template")
    rest = None
    if backend == "blendshapes":
        neutral = np.concatenate([neutral[None], np.zeros((COMPONENTS - 1, *neutral.shape))])
        rest = np.zeros(len(SHAPES), np.float32)
    none = np.zeros((0, MODEL_DIM), np.float32), np.zeros(0, bool), np.zeros(0, np.int32)
    return Faces(*none, neutral, rest, backend)
