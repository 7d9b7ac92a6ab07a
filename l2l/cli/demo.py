"""Commands for the demo: a generated conversation, and how well it was measured."""

from pathlib import Path
from typing import Annotated

from l2l.cli.options import DEFAULTS, Options, Out, Videos, about


def demo_video(
    out: Out, /, *, only: Annotated[int | None, about("the one recording to write")] = None, options: Options = DEFAULTS
) -> None:
    """Write the recordings of a generated conversation, and its truth."""
    from l2l.demo.recording import write_recording

    settings = options.read()
    for index in range(settings.demo.recordings) if only is None else [only]:
        write_recording(out, index, settings)


def accuracy(truth: Annotated[Path, about("folder of demo-video")], /, *, videos: Videos, out: Out) -> None:
    """Compare what was measured on the demo with its truth: accuracy.json."""
    from l2l.demo.accuracy import write_accuracy

    write_accuracy(truth, videos, out)
