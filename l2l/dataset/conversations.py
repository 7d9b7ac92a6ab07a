"""Whole conversations, beside the windows: all of a recording that shows both faces, also silences and own turns.

- Windows lie inside turns of the other. A predictor that has seen nothing else nods on into a silence.
- A stretch is continuous: one recording, one scene, both faces valid. It is as long as it lasts, a window or more.
- `l2l chunk` writes them, next to the published files, which stay as they are; `l2l gather` puts those of several
  people together. Data from elsewhere have none.
- Each of the two people may be the listener: the arrays are by person, not by role.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from l2l.arrays import Array, map_npy
from l2l.dataset.layout import SPLITS, WINDOW, Split
from l2l.errors import UserError
from l2l.files import atomic, create_array, reading, write_rows
from l2l.progress import progress
from l2l.sides import SIDES, Side, other
from l2l.speech.intervals import intervals
from l2l.units import AUDIO_PER_FRAME, MEL_BANDS, MODEL_DIM

FOLDER = "conversations"  # beside train/ and test/


class Person(NamedTuple):
    """One of the two, in T frames."""

    faces: np.ndarray  # (T, 56)
    mel: np.ndarray  # (4 T, 128) of their own speech
    floor: np.ndarray  # (T,) bool: in a turn of theirs


Both = Mapping[Side, Person]


class Stretch(NamedTuple):
    """A continuous part of a recording."""

    recording: str
    first: int  # its first frame in the recording
    length: int  # frames


@dataclass(frozen=True)
class Source:
    """Some stretches of one recording. `read` gives its arrays when they are needed, from frame `begin` on."""

    stretches: Sequence[Stretch]
    read: Callable[[], Both]
    begin: int = 0


def conversation_paths(folder: str | Path, split: Split) -> dict[str, Path]:
    """The seven files of one split, by name: three of each person, and which stretches they hold."""
    names = [f"{part}_{side}" for side in SIDES for part in Person._fields] + ["stretches"]
    return {name: Path(folder) / FOLDER / split / f"{name}.npy" for name in names}


def conversation_files(folder: str | Path, *splits: Split) -> list[Path]:
    """The files of these splits; none: of both."""
    return [path for split in splits or SPLITS for path in conversation_paths(folder, split).values()]


@dataclass(frozen=True)
class Conversations:
    """Stretches one after another, F frames in all; arrays are memory-mapped and read-only."""

    people: Both
    stretches: Sequence[Stretch]
    listener: Side

    @property
    def heard(self) -> Person:
        """The other, whom the listener hears."""
        return self.people[other(self.listener)]

    @property
    def listens(self) -> np.ndarray:
        """(F,) bool: the other has the floor, or nobody. Frames of a window are all of this kind."""
        return self.heard.floor | ~self.people[self.listener].floor

    def chosen(self, keep: Callable[[str, np.ndarray], np.ndarray]) -> list[tuple[Stretch, slice]]:
        """What remains of each stretch, and where it lies in the arrays, when frames are left out.

        `keep` says which frames of a recording stay: its name and their numbers (T,) -> (T,) bool. What is shorter
        than a window is left out.
        """
        found, row = [], 0
        for recording, first, length in self.stretches:
            for start, end in intervals(keep(recording, np.arange(first, first + length))):
                if end - start >= WINDOW:
                    found.append((Stretch(recording, first + start, end - start), slice(row + start, row + end)))
            row += length
        return found

    def source(self, stretch: Stretch, rows: slice) -> Source:
        """A stretch that `chosen` found, to be written again."""

        def read() -> Both:
            sound = slice(AUDIO_PER_FRAME * rows.start, AUDIO_PER_FRAME * rows.stop)
            return {side: Person(p.faces[rows], p.mel[sound], p.floor[rows]) for side, p in self.people.items()}

        return Source([stretch], read, stretch.first)


def load_conversations(folder: str | Path, split: Split, listener: Side) -> Conversations | None:
    """Map the files of one split; None where there are none. Raises UserError naming one that is missing or wrong."""
    paths = conversation_paths(folder, split)
    if not any(path.exists() for path in paths.values()):
        return None
    arrays: dict[str, np.ndarray] = {}
    for name, path in paths.items():
        kind = "U" if name == "stretches" else "b" if name.startswith("floor") else "f"
        arrays[name] = map_npy(path, "an array", "l2l chunk", Array(None, kind))
    with reading(paths["stretches"], "a list of stretches", "l2l chunk"):
        stretches = [Stretch(str(name), int(first), int(length)) for name, first, length in arrays["stretches"]]
    frames = sum(stretch.length for stretch in stretches)
    people: dict[Side, Person] = {}
    for side in SIDES:
        people[side] = Person(**{part: arrays[f"{part}_{side}"] for part in Person._fields})
        wanted = {"faces": (frames, MODEL_DIM), "mel": (AUDIO_PER_FRAME * frames, MEL_BANDS), "floor": (frames,)}
        for part, shape in wanted.items():
            file, found = paths[f"{part}_{side}"], arrays[f"{part}_{side}"].shape
            if found != shape:
                raise UserError(f"{file} has shape {found}, expected {shape}; make the chunks again.")
    return Conversations(people, stretches, listener)


@contextlib.contextmanager
def new_conversations(folder: Path, *splits: Split) -> Iterator[dict[Split, dict[str, Path]]]:
    """Temporary paths of the files of these splits; at the end all of them become files, or none."""
    with contextlib.ExitStack() as stack:
        yield {
            split: {name: stack.enter_context(atomic(path)) for name, path in conversation_paths(folder, split).items()}
            for split in splits
        }


def write_conversations(paths: Mapping[str, Path], sources: Sequence[Source]) -> None:
    """Fill the files of one split, recording by recording, so that they never have to fit in memory."""
    stretches = [stretch for source in sources for stretch in source.stretches]
    frames = sum(stretch.length for stretch in stretches)
    floors: dict[Side, list[np.ndarray]] = {side: [] for side in SIDES}
    for side in SIDES:
        create_array(paths[f"faces_{side}"], (frames, MODEL_DIM))
        create_array(paths[f"mel_{side}"], (AUDIO_PER_FRAME * frames, MEL_BANDS))
    row = 0
    for source in progress(sources, "whole conversations", unit="recording"):
        both = source.read() if source.stretches else {}
        for _, first, length in source.stretches:
            begin, end = first - source.begin, first - source.begin + length
            for side, person in both.items():
                write_rows(paths[f"faces_{side}"], row, person.faces[begin:end, :MODEL_DIM])
                sound = person.mel[AUDIO_PER_FRAME * begin : AUDIO_PER_FRAME * end]
                write_rows(paths[f"mel_{side}"], AUDIO_PER_FRAME * row, sound)
                floors[side].append(person.floor[begin:end])
            row += length
    for side in SIDES:
        np.save(paths[f"floor_{side}"], np.concatenate([np.zeros(0, bool), *floors[side]]))
    named = [(name, str(first), str(length)) for name, first, length in stretches]
    np.save(paths["stretches"], np.array(named) if named else np.empty((0, 3), "<U1"))
