"""Where the recording of a window lies, and on which side of it the listener sits.

A model of several people has windows of all of them (`l2l.dataset.together`). Their recordings lie in each person's own
results, and the listener may sit on another side there than in the windows, where it is always the left.
"""

from pathlib import Path

import numpy as np

from l2l.dataset.layout import Chunks, first_frames
from l2l.dataset.together import BETWEEN
from l2l.faces.store import load_faces
from l2l.sides import SIDES, Side
from l2l.units import MODEL_DIM


def recording_folder(results: Path, name: str) -> Path:
    """results/<person>/videos/<recording> of a recording as windows name it; it need not be there."""
    person, _, recording = name.partition(BETWEEN)
    of_person = results.parent / person / "videos" / recording
    return of_person if recording and of_person.is_dir() else results / "videos" / name


def seat_of(folder: Path, windows: Chunks, name: str) -> Side | None:
    """Whose measured faces the listener's are, in the recording in `folder`; None when they are nobody's."""
    row = int(np.flatnonzero(windows.videos == name)[0])
    first, truth = int(first_frames(windows.files[row : row + 1])[0]), windows.listener[row, :, :MODEL_DIM]
    for side in SIDES:
        measured = load_faces(folder / f"faces_{side}.npz").faces[first : first + len(truth), :MODEL_DIM]
        if np.array_equal(measured, truth):
            return side
    return None
