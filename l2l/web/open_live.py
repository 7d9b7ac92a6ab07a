"""From a person's results to the page that talks to them."""

import tempfile
from pathlib import Path

import numpy as np

from l2l.config import Settings
from l2l.errors import UserError
from l2l.faces.face_landmarker import SHAPES
from l2l.faces.geometry import COMPONENTS
from l2l.faces.store import Faces, backend_of, basis_of, load_faces, read_basis
from l2l.live.session import Session
from l2l.patches.checkpoint import load_codebook, load_models
from l2l.patches.live import Listener
from l2l.recordings.table import with_pictures
from l2l.sides import Side, other
from l2l.units import MODEL_DIM
from l2l.video.media import add_sound
from l2l.web.live import Live, Person
from l2l.web.serve import serve


def live(
    results: Path,
    settings: Settings,
    person: str | None = None,
    sample: Path | None = None,
    recordings: Path = Path("data/raw/live"),
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
    if person is not None and person not in models.people:
        known = ", ".join(models.people) or "one person, and no name"
        raise UserError(f"{results} knows {known}; leave --person out.")
    names: list[str | None] = [person] if person else [*models.people] or [None]
    bases = {name: basis_of(results, name) for name in names}
    people = {name: Person.of(basis, _looks(basis, side)) for name, basis in bases.items()}

    def session(name: str | None, seed: int) -> Session:
        return Session(Listener(models, seed, person=name), bases[name], settings)

    with tempfile.TemporaryDirectory() as scratch:
        played = None
        if found := sample or _a_recording(bases[names[0]].parent):
            played = Path(scratch) / "sample.mp4"
            add_sound(found / "video.mp4", found / "audio.wav", played)
        session(names[0], 0).warm()
        page = Live(results.name, people, session, recordings, played, other(side))
        serve(page.app(), host, port, browser)


def _a_recording(results: Path) -> Path | None:
    """The folder of a recording whose pictures were kept, a test recording if there is one."""
    rows = with_pictures(results) if (results / "preprocess.tsv").is_file() else []
    return results / "videos" / rows[0].name if rows else None


def _looks(basis: Path, side: Side) -> Faces:
    """The listener at rest: as one of their recordings shows them, else the average face of the basis."""
    for faces in sorted((basis.parent / "videos").glob(f"*/faces_{side}.npz")):
        return load_faces(faces)
    backend = backend_of(basis)
    (neutral,) = read_basis(basis, backend, "template")
    rest = None
    if backend == "blendshapes":
        neutral = np.concatenate([neutral[None], np.zeros((COMPONENTS - 1, *neutral.shape))])
        rest = np.zeros(len(SHAPES), np.float32)
    none = np.zeros((0, MODEL_DIM), np.float32), np.zeros(0, bool), np.zeros(0, np.int32)
    return Faces(*none, neutral, rest, backend)
