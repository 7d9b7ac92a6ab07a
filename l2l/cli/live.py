"""Commands that serve a page to this machine's browser."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from l2l.cli.options import DEFAULTS, Options, about


def live(
    results: Annotated[Path, about("a person's folder of results, with codebook.pt and predictor.pt")],
    /,
    *,
    person: Annotated[str | None, about("who listens, where the models know several people")] = None,
    sample: Annotated[
        Path | None, about("folder of a preprocessed recording to play; default: a test recording")
    ] = None,
    recordings: Annotated[Path, about("where conversations go that you record")] = Path("data/raw/live"),
    host: Annotated[
        str, about("address to serve on; others than this machine can reach it only if you say so")
    ] = "127.0.0.1",
    port: Annotated[int, about("0: a free one")] = 0,
    browser: Annotated[bool, Parameter(help="open the page", negative="--no-browser")] = True,
    livelink: Annotated[
        str | None, about("HOST:PORT that gets the listener's motion as Live Link Face packets; default: nobody")
    ] = None,
    options: Options = DEFAULTS,
) -> None:
    """Talk to a trained listener in the browser, by camera and microphone."""
    from l2l.web.open_live import live

    live(results, options.read(), person, sample, recordings, host, port, browser, livelink)


def view(
    results: Annotated[Path, about("a person's folder of results, with models and recordings")],
    /,
    *,
    host: Annotated[str, about("address to serve on")] = "127.0.0.1",
    port: Annotated[int, about("0: a free one")] = 0,
    browser: Annotated[bool, Parameter(help="open the page", negative="--no-browser")] = True,
) -> None:
    """See recordings beside their true listener and one that is drawn anew as you turn a slider."""
    from l2l.web.view import view

    view(results, host, port, browser)
