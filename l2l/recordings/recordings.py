"""Which recordings a person has: those in a folder, or those of a sample sheet.

A sheet is a tab-separated file with a header; one sheet may serve many people:

    person  path  start  end  split  left  right

`person` and `path` are needed; start and end are seconds of the recording (empty: all of it), split is train or test
(empty: by share), left and right name who sits where (empty: the person's `listener` setting says it). A path may be
an address, as s3://bucket/talk.mp4: the workflow then fetches the file (docs/storage.md). It may be a folder with one
file for each person (`l2l.recordings.pairs`).
"""

import csv
import itertools
import os
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from l2l.dataset.split import split_videos
from l2l.errors import UserError, shown
from l2l.recordings import pairs
from l2l.sides import Side

_LONGEST_NAME = 255  # bytes
COLUMNS = ("person", "path", "start", "end", "split", "left", "right")


@dataclass(frozen=True)
class Recording:
    """One recording of a person, or a part of one, and what has become of it so far."""

    name: str  # of its folder in results/<person>/videos
    path: str = ""  # or an address
    start: float | None = None  # seconds
    end: float | None = None  # seconds
    split: Literal["train", "test", ""] = ""
    listener: Side | Literal[""] = ""  # where the person sits, when the sheet says it
    status: Literal["ok", "excluded", "failed"] = "ok"  # excluded: by a setting
    reason: str = ""  # a sentence, empty when ok
    seconds: float | None = None  # length, once it is known
    tracked: float | None = None  # share of frames in which both faces are found
    speech: float | None = None  # share of frames in which somebody speaks
    person: float | None = None  # 0..1, how much the less likely of the two faces looks like a person's
    left_out: float | None = None  # share of frames in scenes with somebody else, or in which who is who is uncertain
    took: float = 0.0  # seconds of work in all
    warnings: str = ""  # sentences with "; " between them, the worst first
    split_by: Literal["user", "share", ""] = ""  # who chose the split; in recordings.tsv alone
    fetched: str = ""  # where the file of an address lies meanwhile; in no table

    @property
    def remote(self) -> bool:
        """Whether `path` is an address."""
        return "://" in self.path

    @property
    def in_two_files(self) -> bool:
        """Whether `path` is a folder with a file for each person."""
        return not self.remote and pairs.is_pair(Path(self.path))

    @property
    def files_there(self) -> list[Path]:
        """The files on this machine that it is made of."""
        if self.in_two_files:
            return pairs.files(Path(self.path))
        return [Path(self.path)] if not self.remote and Path(self.path).exists() else []

    @property
    def file(self) -> Path:
        """The file on this machine. Raises UserError when it is elsewhere."""
        if self.remote and not self.fetched:
            raise UserError(f"{self.path} is not on this machine; download it and name the file in the sheet.")
        return Path(self.fetched or self.path)


def in_folder(folder: Path) -> list[Recording]:
    """Every video of a folder, and every folder in it with two people's, by name.

    Raises UserError when there is none, or when two have one name.
    """
    found = [file for file in folder.glob("*") if pairs.is_video(file) or pairs.is_pair(file)]
    if not found:
        raise UserError(f"{folder}/ holds no videos; put the recordings of {folder.name} there (.mp4, .mov, .mkv ...).")
    return _unique([Recording(_name(path), str(path)) for path in found], str(folder))


def in_sheet(sheet: Path, person: str) -> list[Recording]:
    """The recordings of one person. Raises UserError naming the sheet, the line and the column that is wrong."""
    try:
        with open(sheet, newline="", encoding="utf-8-sig") as file:
            found = [recording for name, recording in _rows(sheet, file) if name == person]
    except FileNotFoundError:
        raise UserError(f"{sheet} does not exist; make it, or take `sheet` out of people.{person}.") from None
    except UnicodeDecodeError:
        raise UserError(f"{sheet} is not UTF-8 text; save it as tab-separated text.") from None
    except csv.Error as error:
        raise UserError(f"{sheet} cannot be read as a table ({error}); save it as tab-separated text.") from None
    if not found:
        raise UserError(f"{sheet} has no line for {person!r} in its column 'person'.")
    return _unique(found, str(sheet))


def _rows(sheet: Path, lines: Iterable[str]) -> Iterator[tuple[str, Recording]]:
    reader = csv.DictReader(lines, delimiter="\t")
    header = reader.fieldnames or []
    missing = [column for column in COLUMNS[:2] if column not in header]
    unknown = [column for column in header if column not in COLUMNS]
    if missing or unknown:
        wrong = f"lacks the column {missing[0]!r}" if missing else f"has an unknown column {unknown[0]!r}"
        raise UserError(f"{sheet} {wrong}; its first line names columns among: {', '.join(COLUMNS)} (tabs between).")
    for row in reader:
        where = f"{sheet}, line {reader.line_num}"
        if None in row or None in row.values():
            raise UserError(f"{where}: has {'more' if None in row else 'fewer'} columns than the first line.")
        if any(row.values()):
            yield row["person"], _recording(row, where)


def _recording(row: dict[str, str], where: str) -> Recording:
    start, end = (_seconds(row.get(column) or "", column, where) for column in ("start", "end"))
    if start is not None and end is not None and end <= start:
        raise UserError(f"{where}: end {end} is not after start {start}.")
    split: Any = row.get("split") or ""
    if split not in ("", "train", "test"):
        raise UserError(f"{where}: split is {split!r}; write train, test or nothing.")
    if not row["path"]:
        raise UserError(f"{where}: path is empty.")
    found = Recording("", row["path"], start, end, split, _seat(row, where))
    place = urlsplit(found.path).path if found.remote else found.path
    if max(map(len, map(os.fsencode, Path(place).parts)), default=0) > _LONGEST_NAME:
        raise UserError(f"{where}: path is too long to be that of a file.")
    return replace(found, name=_name(Path(place)) + (f"_{start:g}" if start else ""))


def _name(path: Path) -> str:
    return path.name if pairs.is_pair(path) else path.stem


def _seconds(text: str, column: str, where: str) -> float | None:
    try:
        value = float(text) if text else None
    except ValueError:
        value = -1.0
    if value is not None and not 0 <= value < 1e7:
        raise UserError(f"{where}: {column} is {text!r}; write seconds, such as 12.5.")
    return value


def _seat(row: dict[str, str], where: str) -> Side | Literal[""]:
    left, right = row.get("left") or "", row.get("right") or ""
    if not left and not right:
        return ""
    if (left == row["person"]) == (right == row["person"]):
        raise UserError(f"{where}: one of left and right must be {row['person']!r}; they are {left!r} and {right!r}.")
    return "left" if left == row["person"] else "right"


def _unique(recordings: Sequence[Recording], where: str) -> list[Recording]:
    """Sorted by name, as tables are. Raises UserError when two have one name, or one has a name that cannot be used."""
    for recording in recordings:
        if fault := _name_fault(recording.path):
            raise UserError(f"{shown(recording.path)}: its name {fault}; rename it.")
    found = sorted(recordings, key=lambda recording: recording.name)
    for one, two in itertools.pairwise(found):
        if one.name == two.name:
            raise UserError(f"{where}: {one.path} and {two.path} would both be called {one.name!r}; rename one.")
    return found


def _name_fault(path: str) -> str:
    """What is wrong with the name of a file for tables and for the workflow; empty when nothing is."""
    if shown(path) != path:
        return "is not UTF-8 text"
    if any(unicodedata.category(letter) == "Cc" for letter in path):
        return "holds a tab, a new line or another control character"
    return "holds { or }, which the workflow would fill in" if set(path) & set("{}") else ""


def with_split(recordings: Sequence[Recording], test_videos: Sequence[str], share: float) -> list[Recording]:
    """Recordings with their split: as the sheet says (what it leaves open is for training), else by `split_videos`."""
    if any(recording.split for recording in recordings):
        return [replace(recording, split=recording.split or "train", split_by="user") for recording in recordings]
    _, tests = split_videos([recording.name for recording in recordings], test_videos, share)
    by: Literal["user", "share"] = "user" if test_videos else "share"
    return [replace(r, split="test" if r.name in tests else "train", split_by=by) for r in recordings]


def settled(recordings: Sequence[Recording], share: float) -> list[Recording]:
    """Recordings with the usable ones split anew where all usable ones were on one side, and there are two or more."""
    usable = [recording for recording in recordings if recording.status == "ok"]
    if len(usable) < 2 or len({recording.split for recording in usable}) == 2:
        return list(recordings)
    anew = with_split([replace(recording, split="") for recording in usable], (), share)
    return [*anew, *(recording for recording in recordings if recording.status != "ok")]
