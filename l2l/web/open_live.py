"""From a person's results to the page that talks to them."""

import tempfile
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from l2l.config import Settings
from l2l.errors import UserError
from l2l.evaluation.events import Directions
from l2l.faces.face_landmarker import SHAPES
from l2l.faces.geometry import COMPONENTS
from l2l.faces.store import Faces, backend_of, load_faces, read_basis
from l2l.live.session import Session
from l2l.patches.checkpoint import load_codebook, load_models
from l2l.patches.live import Listener
from l2l.recordings.table import read_table
from l2l.sides import Side
from l2l.units import MODEL_DIM
from l2l.video.media import add_sound
from l2l.web.live import Live
from l2l.web.serve import serve


def live(
    results: Path,
    settings: Settings,
    person: str | None = None,
    sample: Path | None = None,
    recordings: Path | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    browser: bool = True,
) -> None:
    """Serve the page until Ctrl-C.

    `sample` is a folder of a preprocessed recording, to be played where there is no camera; None: the first test
    recording there is. Raises UserError when the models or the basis are missing.
    """
    models = load_models(results / "codebook.pt", results / "predictor.pt")
    side: Side = load_codebook(results / "codebook.pt")[2]["listener"]
    people = list(models.people)
    if person is not None and person not in people:
        raise UserError(f"{results} knows {', '.join(people) or 'one person, and no name'}; leave --person out.")
    people = [person] if person else people

    def folder_of(name: str | None) -> Path:
        """Where the basis and the recordings of one person lie."""
        folder = results.parent / name if name else results
        if not (folder / "face_basis.npz").is_file():
            raise UserError(f"{folder / 'face_basis.npz'} is missing; make it with `l2l fit-faces` or the workflow.")
        return folder

    names: list[str | None] = [*people] or [None]
    bases = {name: folder_of(name) / "face_basis.npz" for name in names}
    basis = next(iter(bases.values()))
    with ExitStack() as stack:
        played = None
        if found := sample or _a_recording(folder_of(people[0] if people else None)):
            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            played = scratch / "sample.mp4"
            add_sound(found / "video.mp4", found / "audio.wav", played)

        def session(name: str | None, seed: int) -> Session:
            return Session(Listener(models, seed, person=name), bases[name], settings)

        session(names[0], 0).warm()
        app = Live(
            session,
            lambda name: _looks(bases[name], folder_of(name), side),
            lambda name: bases[name],
            people,
            results.name,
            Directions.of(basis),
            recordings or Path("data/raw/live"),
            backend_of(basis),
            played,
            "right" if side == "left" else "left",
        ).app()
        serve(app, host, port, browser)


def _a_recording(results: Path) -> Path | None:
    """The folder of a recording whose pictures were kept, best of the test recordings."""
    table = results / "preprocess.tsv"
    rows = [row for row in read_table(table) if row.status == "ok"] if table.is_file() else []
    for row in sorted(rows, key=lambda row: row.split != "test"):
        folder = results / "videos" / row.name
        if (folder / "video.mp4").is_file() and (folder / "audio.wav").is_file():
            return folder
    return None


def _looks(basis: Path, results: Path, side: Side) -> Faces:
    """The listener at rest: as one of their recordings shows them, else the average face of the basis."""
    for faces in sorted((results / "videos").glob(f"*/faces_{side}.npz")):
        return load_faces(faces)
    (neutral,) = read_basis(basis, backend_of(basis), "template")
    rest = None
    if backend_of(basis) == "blendshapes":
        neutral = np.concatenate([neutral[None], np.zeros((COMPONENTS - 1, *neutral.shape))])
        rest = np.zeros(len(SHAPES), np.float32)
    return Faces(np.zeros((0, MODEL_DIM), np.float32), np.zeros(0, bool), np.zeros(0, np.int32), neutral, rest)
