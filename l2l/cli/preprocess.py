"""The commands for many recordings at once: whole batches, and the table of what became of each."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

from l2l import backends
from l2l.cli.options import DEFAULTS, Names, Options, Paths
from l2l.errors import UserError
from l2l.sides import Side


def preprocess(
    recordings: Path,
    /,
    *,
    person: str | None = None,
    per_job: int = 10**6,
    batch: int = 0,
    test_videos: Names = (),  # names kept for testing
    fetched: Names = (),  # where files of addresses lie, in order
    keep: Literal["all", "needed"] = "all",
    out: Path,
    table: Path,
    options: Options = DEFAULTS,
) -> None:
    """Bring a batch of recordings from video to mel, all steps in one process."""
    from l2l.recordings.preprocessing import preprocess
    from l2l.recordings.recordings import batches, in_folder, in_sheet, split_of
    from l2l.recordings.summary import write_rows

    settings = options.read()
    everything = in_folder(recordings) if recordings.is_dir() else in_sheet(recordings, person or out.parent.name)
    parts = split_of(everything, list(test_videos), settings.chunking.test_share)
    chosen = batches(len(everything), per_job)
    if not 0 <= batch < len(chosen):
        raise UserError(f"--batch {batch}: there are {len(chosen)} batches, numbered from 0.")
    mine = [everything[number] for number in chosen[batch]]
    if fetched:
        if len(fetched) != len(mine):
            raise UserError(f"--fetched names {len(fetched)} files, and batch {batch} has {len(mine)}.")
        mine = [replace(recording, fetched=file) for recording, file in zip(mine, fetched, strict=True)]
    write_rows(table, preprocess(mine, [parts[recording.name] for recording in mine], out, settings, keep))


def preprocess_basis(tables: Paths, /, *, videos: Path, out: Path, options: Options = DEFAULTS) -> None:
    """Fit the expression basis to the usable training recordings of tables."""
    from l2l.recordings.summary import read_rows, usable

    settings = options.read().faces
    rows = usable([row for table in tables for row in read_rows(table)], "train")
    if not rows:
        raise UserError(f"{tables[0].parent}: no training recording is usable; the tables there say why.")
    most = settings.basis_videos
    spread = sorted({round(k * (len(rows) - 1) / max(1, most - 1)) for k in range(min(most, len(rows)))})
    chosen = rows if len(rows) <= most else [rows[k] for k in spread]
    tracks = [videos / row.recording / "tracks.npz" for row in chosen]
    backends.load("faces", settings.backend).fit_basis(tracks, out, settings)


def preprocess_faces(table: Path, /, *, videos: Path, basis: Path, out: Path, options: Options = DEFAULTS) -> None:
    """Turn the tracks of a table's usable recordings into face vectors."""
    from l2l.recordings.preprocessing import faces
    from l2l.recordings.summary import read_rows, write_rows

    write_rows(out, faces(read_rows(table), videos, basis, options.read()))


def preprocess_summary(tables: Paths, /, *, person: str | None = None, out: Path) -> None:
    """Put tables together: preprocess.tsv and preprocess.html."""
    from l2l.recordings.summary import read_rows, write_html, write_rows

    rows = [row for table in tables for row in read_rows(table)]
    write_html(out.with_suffix(".html"), rows, person or out.parent.name)
    write_rows(out, rows)
    for row in rows:
        if row.status != "ok":
            print(f"{row.recording}: {row.status}: {row.reason}")


def preprocess_chunk(
    table: Path, /, *, videos: Path, listener: Side, person: str | None = None, out: Path, options: Options = DEFAULTS
) -> None:
    """Cut a table's usable recordings into windows in the published format."""
    from l2l.dataset.chunks import chunk
    from l2l.recordings.summary import read_rows, usable

    rows = read_rows(table)
    split: dict = {part: [row.recording for row in usable(rows, part)] for part in ("train", "test")}
    swapped = {row.recording for row in rows if row.listener and row.listener != listener}
    person = person or out.name
    if not split["train"]:
        raise UserError(f"{person}: no training recording is usable; {table} says why.")
    counts = chunk(videos, split, out, listener, options.read().chunking, person, swapped)
    print(f"{person}: {counts['train']} training and {counts['test']} test windows in which the listener listens")
