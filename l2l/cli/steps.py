"""Commands from a person's recordings to windows.

Each step takes folders of recordings (`l2l track work/monday work/friday`), or the table of the step before, as the
workflow gives it (`l2l track --table steps/normalise/monday.tsv --videos ... --out steps/track/monday.tsv`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from l2l.cli.options import DEFAULTS, Names, Options, Paths, about
from l2l.errors import UserError
from l2l.sides import Side

if TYPE_CHECKING:
    from l2l.recordings.recordings import Recording

Drop = Literal["speech", "video"]


@Parameter(name="*", group="A table instead of folders")
@dataclass(frozen=True)
class Rows:
    """Recordings of a table, as the workflow takes them."""

    table: Annotated[Path | None, about("the .tsv of the step before; recordings that are not ok pass through")] = None
    only: Annotated[Names, about("names: these recordings of the table alone")] = ()
    videos: Annotated[Path | None, about("folder with one folder per recording")] = None
    out: Annotated[Path | None, about("the .tsv to write: what became of each recording")] = None
    drop: Annotated[tuple[Drop, ...], about("what to delete once it is used (video: of training recordings)")] = ()

    def read(self) -> "list[Recording]":
        """The chosen recordings. Raises UserError when one is not in the table, or when an option is missing."""
        from l2l.recordings.table import read_table

        if not (self.table and self.videos and self.out):
            raise UserError("name folders of recordings, or all of --table, --videos and --out.")
        found = read_table(self.table)
        if unknown := set(self.only) - {recording.name for recording in found}:
            raise UserError(f"{self.table} has no recording {sorted(unknown)[0]!r}.")
        return [recording for recording in found if not self.only or recording.name in self.only]


NO_ROWS = Rows()


def recordings(
    source: Annotated[Path, about("a folder of videos, or a sample sheet (.tsv)")],
    /,
    *,
    person: Annotated[str, about("whose lines of the sheet")],
    test_videos: Annotated[Names, about("names of the recordings kept for testing")] = (),
    test_share: Annotated[float, about("share kept for testing, where neither these nor the sheet say which")] = 0.2,
    out: Path,
) -> None:
    """List a person's recordings and their split: recordings.tsv."""
    from l2l.recordings.recordings import in_folder, in_sheet, with_split
    from l2l.recordings.table import LISTED, write_table

    found = in_folder(source) if source.is_dir() else in_sheet(source, person)
    write_table(out, with_split(found, test_videos, test_share), LISTED)


def normalise(
    source: Annotated[
        Path | None, about("a video, or a folder with left.mp4 and right.mp4; --out is then a folder for what is made")
    ] = None,
    /,
    *,
    start: float | None = None,
    end: float | None = None,
    fetched: Annotated[Names, about("where the files of addresses lie, in the table's order")] = (),
    rows: Rows = NO_ROWS,
    options: Options = DEFAULTS,
) -> None:
    """Bring videos to 30 frames per second and 16 kHz mono."""
    from l2l.recordings.recordings import Recording

    if source:
        if not rows.out:
            raise UserError("--out is missing: a folder for video.mp4, audio.wav and probe.json.")
        one = Recording(source.stem, str(source), start, end)
        return _do("normalise", [rows.out], rows, options, recordings=[one])
    found, files = rows.read(), list(fetched)
    if files and len(files) != sum(recording.remote for recording in found):
        raise UserError(f"--fetched names {len(files)} files, which are not as many as the table has addresses.")
    if files:
        found = [replace(each, fetched=files.pop(0)) if each.remote else each for each in found]
    _do("normalise", (), rows, options, recordings=found)


def track(folders: Paths = (), /, *, rows: Rows = NO_ROWS, options: Options = DEFAULTS) -> None:
    """Follow the two faces: tracks.npz."""
    _do("track", folders, rows, options)


def diarize(folders: Paths = (), /, *, rows: Rows = NO_ROWS, options: Options = DEFAULTS) -> None:
    """Find who speaks when: speaking.npz, .rttm, .json."""
    _do("diarize", folders, rows, options)


def separate(folders: Paths = (), /, *, rows: Rows = NO_ROWS, options: Options = DEFAULTS) -> None:
    """Give each person a file with their own speech: speech_*.wav."""
    _do("separate", folders, rows, options)


def mel(folders: Paths = (), /, *, rows: Rows = NO_ROWS, options: Options = DEFAULTS) -> None:
    """Turn speech into mel rows, 4 per frame: mel_*.npy."""
    _do("mel", folders, rows, options)


def split(
    tables: Annotated[Paths, about("tables of diarize (.tsv)")],
    /,
    *,
    test_share: Annotated[float | None, about("share to split anew by, if all that can be used is on one side")] = None,
    summary: Annotated[Path | None, about("preprocess.tsv, to write where too few recordings can be used")] = None,
    out: Path,
) -> None:
    """Put tables together; both training and testing need recordings."""
    from l2l.recordings.recordings import settled
    from l2l.recordings.table import read_table, shortage, write_table

    found = read_table(*tables)
    if test_share is not None:
        found = settled(found, test_share)
    if few := shortage(found, summary or out):
        if summary:
            write_table(summary, found)
        raise UserError(few)
    write_table(out, [replace(recording, took=0.0) for recording in found])


def fit_faces(
    folders: Paths = (),
    /,
    *,
    table: Annotated[Path | None, about("a .tsv of split, instead of folders: its usable training recordings")] = None,
    videos: Annotated[Path, about("folder with one folder per recording of the table")] = Path(),
    out: Path,
    options: Options = DEFAULTS,
) -> None:
    """Fit the expression basis to tracks: face_basis.npz."""
    from l2l.recordings.steps import fit_faces
    from l2l.recordings.table import read_table, usable

    if table:
        folders = tuple(videos / recording.name for recording in usable(read_table(table), "train"))
    if not folders:
        raise UserError("name folders of training recordings, or a --table with some that can be used.")
    fit_faces(folders, out, options.read().faces)


def faces(folders: Paths = (), /, *, basis: Path, rows: Rows = NO_ROWS, options: Options = DEFAULTS) -> None:
    """Turn tracks into face vectors: faces_*.npz."""
    _do("faces", folders, rows, options, basis)


def preprocess_summary(
    tables: Annotated[Paths, about("tables of mel and of faces (.tsv)")],
    /,
    *,
    videos: Annotated[
        Path | None, about("folder with one folder per recording: warn of another listener, and of repeated material")
    ] = None,
    listener: Side = "left",
    out: Path,
) -> None:
    """Say what became of every recording: preprocess.tsv."""
    from l2l.recordings.listeners import with_doubts
    from l2l.recordings.repeated import with_repeats
    from l2l.recordings.table import joined, read_table, write_table

    found = joined(*map(read_table, tables))
    if videos:
        found = with_repeats(with_doubts(found, videos, listener), videos)
    write_table(out, found)
    _complain(found)


def chunk(
    videos: Path,
    /,
    *,
    table: Annotated[Path | None, about("preprocess.tsv, instead of names: its usable recordings")] = None,
    train: Names = (),
    test: Names = (),
    listener: Side,
    person: str | None = None,
    out: Path,
    options: Options = DEFAULTS,
) -> None:
    """Cut recordings into windows of 64 frames: train/ and test/."""
    from l2l.dataset.chunks import chunk
    from l2l.recordings.table import read_table, shortage, usable

    found = read_table(table) if table else []
    if table and (few := shortage(found, table)):
        raise UserError(few)
    split: dict = {"train": train, "test": test}
    if table:
        split = {part: [recording.name for recording in usable(found, part)] for part in split}
    swapped = {recording.name for recording in found if recording.listener not in ("", listener)}
    person = person or out.name
    counts = chunk(videos, split, out, listener, options.read().chunking, person, swapped)
    print(f"{person}: {counts['train']} training and {counts['test']} test windows in which the listener listens")


def _do(
    step: str,
    folders: Sequence[Path],
    rows: Rows,
    options: Options,
    basis: Path | None = None,
    recordings: "Sequence[Recording]" = (),
) -> None:
    """Do a step in folders of recordings, where a failure raises UserError, or for a table, where it is a row."""
    from l2l.recordings.recordings import Recording
    from l2l.recordings.steps import Work, run
    from l2l.recordings.table import write_table

    settings = options.read()
    if folders:
        recordings = recordings or [Recording(folder.resolve().name) for folder in folders]
        works = [Work(each, folder, settings, basis=basis) for each, folder in zip(recordings, folders, strict=True)]
        done = run(step, works)
        if failed := [each.reason for each in done if each.status == "failed"]:
            raise UserError("\n".join(failed))
        _complain(done)
        return
    recordings = recordings or rows.read()
    assert rows.videos and rows.out
    done = run(step, [Work(each, rows.videos / each.name, settings, rows.drop, basis) for each in recordings])
    write_table(rows.out, done)
    _complain(done)


def _complain(recordings: "Sequence[Recording]") -> None:
    from l2l.recordings.table import complaints

    for line in complaints(recordings):
        print(line)
