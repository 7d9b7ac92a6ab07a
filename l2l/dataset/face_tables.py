"""Faces in CSV files, as phones and other tools write them -> (T, 56) at 30 frames per second.

A file may hold, by the names in its header:

- weights of ARKit's shapes, as Live Link Face writes them (`l2l.faces.livelink`) and others: they become the faces of
  backend `blendshapes`, with the person's rest taken off and the jaw in radians;
- or the columns of any backend (docs/faces.md), which are taken as they are.

Rotations of the head are the columns `head_x`, `head_y`, `head_z`, or Live Link Face's, or OpenFace's (`pose_Rx` and so
on: radians, about the picture's axes, R = Rx Ry Rz). Other columns are not read.
"""

import csv
import logging
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.spatial.transform import Rotation

from l2l.dataset.resampling import resampled
from l2l.errors import UserError
from l2l.faces import columns, livelink
from l2l.files import reading
from l2l.units import MODEL_DIM

log = logging.getLogger(__name__)

_LAYOUTS = ("blendshapes", "landmarks")  # backends; the columns of deca have the names of landmarks'
_JAW = ("jawOpen", "jawLeft", "jawRight")
_HEADS = (("head_x", "head_y", "head_z"), livelink.HEAD, columns.OPENFACE_HEAD)
_TIMES = ("time", "timestamp")  # seconds
_RATES = (24, 25, 30, 48, 50, 60)  # frames that timecodes count in a second
_DAY = 24 * 3600.0
_LARGEST_WEIGHT, _LARGEST_ANGLE = 1.5, 2 * math.pi  # beyond these, the unit is another one


class FaceRows(NamedTuple):
    """One person of a recording, 30 frames per second."""

    faces: np.ndarray  # (T, 56) float32
    known: np.ndarray  # (T,) bool


def read_faces(path: Path) -> FaceRows:
    """Raises UserError that names the file, and the column and the line that are wrong."""
    with reading(path, "a CSV file", "", get="export it again"):
        table = _Table(path)
        shapes = table.has("jawOpen")
        names = _shape_names(table) if shapes else _column_names(table)
        head = table.one_of(_HEADS, "rotation of the head", "add head_x, head_y and head_z, in radians")
        times, values, shown = table.read([*names, *head])
    if len(values) < 2:
        raise UserError(f"{path} has {len(values)} rows with a face; export it again.")
    if shapes:
        _check(path, names, values, _LARGEST_WEIGHT, "weights lie between 0 and 1: divide them by 100")
    _check(path, head, values[:, len(names) :], _LARGEST_ANGLE, "angles are radians: convert them from degrees")
    if not values[:, len(names) :].any():
        log.warning("%s: the head never turns; let the tool record its rotation, or no nod is learned", path)
    found, known = resampled(times[shown], values, (times[0], times[-1]))
    measured = found[:, : len(names)]
    faces = _of_shapes(names, measured, known) if shapes else _of_columns(names, measured)
    faces[:, 50:53] = _rotation(head, found[:, len(names) :])
    return FaceRows(faces, known)


def _shape_names(table: "_Table") -> list[str]:
    names = [*columns.SHAPES, *_JAW]
    if missing := [name for name in names if not table.has(name)]:
        raise UserError(
            f"{table.path} has no column {missing[0]} ({len(missing)} of the {len(names)} shapes are missing); export "
            "all of ARKit's shapes, with zeros where nothing is known."
        )
    return names


def _column_names(table: "_Table") -> list[str]:
    """Those of a backend that are in the file, but for the head's. What is always 0 may be missing."""
    backends = [[c for c in columns.columns_of(b) if not c.name.startswith("head")] for b in _LAYOUTS]
    lacks = [[c.name for c in known if not table.has(c.name) and c.low < c.high] for known in backends]
    fewest = min(range(len(lacks)), key=lambda k: len(lacks[k]))
    if lacks[fewest]:
        raise UserError(
            f"{table.path} has no column {lacks[fewest][0]}: its header must name ARKit's shapes (jawOpen and so on), "
            "or all columns of a backend (docs/faces.md)."
        )
    return [c.name for c in backends[fewest] if table.has(c.name)]


def _check(path: Path, names: Sequence[str], values: np.ndarray, largest: float, why: str) -> None:
    for name, peak in zip(names, np.abs(values).max(0), strict=False):
        if peak > largest:
            raise UserError(f"{path}: {name} reaches {peak:g}, but {why}.")


def _of_shapes(names: list[str], values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Weights (T, 50) -> faces (T, 56) of backend blendshapes, from this person at rest."""
    from l2l.faces import blendshapes  # it loads what reads videos, which planning a workflow need not wait for

    weights = np.zeros((len(values), len(blendshapes.SHAPES)), np.float32)
    weights[:, [blendshapes.SHAPES.index(name) for name in names]] = values
    return blendshapes.without_rest(weights, blendshapes.at_rest(weights[known]))


def _of_columns(names: list[str], values: np.ndarray) -> np.ndarray:
    """Columns of a backend (T, C) -> faces (T, 56)."""
    places = {c.name: k for backend in _LAYOUTS for k, c in enumerate(columns.columns_of(backend))}
    faces = np.zeros((len(values), MODEL_DIM), np.float32)
    faces[:, [places[name] for name in names]] = values
    return faces


def _rotation(head: tuple[str, ...], angles: np.ndarray) -> np.ndarray:
    """Columns 50-52 of angles (T, 3) under these names."""
    if head == livelink.HEAD:
        return livelink.head_rotation(angles)
    return angles if head == _HEADS[0] else Rotation.from_euler("XYZ", angles).as_rotvec()


class _Table:
    """A CSV file whose first line names its columns; lines before it that begin with # are comments."""

    def __init__(self, path: Path) -> None:
        self.path, self.rate, self._skipped = path, None, 0
        header = ""
        for line in self._lines():
            if not line.startswith("#"):
                header = line
                break
            self._skipped += 1
            key, _, value = line.lstrip("# ").partition(":")
            if key.strip() == "fps":
                self.rate = _number(value)
                if not self.rate or self.rate <= 0:
                    raise UserError(f"{path}, line {self._skipped}: fps is {value.strip()!r}, expected a number.")
        try:
            names = [name.strip() for name in next(csv.reader([header]), [])]
        except csv.Error as error:
            raise UserError(f"{path}, line {self._skipped + 1}: {error}; export the file again.") from None
        self._places = {name.lower(): k for k, name in reversed(list(enumerate(names)))}  # the first of two wins

    def has(self, name: str) -> bool:
        return name.lower() in self._places

    def one_of(self, choices: tuple[tuple[str, ...], ...], what: str, hint: str) -> tuple[str, ...]:
        """The first of `choices` whose columns are all there."""
        for names in choices:
            if all(map(self.has, names)):
                return names
        raise UserError(f"{self.path} has no {what} ({', '.join(' '.join(names) for names in choices)}); {hint}.")

    def read(self, names: list[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Times (R,), seconds, increasing; the columns `names` of the rows that show a face (n, C), and which these
        are (R,) bool: all but those whose `success` is 0."""
        clock = next((name for name in (livelink.TIMECODE, *_TIMES) if self.has(name)), None)
        if clock is None and self.rate is None:
            raise UserError(
                f"{self.path} does not say when its rows are; add a column `time`, in seconds, or a first line "
                "'# fps: 48' with its rate."
            )
        places = [self._places[name.lower()] for name in names]
        moments: list[tuple[float, float]] = []  # seconds, and frames of a timecode
        values: list[list[float]] = []
        lines: list[int] = []
        shown: list[bool] = []
        for line, row in self._rows():
            moments.append(self._moment(row, clock, line))
            lines.append(line)
            shown.append(not self.has("success") or bool(self._value(row, "success", line)))
            if shown[-1]:
                # What is slow says which number is wrong.
                values.append(_numbers(row, places) or [self._value(row, name, line) for name in names])
        whole, frames = np.array(moments, float).reshape(-1, 2).T
        # Decimals of a frame are below 1, so that the largest frame number says how many there are.
        counted = next((rate for rate in _RATES if rate > frames.max(initial=0.0)), max(_RATES))
        times = whole + frames / counted
        times += _DAY * np.cumsum(np.diff(times, prepend=times[:1]) < -_DAY / 2)  # past midnight
        if (stuck := np.flatnonzero(np.diff(times) <= 0)).size:
            where = f"line {lines[stuck[0] + 1]}"
            raise UserError(f"{self.path}, {where}: {clock} is not later than in the row before; delete the row.")
        return times, np.array(values).reshape(len(values), len(names)), np.array(shown, bool)

    def _moment(self, row: list[str], clock: str | None, line: int) -> tuple[float, float]:
        if clock is None:
            assert self.rate is not None
            return (line - self._skipped - 2) / self.rate, 0.0
        if clock != livelink.TIMECODE:
            return self._value(row, clock, line), 0.0
        text = self._cell(row, clock, line)
        if (found := livelink.read_timecode(text)) is None or found[1] >= max(_RATES):
            raise UserError(f"{self.path}, line {line}: {clock} is {text!r}, expected HH:MM:SS:FF.fff.")
        return found

    def _value(self, row: list[str], name: str, line: int) -> float:
        text = self._cell(row, name, line)
        number = _number(text)
        if number is None:
            raise UserError(f"{self.path}, line {line}: {name} is {text.strip()!r}, expected a number.")
        return number

    def _cell(self, row: list[str], name: str, line: int) -> str:
        place = self._places[name.lower()]
        if place >= len(row):
            raise UserError(f"{self.path}, line {line}: the row ends before {name}; export the file again.")
        return row[place]

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        """Line number in the file, and cells, of every row that is not empty."""
        lines = self._lines()
        for _ in range(self._skipped + 1):
            next(lines, None)
        rows = csv.reader(lines)
        try:
            for row in rows:
                if row:
                    yield self._skipped + 1 + rows.line_num, row
        except csv.Error as error:
            where = f"line {self._skipped + 1 + rows.line_num}"
            raise UserError(f"{self.path}, {where}: {error}; export the file again.") from None

    def _lines(self) -> Iterator[str]:
        with open(self.path, encoding="utf-8-sig", newline="") as file:
            yield from file


def _number(text: str) -> float | None:
    """A finite number, or None."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _numbers(row: list[str], places: list[int]) -> list[float] | None:
    """Some cells of a row as finite numbers, or None when one of them is none."""
    try:
        found = [float(row[place]) for place in places]
    except (ValueError, IndexError):
        return None
    return found if all(map(math.isfinite, found)) else None
