"""Commands to look: at recordings before a run, and at what a run has made."""

from pathlib import Path
from typing import Annotated

from l2l.cli.options import DEFAULTS, Options, Paths, about
from l2l.errors import UserError
from l2l.sides import Side


def report(
    results: Annotated[Path, about("a person's folder of results, however far the run has come")],
    /,
    *,
    chunks: Annotated[Path | None, about("folder of the windows; default: data/<person> beside results/")] = None,
    listener: Annotated[Side | None, about("where the listener sits; default: as eval.json says")] = None,
    out: Annotated[Path | None, about("default: report.html in the folder of results")] = None,
    options: Options = DEFAULTS,
) -> None:
    """Make a page that explains a run: report.html."""
    from l2l.report.page import write_report

    data = results.resolve().parents[1] / "data" / results.resolve().name
    print(write_report(results, chunks or data, options.read(), listener, out or results / "report.html"))


def check(
    videos: Annotated[Paths, about("recordings of two people, or folders of them")],
    /,
    *,
    out: Annotated[Path, about("a page with a contact sheet")] = Path("check.html"),
    options: Options = DEFAULTS,
) -> None:
    """Look at recordings for a minute, before anything is run."""
    from l2l.recordings import pairs
    from l2l.recordings.recordings import in_folder
    from l2l.report.check import check

    files: list[Path] = []
    for path in videos:
        if path.is_dir() and not pairs.is_pair(path):
            files += [Path(recording.path) for recording in in_folder(path)]
        else:
            files.append(path)
    if not files:
        raise UserError("name recordings, or folders of them.")
    found = check(files, out, options.read())
    for video in found:
        for line in video.warnings or ["nothing amiss was seen."]:
            print(video.failed or f"{video.path}: {line}")
    print(out)
    if failed := sum(bool(video.failed) for video in found):
        raise UserError(f"{failed} of {len(found)} recordings cannot be used; mend them, or leave them out.")
