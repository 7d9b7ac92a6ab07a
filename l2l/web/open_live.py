"""From a person's results to the page that talks to them."""

from pathlib import Path

from l2l.config import Settings
from l2l.errors import UserError
from l2l.faces.store import basis_of
from l2l.files import scratch
from l2l.live.livelink import LiveLink
from l2l.live.people import at_rest, recordings_of
from l2l.live.session import Session
from l2l.patches.checkpoint import load_codebook, load_models
from l2l.patches.live import Listener
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
    avatar = LiveLink(livelink, results, names[0]) if livelink else None
    bases = {name: basis_of(results, name) for name in names}
    people = {name: Person.of(basis, at_rest(results, name)) for name, basis in bases.items()}

    def session(name: str | None, seed: int) -> Session:
        return Session(Listener(models, seed, person=name), bases[name], settings)

    with scratch() as temporary:
        played, seat = None, side
        if found := recording_to_play(results, names[0], sample):
            folder, seat = found
            played = temporary / "sample.mp4"
            add_sound(folder / "video.mp4", folder / "audio.wav", played)
        session(names[0], 0).warm()
        page = Live(results.name, people, session, recordings, played, other(seat), avatar)
        serve(page.app(), host, port, browser)


def recording_to_play(results: Path, person: str | None, chosen: Path | None) -> tuple[Path, Side] | None:
    """The folder of a recording whose pictures were kept, the `chosen` one or the first, and where the person sits."""
    for folder, seat in recordings_of(results, person):
        if folder.resolve() == chosen.resolve() if chosen else (folder / "video.mp4").is_file():
            return folder, seat
    return (chosen, load_codebook(results / "codebook.pt")[2]["listener"]) if chosen else None
