"""Tables of recordings: recordings.tsv names a person's, each job leaves one, preprocess.tsv says what became of all.

A recording that failed, or that the settings exclude, stays in every table after, with the reason, and is left out of
what is made.
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from l2l.errors import UserError
from l2l.files import atomic
from l2l.recordings.recordings import Recording

COLUMNS = [field.name for field in fields(Recording) if field.name not in ("split_by", "fetched")]
NAMED = ["name", "path", "start", "end", "split", "listener"]  # what is known before anything is done
LISTED = [*NAMED, "split_by"]  # of recordings.tsv
NUMBERS = {"start", "end", "seconds", "tracked", "speech", "person", "left_out", "took"}


def write_table(path: str | Path, recordings: Iterable[Recording], columns: Sequence[str] = COLUMNS) -> None:
    """Write a table, sorted by recording; the column of the name is called `recording`."""
    with atomic(path) as partial, open(partial, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(["recording", *columns[1:]])
        for recording in sorted(recordings, key=lambda recording: recording.name):
            writer.writerow([as_text(getattr(recording, column)) for column in columns])


def read_table(*paths: str | Path) -> list[Recording]:
    """The recordings of tables, one after the other. Raises UserError when a file is missing or not such a table."""
    found: list[Recording] = []
    for path in paths:
        try:
            with open(path, newline="", encoding="utf-8") as file:
                found += map(_recording, csv.DictReader(file, delimiter="\t"))
        except FileNotFoundError:
            raise UserError(f"{path} is missing; run the step before it, or the workflow.") from None
        except (KeyError, TypeError, ValueError, csv.Error):
            raise UserError(f"{path} is not a table of recordings; make it again.") from None
    return found


def _recording(line: dict[str, str]) -> Recording:
    values: dict[str, Any] = {"name": line.pop("recording")}
    for column, text in line.items():
        values[column] = (float(text) if text else None) if column in NUMBERS else text
    return Recording(**values)


def as_text(value: object, digits: int = 10) -> str:
    """A cell of a table."""
    return f"{value:.{digits}g}" if isinstance(value, float) else str("" if value is None else value)


def joined(*tables: Sequence[Recording]) -> list[Recording]:
    """The recordings of tables that were made side by side: what failed in one has failed, and work adds up."""
    found: dict[str, Recording] = {}
    for table in tables:
        for recording in table:
            other = found.get(recording.name)
            if other:
                worse = other if other.status != "ok" else recording
                recording = replace(worse, split=recording.split, took=other.took + recording.took)
            found[recording.name] = recording
    return list(found.values())


def usable(recordings: Sequence[Recording], part: str) -> list[Recording]:
    """The recordings of one split that can be used."""
    return [recording for recording in recordings if recording.status == "ok" and recording.split == part]


def with_pictures(results: Path) -> list[Recording]:
    """The usable recordings of a person's results whose video was kept, those for testing first.

    Raises UserError when preprocess.tsv is missing or damaged.
    """
    rows = [row for row in read_table(results / "preprocess.tsv") if row.status == "ok"]
    kept = [row for row in rows if (results / "videos" / row.name / "video.mp4").is_file()]
    return sorted(kept, key=lambda row: (row.split != "test", row.name))


def shortage(recordings: Sequence[Recording], table: str | Path) -> str:
    """A sentence when nothing is usable for training, or nothing for testing where something was planned; else none."""
    lacking = [part for part in ("train", "test") if not usable(recordings, part)]
    if "train" not in lacking and not any(recording.split in lacking for recording in recordings):
        return ""
    good = sum(recording.status == "ok" for recording in recordings)
    return (
        f"{good} of {len(recordings)} recordings can be used, and none of these is for {lacking[0]}ing; mend those "
        f"that {table} says are left out, add others, or choose others for testing (test_videos)."
    )


def complaints(recordings: Sequence[Recording], most: int = 10) -> list[str]:
    """A sentence for each recording that is left out, at most so many."""
    out = [
        f"{r.name}: {r.status}: {r.reason}" + (f" ({r.warnings})" if r.warnings else "")
        for r in recordings
        if r.status != "ok"
    ]
    return out if len(out) <= most else [f"... {len(out) - most} more are left out", *out[-most:]]


def concerns(recordings: Sequence[Recording], most: int = 10) -> list[str]:
    """A sentence for each warning on a recording that is used, at most so many."""
    out = [
        f"{r.name}: warning: {said}"
        for r in recordings
        if r.status == "ok" and r.warnings
        for said in r.warnings.split("; ")
    ]
    return out if len(out) <= most else [*out[:most], f"... {len(out) - most} more warnings"]
