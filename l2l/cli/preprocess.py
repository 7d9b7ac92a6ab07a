"""The commands for many recordings at once: whole batches, and the table of what became of each."""

import argparse
from collections.abc import Callable
from dataclasses import replace

from l2l import backends
from l2l.errors import UserError

Arguments = argparse.Namespace


def preprocess(args: Arguments) -> None:
    from l2l.recordings import recordings
    from l2l.recordings.preprocessing import preprocess
    from l2l.recordings.summary import write_rows

    if args.recordings.is_dir():
        everything = recordings.in_folder(args.recordings)
    else:
        everything = recordings.in_sheet(args.recordings, args.person or args.out.parent.name)
    parts = recordings.split_of(everything, args.test_videos, args.settings.chunking.test_share)
    chosen = recordings.batches(len(everything), args.per_job)
    if not 0 <= args.batch < len(chosen):
        raise UserError(f"--batch {args.batch}: there are {len(chosen)} batches, numbered from 0.")
    mine = [everything[number] for number in chosen[args.batch]]
    if args.fetched:
        if len(args.fetched) != len(mine):
            raise UserError(f"--fetched names {len(args.fetched)} files, and batch {args.batch} has {len(mine)}.")
        mine = [replace(recording, fetched=file) for recording, file in zip(mine, args.fetched, strict=True)]
    rows = preprocess(mine, [parts[recording.name] for recording in mine], args.out, args.settings, args.keep)
    write_rows(args.table, rows)


def fit_faces_of(args: Arguments) -> None:
    from l2l.recordings.summary import read_rows, usable

    settings = args.settings.faces
    rows = usable([row for table in args.tables for row in read_rows(table)], "train")
    if not rows:
        raise UserError(f"{args.tables[0].parent}: no training recording is usable; the tables there say why.")
    most = settings.basis_videos
    spread = sorted({round(k * (len(rows) - 1) / max(1, most - 1)) for k in range(min(most, len(rows)))})
    chosen = rows if len(rows) <= most else [rows[k] for k in spread]
    tracks = [args.videos / row.recording / "tracks.npz" for row in chosen]
    backends.load("faces", settings.backend).fit_basis(tracks, args.out, settings)


def faces_of(args: Arguments) -> None:
    from l2l.recordings.preprocessing import faces
    from l2l.recordings.summary import read_rows, write_rows

    write_rows(args.out, faces(read_rows(args.table), args.videos, args.basis, args.settings))


def summary(args: Arguments) -> None:
    from l2l.recordings.summary import read_rows, write_html, write_rows

    rows = [row for table in args.tables for row in read_rows(table)]
    write_html(args.out.with_suffix(".html"), rows, args.person or args.out.parent.name)
    write_rows(args.out, rows)
    for row in rows:
        if row.status != "ok":
            print(f"{row.recording}: {row.status}: {row.reason}")


def chunk_of(args: Arguments) -> None:
    from l2l.dataset.chunks import chunk
    from l2l.recordings.summary import read_rows, usable

    rows = read_rows(args.table)
    split: dict = {part: [row.recording for row in usable(rows, part)] for part in ("train", "test")}
    swapped = {row.recording for row in rows if row.listener and row.listener != args.listener}
    person = args.person or args.out.name
    if not split["train"]:
        raise UserError(f"{person}: no training recording is usable; {args.table} says why.")
    counts = chunk(args.videos, split, args.out, args.listener, args.settings.chunking, person, swapped)
    print(f"{person}: {counts['train']} training and {counts['test']} test windows in which the listener listens")


def register(add: Callable[..., Callable[..., None]]) -> None:
    """Add these commands to the command line; `add` is that of l2l.cli.main."""
    arg = add("preprocess", preprocess, "bring a batch of recordings from video to mel, all steps in one process")
    arg("recordings", help="a folder of videos, or a sample sheet (.tsv)")
    arg("--person", type=str, default=None, help="whose lines of the sheet; default: the folder above --out")
    arg("--per-job", type=int, default=10**6, metavar="N", help="recordings in a batch; default: all of them")
    arg("--batch", type=int, default=0, metavar="K", help="which batch, from 0")
    arg("--test-videos", nargs="*", type=str, default=[], metavar="NAME", help="recordings kept for testing")
    arg("--fetched", nargs="*", type=str, default=[], metavar="FILE", help="where files of addresses lie, in order")
    arg("--keep", choices=("all", "needed"), default="all", help="needed: delete what no later step asks for")
    arg("--out", help="folder for one folder per recording")
    arg("--table", help="a .tsv: what became of each recording")

    arg = add("preprocess-basis", fit_faces_of, "fit the expression basis to the usable training recordings of tables")
    arg("tables", nargs="+", help=".tsv tables of preprocess")
    arg("--videos", help="folder with one folder per recording")
    arg("--out", help="face_basis.npz")

    arg = add("preprocess-faces", faces_of, "turn the tracks of a table's usable recordings into face vectors")
    arg("table", help=".tsv table of preprocess")
    arg("--videos", help="folder with one folder per recording")
    arg("--basis", help="face_basis.npz")
    arg("--out", help="a .tsv: what became of each recording")

    arg = add("preprocess-summary", summary, "put tables together: preprocess.tsv and preprocess.html", settings=False)
    arg("tables", nargs="+", help=".tsv tables of preprocess-faces")
    arg("--person", type=str, default=None, help="title of the page; default: the output's folder")
    arg("--out", help="preprocess.tsv; preprocess.html is written beside it")

    arg = add("preprocess-chunk", chunk_of, "cut a table's usable recordings into windows in the published format")
    arg("table", help="preprocess.tsv")
    arg("--videos", help="folder with one folder per recording")
    arg("--listener", choices=("left", "right"), help="who listens: the person on the left or on the right")
    arg("--person", type=str, default=None, help="name for messages; default: the output folder's")
    arg("--out", help="folder for train/ and test/")
