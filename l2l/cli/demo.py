"""Commands for the demo: a generated conversation, and how well it was measured."""

from pathlib import Path

from l2l.cli.options import DEFAULTS, Options


def demo_video(out: Path, /, *, only: tuple[int, ...] = (), options: Options = DEFAULTS) -> None:
    """Write the recordings of a generated conversation.

    Args:
        out: folder for the recordings and their truth
        only: numbers of the recordings to write; default: all
    """
    from l2l.demo.recording import write_recording

    settings = options.read()
    for index in only or range(settings.demo.recordings):
        write_recording(out, index, settings)


def accuracy(truth: Path, /, *, videos: Path, out: Path) -> None:
    """Compare what was measured on the demo with its truth.

    Args:
        truth: folder of demo-video
        out: accuracy.json
    """
    from l2l.demo.accuracy import write_accuracy

    write_accuracy(truth, videos, out)
