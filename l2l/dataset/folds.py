"""Folds: a data set of few recordings, divided anew, so that each recording is for testing once.

- Fold k of n tests on every n-th recording and trains on all others, also on those that the set itself is tested on.
- A single recording is divided by time, into blocks of as much listening each: block k of n is for testing; what lies
  within GAP seconds of it is left out.
- A fold is a folder in the published format, so that all that trains and tests works on it as it is.
- Where there are whole conversations, those of its recordings, or times, go with it.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from l2l.dataset.conversations import Conversations, load_conversations, new_conversations, write_conversations
from l2l.dataset.layout import PART_SHAPES, SPLITS, WINDOW, Chunks, Split, first_frames, load_chunks
from l2l.dataset.split import GAP
from l2l.dataset.writer import NUMBERS, new_dataset
from l2l.errors import UserError
from l2l.files import create_array, write_rows
from l2l.sides import Side, other
from l2l.units import FPS

FEW = 5  # test recordings, below which an interval over them says little
MOST = 5  # folds that are made where nobody said how many
_STEP = WINDOW // 2  # frames between test windows at least: those that are predicted come once
_AT_ONCE = 64  # windows in memory

Parts = list[tuple[Chunks, np.ndarray]]  # windows, and which of them
Keep = Callable[[str, np.ndarray], np.ndarray]  # a recording's name and frame numbers (T,) -> which of them (T,) bool


def write_fold(chunks: Path, fold: int, of: int, listener: Side, out: Path) -> dict[Split, int]:
    """Write fold `fold` (1 to `of`) of the windows of both splits of `chunks` to `out`; the numbers of its windows.

    Only the windows in which `listener` listens are written. Raises UserError when there is nothing to train on.
    """
    if not 1 <= fold <= of or of < 2:
        raise UserError(f"--fold {fold} --of {of}: give 2 folds or more, and one of 1 to {max(of, 2)}.")
    data = [load_chunks(chunks, split, listener) for split in SPLITS]
    names = np.unique(np.concatenate([one.videos for one in data])).tolist()
    parts: dict[Split, Parts] = {"train": [], "test": []}
    if len(names) == 1:
        starts = np.sort(np.concatenate([first_frames(one.files) for one in data]))
        edges = [*starts[len(starts) * np.arange(of) // of], starts[-1] + WINDOW]
        begin, end = edges[fold - 1], edges[fold]
        for one in data:
            tested, trained = _in_block(first_frames(one.files), begin, end)
            parts["test"].append((one, _thinned(one, tested)))
            parts["train"].append((one, trained))

        def trains(recording: str, frames: np.ndarray) -> np.ndarray:
            return (frames < begin - GAP * FPS) | (frames >= end + GAP * FPS)

        def tests(recording: str, frames: np.ndarray) -> np.ndarray:
            return (frames >= begin) & (frames < end)
    else:
        left_out = names[fold - 1 :: of]

        def trains(recording: str, frames: np.ndarray) -> np.ndarray:
            return np.full(len(frames), recording not in left_out)

        def tests(recording: str, frames: np.ndarray) -> np.ndarray:
            return np.full(len(frames), recording in left_out)

        for one in data:
            tested = np.isin(one.videos, left_out)
            parts["test"].append((one, _thinned(one, np.flatnonzero(tested))))
            parts["train"].append((one, np.flatnonzero(~tested)))
    counts: dict[Split, int] = {split: sum(len(rows) for _, rows in parts[split]) for split in SPLITS}
    if not counts["train"]:
        raise UserError(f"{chunks} leaves nothing to train on in fold {fold} of {of}; add a recording or longer ones.")
    with new_dataset(out) as files:
        for split in SPLITS:
            _write(files[split, listener], parts[split])
            _write(files[split, other(listener)], [])
    whole = [load_conversations(chunks, split, listener) for split in SPLITS]
    if known := [one for one in whole if one]:
        _write_conversations(known, {"train": trains, "test": tests}, out)
    return counts


def _in_block(starts: np.ndarray, begin: float, end: float) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the windows inside the frames [begin, end), and of those that lie GAP seconds or more outside."""
    gap = GAP * FPS
    inside = (starts >= begin) & (starts + WINDOW <= end)
    outside = (starts + WINDOW <= begin - gap) | (starts >= end + gap)
    return np.flatnonzero(inside), np.flatnonzero(outside)


def _thinned(chunks: Chunks, rows: np.ndarray) -> np.ndarray:
    """Those of `rows` that begin half a window or more after the one before, by recording."""
    starts, videos = first_frames(chunks.files), chunks.videos
    found: list[int] = []
    for row in rows[np.lexsort((starts[rows], videos[rows]))].tolist():
        if not found or videos[row] != videos[found[-1]] or starts[row] >= starts[found[-1]] + _STEP:
            found.append(row)
    return np.array(found, int)


def _write_conversations(whole: list[Conversations], keep: Mapping[Split, Keep], out: Path) -> None:
    """Those frames that `keep` chooses for each split, from those of both."""
    with new_conversations(out, *keep) as paths:
        for split, chosen in keep.items():
            write_conversations(paths[split], [one.source(*found) for one in whole for found in one.chosen(chosen)])


def _write(paths: Mapping[str, Path], parts: Parts) -> None:
    count = sum(len(rows) for _, rows in parts)
    for part in NUMBERS:
        create_array(paths[part], (count, *PART_SHAPES[part]))
        first = 0
        for chunks, rows in parts:
            for start in range(0, len(rows), _AT_ONCE):
                some = rows[start : start + _AT_ONCE]
                write_rows(paths[part], first, getattr(chunks, part)[some])
                first += len(some)
    named = [chunks.files[rows] for chunks, rows in parts if len(rows)]
    np.save(paths["files"], np.concatenate(named) if named else np.empty((0, WINDOW, 3), "<U1"))
