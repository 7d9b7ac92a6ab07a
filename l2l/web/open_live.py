"""From a person's results to the page that talks to them."""

import tempfile
from pathlib import Path

from l2l.config import Settings
from l2l.errors import UserError
from l2l.faces.store import basis_of
from l2l.live.at_rest import at_rest
from l2l.live.livelink import LiveLink
from l2l.live.session import Session
from l2l.patches.checkpoint import load_codebook, load_models
from l2l.patches.live import Listener
from l2l.recordings.table import with_pictures
from l2l.sides import Side, other
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
    livelink: str | None = None,
) -> None:
    """Serve the page until Ctrl-C.

    `sample` is a folder of a preprocessed recording, to be played where there is no camera; None: the first test
    recording there is. `livelink` is where the listener's motion is sent, HOST:PORT; None: nowhere. Raises UserError
    when the models or the basis are missing.
    """
    models = load_models(results / "codebook.pt", results / "predictor.pt")
    side: Side = load_codebook(results / "codebook.pt")[2]["listener"]
    if person is not None and person not in models.people:
        known = ", ".join(models.people) or "one person, and no name"
        raise UserError(f"{results} knows {known}; leave --person out.")
    names: list[str | None] = [person] if person else [*models.people] or [None]
    bases = {name: basis_of(results, name) for name in names}
    people = {name: Person.of(basis, at_rest(results, name)) for name, basis in bases.items()}

    def session(name: str | None, seed: int) -> Session:
        return Session(Listener(models, seed, person=name), bases[name], settings)

    with tempfile.TemporaryDirectory() as scratch:
        played = None
        if found := sample or _a_recording(bases[names[0]].parent):
            played = Path(scratch) / "sample.mp4"
            add_sound(found / "video.mp4", found / "audio.wav", played)
        session(names[0], 0).warm()
        avatar = LiveLink(livelink, results, names[0]) if livelink else None
        page = Live(results.name, people, session, recordings, played, other(side), avatar)
        serve(page.app(), host, port, browser)


def _a_recording(results: Path) -> Path | None:
    """The folder of a recording whose pictures were kept, a test recording if there is one."""
    rows = with_pictures(results) if (results / "preprocess.tsv").is_file() else []
    return results / "videos" / rows[0].name if rows else None
