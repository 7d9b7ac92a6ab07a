"""The published file format: the only place that knows columns, names and shapes.

- A face is 184 numbers: expression, head rotation, jaw rotation, detail; the models use the first 56.
- A person's data is `{train,test}/p{0,1}_{list,speak}_*_clean_deca.npy`; row i of all four is the same moment.
- p0 is the person on the left of the picture, p1 the one on the right.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from l2l.arrays import INSANE, Array, map_npy, sane
from l2l.errors import UserError
from l2l.sides import SIDES, Side, other, published
from l2l.units import AUDIO_PER_FRAME, FACE_DIM, MEL_BANDS

log = logging.getLogger(__name__)

WINDOW = 64  # frames in a published window
EXPRESSION = slice(0, 50)
ROTATION = slice(50, 53)  # head rotation, axis-angle, radians
JAW = slice(53, 56)  # jaw rotation, axis-angle, radians
DETAIL = slice(56, 184)  # zeros when a backend has none
REGIONS = {"expression": EXPRESSION, "rotation": ROTATION, "jaw": JAW}

Split = Literal["train", "test"]
SPLITS: tuple[Split, Split] = get_args(Split)

PART_SHAPES = {  # of one window, by its part in `Chunks`
    "listener": (WINDOW, FACE_DIM),
    "speaker": (WINDOW, FACE_DIM),
    "audio": (WINDOW * AUDIO_PER_FRAME, MEL_BANDS),
    "files": (WINDOW, 3),
}


def chunk_paths(folder: str | Path, split: Split, listener: Side) -> dict[str, Path]:
    """The four files in which `listener` listens and the other speaks, by their part in `Chunks`."""
    listens, speaks, base = published(listener), published(other(listener)), Path(folder) / split
    return {
        "listener": base / f"{listens}_list_faces_clean_deca.npy",
        "speaker": base / f"{speaks}_speak_faces_clean_deca.npy",
        "audio": base / f"{speaks}_speak_audio_clean_deca.npy",
        "files": base / f"{speaks}_speak_files_clean_deca.npy",
    }


def dataset_files(folder: str | Path, *splits: Split) -> list[Path]:
    """The eight files of each of these splits; none: the 16 files of one person."""
    return [p for split in splits or SPLITS for side in SIDES for p in chunk_paths(folder, split, side).values()]


@dataclass(frozen=True)
class Chunks:
    """Windows of one person listening to the other; arrays are memory-mapped and read-only."""

    listener: np.ndarray  # (N, 64, 184) float32
    speaker: np.ndarray  # (N, 64, 184) float32
    audio: np.ndarray  # (N, 256, 128) float
    files: np.ndarray  # (N, 64, 3) unicode: video, position, frame number

    def __len__(self) -> int:
        return len(self.listener)

    def first(self, count: int) -> "Chunks":
        """The first `count` windows."""
        return Chunks(self.listener[:count], self.speaker[:count], self.audio[:count], self.files[:count])

    @property
    def videos(self) -> np.ndarray:
        """(N,) the video each window comes from."""
        return self.files[:, 0, 0]


def load_chunks(folder: str | Path, split: Split, listener: Side) -> Chunks:
    """Map the four files of one split. Raises UserError naming the file that is missing or misshapen."""
    arrays: dict[str, np.ndarray] = {}
    for part, path in chunk_paths(folder, split, listener).items():
        arrays[part] = map_npy(path, "an array", "l2l chunk", Array(None, "U" if part == "files" else "f"))
        wanted = (*arrays["listener"].shape[:1], *PART_SHAPES[part])
        if arrays[part].shape != wanted:
            raise UserError(f"{path} has shape {arrays[part].shape}, expected {wanted}; make the chunks again.")
    return Chunks(**arrays)


def check_numbers(folder: str | Path, split: Split, chunks: Chunks, parts: Sequence[str]) -> None:
    """Raises UserError for a window in which one of the `parts` has no sensible numbers."""
    for part in parts:
        for row, window in enumerate(getattr(chunks, part)):
            if not sane(window):
                raise UserError(f"{folder}/{split}: the {part} array has {INSANE} in window {row}; chunk again.")


def first_frames(files: np.ndarray) -> np.ndarray:
    """First frame number (N,) of each window, from `Chunks.files` (N, T, 3).

    Where the numbers cannot be read, no window is taken to follow another.
    """
    try:
        return files[:, 0, 2].astype(float).astype(int)
    except ValueError:
        log.warning("frame numbers cannot be read, so windows are not joined: %r", files[0, 0, 2])
        starts, recordings = np.zeros(len(files), int), files[:, 0, 0]
        for name in np.unique(recordings):
            starts[recordings == name] = (files.shape[1] + 1) * np.arange((recordings == name).sum())
        return starts


def concatenate(people: Sequence[Chunks]) -> Chunks:
    """The windows of several people, one after another; a single one stays memory-mapped."""
    if len(people) == 1:
        return people[0]
    return Chunks(**{part: np.concatenate([getattr(person, part) for person in people]) for part in PART_SHAPES})
