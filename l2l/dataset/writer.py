"""Writing windows in the published layout, recording by recording, so that a data set never has to fit in memory."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from l2l.dataset.conversations import conversation_files
from l2l.dataset.layout import PART_SHAPES, SPLITS, WINDOW, Split, chunk_paths
from l2l.files import atomic, create_array
from l2l.progress import progress
from l2l.sides import SIDES, Side, other
from l2l.units import AUDIO_PER_FRAME

NUMBERS = ("listener", "speaker", "audio")


@dataclass(frozen=True)
class Listening:
    """One recording in which somebody listens. `read` gives its arrays when they are needed:

    the listener's face and the speaker's, (T, 56 or 184), and the speaker's speech, (4 T, 128).
    """

    name: str  # of the recording
    starts: Sequence[int]  # first frames of the windows
    read: Callable[[], tuple[np.ndarray, np.ndarray, np.ndarray]]


@contextlib.contextmanager
def new_dataset(out: Path) -> Iterator[dict[tuple[Split, Side], dict[str, Path]]]:
    """Temporary paths of the 16 files, by split, listener and part; at the end all of them become files, or none.

    Whole conversations of earlier windows are deleted then.
    """
    with contextlib.ExitStack() as stack:
        paths = {(split, side): chunk_paths(out, split, side) for split in SPLITS for side in SIDES}
        yield {
            which: {part: stack.enter_context(atomic(path)) for part, path in parts.items()}
            for which, parts in paths.items()
        }
    for path in conversation_files(out):
        path.unlink(missing_ok=True)


def write_dataset(out: Path, recordings: Mapping[tuple[Split, Side], Sequence[Listening]]) -> None:
    """Write all files of both splits and both listeners, where no recordings are given without windows."""
    with new_dataset(out) as files:
        for which, paths in files.items():
            _write_windows(paths, which[1], recordings.get(which, ()))


def _write_windows(paths: Mapping[str, Path], listener: Side, recordings: Sequence[Listening]) -> None:
    """Faces of 56 columns are padded to the published 184: a detail code that is not there is zeros."""
    count = sum(len(one.starts) for one in recordings)
    for part in NUMBERS:
        create_array(paths[part], (count, *PART_SHAPES[part]))
    rows: list[list[tuple[str, str, str]]] = []
    for one in progress(recordings, f"chunk {listener} listens", unit="recording"):
        listening, speaking, sound = one.read()
        # Mapped anew for each recording, so that what was written does not stay in memory.
        listener_file, speaker_file, audio_file = (np.lib.format.open_memmap(paths[part], "r+") for part in NUMBERS)
        for start in one.starts:
            row, frames = len(rows), slice(start, start + WINDOW)
            listener_file[row, :, : listening.shape[1]] = listening[frames]
            speaker_file[row, :, : speaking.shape[1]] = speaking[frames]
            audio_file[row] = sound[AUDIO_PER_FRAME * start : AUDIO_PER_FRAME * (start + WINDOW)]
            rows.append([(one.name, other(listener), str(frame)) for frame in range(start, start + WINDOW)])
    np.save(paths["files"], np.array(rows) if rows else np.empty((0, WINDOW, 3), "<U1"))  # (N, 64, 3)
