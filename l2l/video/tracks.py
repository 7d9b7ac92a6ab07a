"""tracks.npz: two people, their landmarks, boxes and scores, readable in blocks.

Landmarks are stored as whole numbers (a few hundredths of a pixel each) in members of `BLOCK` frames, so that a
recording of any length can be written and read in constant memory.
"""

import itertools
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import numpy as np

from l2l.arrays import Array, Npz, open_npz
from l2l.errors import UserError
from l2l.sides import SIDES
from l2l.video.mesh import LANDMARKS

BLOCK = 512  # frames in one member
PEOPLE = 2  # the person on the left first
_ARRAYS = {
    "found": Array(("T", PEOPLE), "b"),
    "score": Array(("T", PEOPLE)),
    "box": Array(("T", PEOPLE, 4)),
    "segment": Array(("T",), "i"),
}

_CAST = {
    "seats": Array(("S",), "i"),
    "person": Array((PEOPLE,), holes=True),
    "pattern": Array((PEOPLE, 8, 8, 9)),
}


def landmark_scale(width: int, height: int) -> float:
    """Stored units per pixel: landmarks may lie a little outside the picture and must fit 16 bits."""
    return 32767 / (2 * max(width, height))


def block_name(index: int) -> str:
    return f"landmarks_{index:06d}"


class Seats(IntEnum):
    """How the two people sit in a scene."""

    NOBODY = 0  # fewer than two people are seen together
    FIRST = 1  # as in their first scene
    SWAPPED = 2  # the other way round
    SOMEBODY_ELSE = 3  # one of them is another person; the scene is left out
    UNCERTAIN = 4  # it is not certain who is who; the scene is left out


@dataclass(frozen=True)
class Tracks:
    """The small arrays of tracks.npz; landmarks come block by block."""

    path: Path
    width: int  # pixels
    height: int  # pixels
    found: np.ndarray  # (T, 2) bool
    score: np.ndarray  # (T, 2) float32, 0..1
    box: np.ndarray  # (T, 2, 4) float32: x0, y0, x1, y1 in pixels
    segment: np.ndarray  # (T,) int32: number of the scene

    def __len__(self) -> int:
        return len(self.found)

    def check_both_seen(self) -> None:
        """Raises UserError naming the person who is in no frame, and whether something else was taken for no person."""
        for person, side in enumerate(SIDES):
            if not self.found[:, person].any():
                cast, reason = load_cast(self.path), ""
                if cast and cast.refused:
                    reason = f"a face that looks like a picture was left out in {cast.refused:.0%} of the frames; "
                raise UserError(
                    f"{self.path}: the person on the {side} is never seen; {reason}give a recording that shows both."
                )

    def landmarks_at(self, frame: int) -> np.ndarray:
        """Landmarks (2, 468, 3) float32 in pixels of one frame; undefined where no face is found."""
        with self._open() as file:
            stored = self._block(file, frame // BLOCK)[frame % BLOCK]
        return stored.astype(np.float32) * np.float32(1 / landmark_scale(self.width, self.height))

    def blocks(self) -> Iterator[tuple[slice, np.ndarray]]:
        """(frames, landmarks (n, 2, 468, 3) float32 in pixels), in order; undefined where no face is found."""
        scale = np.float32(1 / landmark_scale(self.width, self.height))
        with self._open() as file:
            for index, start in enumerate(range(0, len(self), BLOCK)):
                stored = self._block(file, index)
                yield slice(start, start + len(stored)), stored.astype(np.float32) * scale

    def _open(self) -> AbstractContextManager[Npz]:
        return _open(self.path)

    def _block(self, file: Npz, index: int) -> np.ndarray:
        count = min(BLOCK, len(self) - index * BLOCK)
        return file.read(block_name(index), Array((count, PEOPLE, LANDMARKS, 3), "i"))


def _open(path: str | Path) -> AbstractContextManager[Npz]:
    return open_npz(path, "a tracks.npz", "l2l track")


def load_tracks(path: str | Path) -> Tracks:
    """Raises UserError when the file is missing or damaged."""
    with _open(path) as file:
        width, height = (int(value) for value in file.read("size", Array((2,), "i")))
        arrays = {name: file.read(name, wanted) for name, wanted in _ARRAYS.items()}
        if min(width, height) < 1 or not len(arrays["found"]):
            raise ValueError(f"it has {len(arrays['found'])} frames of {width} x {height} pixels")
        return Tracks(Path(path), width, height, **arrays)


@dataclass(frozen=True)
class Cast:
    """Who the two people of a recording are, as far as tracks.npz says it."""

    seats: np.ndarray  # (scenes,) int8: how they sit in each scene, a number of `Seats`
    person: np.ndarray  # (2,) float32, 0..1: how much each looks like a person; NaN where it cannot be told
    pattern: np.ndarray  # (2, 8, 8, 9) float32: what each face is told apart by; zeros where it was never seen
    refused: float  # share of frames with a face that was left out because it does not look like a person's
    strangers: float = 0.0  # share of frames with somebody else in a place of the two, without a cut; left out


def load_cast(path: str | Path) -> Cast | None:
    """None where the tracker said nothing of this. Raises UserError when the file is missing or damaged."""
    with _open(path) as file:
        if "seats" not in file:
            return None
        arrays = {name: file.read(name, wanted) for name, wanted in _CAST.items()}
        strangers = float(file.read("strangers", Array(()))) if "strangers" in file else 0.0
        return Cast(**arrays, refused=float(file.read("refused", Array(()))), strangers=strangers)


def runs(numbers: np.ndarray) -> list[tuple[int, int]]:
    """[first, last) of every run of one number in an array (T,)."""
    borders = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), len(numbers)]
    return list(itertools.pairwise(borders))


def fill_short_gaps(values: np.ndarray, found: np.ndarray, segment: np.ndarray, bridge: int) -> np.ndarray:
    """Interpolate `values` (T, C) in place over gaps of at most `bridge` frames inside one scene.

    `found` (T,) says which rows are known. Returns the mask (T,) of rows that are valid afterwards.
    """
    valid = found.copy()
    known = np.flatnonzero(found)
    for before, after in itertools.pairwise(known):
        gap = after - before - 1
        if 0 < gap <= bridge and segment[before] == segment[after]:
            weight = (np.arange(1, gap + 1) / (gap + 1))[:, None]
            values[before + 1 : after] = (1 - weight) * values[before] + weight * values[after]
            valid[before + 1 : after] = True
    return valid


def extent(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The smallest and the largest x and y, (2,) each, of points (n, 2 or more)."""
    rows = np.ascontiguousarray(points[:, :2].T)  # numpy is slow along columns of two
    return rows.min(1), rows.max(1)


def overlap(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union of boxes (..., 4)."""
    inner = np.clip(np.minimum(a[..., 2:4], b[..., 2:4]) - np.maximum(a[..., :2], b[..., :2]), 0, None).prod(-1)
    area = (a[..., 2:4] - a[..., :2]).prod(-1) + (b[..., 2:4] - b[..., :2]).prod(-1)
    return inner / np.maximum(area - inner, 1e-12)
