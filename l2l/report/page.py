"""report.html: one file that explains a run, opened from disk without a network.

- Templates fill it with autoescape on: a name is text, whatever it holds.
- Pictures and films are in it as data URIs; curves are drawn on a canvas by a few lines of our own (`pages/chart.js`).
  Plotly could draw them too, but its 4 MB would be more than all the rest of the page.
- What cannot be made is left out, with a sentence. The report never fails because something else did.
"""

from pathlib import Path
from typing import Any

from l2l.config import Settings
from l2l.errors import UserError
from l2l.evaluation.events import Directions
from l2l.evaluation.provenance import git_revision, versions
from l2l.files import atomic, scratch
from l2l.recordings.recordings import Recording
from l2l.report.cards import MOST, cards
from l2l.report.clips import TRUE, UNITS, Clip, clips, curves, events, people
from l2l.report.numbers import charts, codebook_use, table
from l2l.report.run import Run, read_run
from l2l.report.stills import jpeg, uri
from l2l.report.templates import fill
from l2l.report.verdict import verdict
from l2l.sides import Side
from l2l.units import FPS
from l2l.video.tracks import load_tracks


def write_report(results: Path, chunks: Path, settings: Settings, listener: Side | None, out: Path) -> Path:
    """Write the report of one person's results. Raises UserError when there is no such folder."""
    run = read_run(results, chunks, settings, listener)
    found = cards(run)
    shown = _films(run)
    report = run.evaluation
    html = fill(
        "report.html",
        person=run.person,
        verdict=verdict(run),
        run=run,
        totals=_totals(run.recordings),
        cards=found,
        most=MOST,
        clips=shown,
        units=UNITS,
        charts=charts(report) if report else [],
        table=table(report) if report else None,
        use=codebook_use(report) if report else [],
        versions=(report["versions"] if report else versions()) | _revision(report),
        left_out=(report or {}).get("left_out", {}),
    )
    with atomic(out) as partial:
        partial.write_text(html, encoding="utf-8")
    return out


def _revision(report: dict[str, Any] | None) -> dict[str, str]:
    revision = report.get("git_revision") if report else git_revision()
    return {"revision of l2l": revision[:12]} if revision else {}


def _totals(recordings: list[Recording]) -> list[tuple[str, int, float]]:
    """(what, number of recordings, minutes) of training, testing, and what is left out."""
    groups = {
        "for training": [r for r in recordings if r.status == "ok" and r.split == "train"],
        "for testing": [r for r in recordings if r.status == "ok" and r.split == "test"],
        "not divided yet": [r for r in recordings if r.status == "ok" and not r.split],
        "excluded by a setting": [r for r in recordings if r.status == "excluded"],
        "failed": [r for r in recordings if r.status == "failed"],
    }
    return [(what, len(of), sum(r.seconds or 0 for r in of) / 60) for what, of in groups.items() if of]


def _films(run: Run) -> list[dict[str, Any]]:
    """What the page needs of each clip; of what cannot be drawn, a sentence."""
    try:
        found = clips(run)
    except UserError as error:
        run.trouble.append(str(error))
        return []
    shown = []
    for clip in found:
        basis = (run.folder.parent / clip.person if clip.person else run.folder) / "face_basis.npz"
        directions = run.attempt(Directions.of, basis) or Directions.without_basis(clip.takes[TRUE])
        about = {
            "clip": clip,
            "data": {
                "seconds": len(clip) / FPS,
                "rate": FPS,
                "curves": curves(clip, directions),
                "units": UNITS,
                "events": events(clip, directions),
                "people": people(clip),
            },
        }
        shown.append(about | _film(run, clip, basis))
    return shown


def _film(run: Run, clip: Clip, basis: Path) -> dict[str, str]:
    """`video` and `poster` as data URIs; `why` where there is no video."""
    folder = run.of(clip.recording)
    if clip.neutral is None or not (folder / "video.mp4").exists():
        return {"why": "There is no video of this recording to show; the curves are what there is."}
    from l2l.faces.meshes import mesher_of  # torch takes seconds to import, and a run that failed early has no films
    from l2l.report.film import write_film

    try:
        mesher = mesher_of(basis, clip.neutral)
        with scratch() as temporary:
            path = temporary / "clip.mp4"
            poster = write_film(path, clip, folder, load_tracks(folder / "tracks.npz"), mesher)
            return {"video": uri("video/mp4", path.read_bytes()), "poster": jpeg(poster)}
    except UserError as error:
        return {"why": f"The faces cannot be drawn: {error}"}
