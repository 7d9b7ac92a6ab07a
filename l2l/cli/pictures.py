"""Commands to look at a listener."""

from pathlib import Path
from typing import Annotated

from l2l.cli.options import DEFAULTS, Basis, Chunks, Listener, Options, Out, Samples, Videos, about
from l2l.errors import UserError


def preview(
    videos: Videos,
    /,
    *,
    chunks: Chunks,
    samples: Samples,
    basis: Basis,
    listener: Listener,
    out: Out,
    options: Options = DEFAULTS,
) -> None:
    """Show a test recording beside its true and its sampled listener: preview.mp4."""
    from l2l.pictures.preview import write_preview

    write_preview(videos, chunks, samples, basis, listener, out, options.read().preview.seconds)


def listen(
    video: Path,
    /,
    *,
    person: Annotated[str | None, about("whose listener: the models in results/<person>/")] = None,
    results: Annotated[Path | None, about("the folder of the models, in place of --person")] = None,
    name: Annotated[str | None, about("which of the people, where the models know several")] = None,
    listener: Listener | None = None,
    out: Out,
    options: Options = DEFAULTS,
) -> None:
    """Let a trained listener answer a recording of two people, as if live: a video of both."""
    from l2l.pictures.listen import listen

    if results is None and person is None:
        raise UserError("say whose listener it is: --person NAME, for results/NAME/, or --results FOLDER.")
    listen(video, results or Path("results") / str(person), out, options.read(), name, listener)
