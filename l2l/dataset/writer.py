"""Writing windows in the published layout, recording by recording, so that a data set never has to fit in memory."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from l2l.dataset.layout import PART_SHAPES, WINDOW
from l2l.files import create_array
from l2l.units import AUDIO_PER_FRAME

NUMBERS = ("listener", "speaker", "audio")


@dataclass(frozen=True)
class Conversation:
    """What both people did in one recording, and where its windows start."""

    name: str  # of the recording
    listening: np.ndarray  # (T, 56 or 184) the listener's face
    speaking: np.ndarray  # (T, 56 or 184) the speaker's face
    audio: np.ndarray  # (4T, 128) the speaker's speech
    starts: list[int]  # first frames of the windows


def write_windows(paths: Mapping[str, Path], count: int, seat: str, conversations: Iterable[Conversation]) -> None:
    """Write the four files of one listener: `count` windows in all; `seat` is the speaker's, left or right.

    Faces of 56 columns are padded to the published 184: a detail code that is not there is zeros.
    """
    for part in NUMBERS:
        create_array(paths[part], (count, *PART_SHAPES[part]))
    rows: list[list[tuple[str, str, str]]] = []
    for one in conversations:
        # Mapped anew for each recording, so that what was written does not stay in memory.
        listener, speaker, audio = (np.load(paths[part], mmap_mode="r+", allow_pickle=False) for part in NUMBERS)
        for start in one.starts:
            row, frames = len(rows), slice(start, start + WINDOW)
            listener[row, :, : one.listening.shape[1]] = one.listening[frames]
            speaker[row, :, : one.speaking.shape[1]] = one.speaking[frames]
            audio[row] = one.audio[AUDIO_PER_FRAME * start : AUDIO_PER_FRAME * (start + WINDOW)]
            rows.append([(one.name, seat, str(frame)) for frame in range(start, start + WINDOW)])
    assert len(rows) == count, "the files were made for another number of windows"
    np.save(paths["files"], np.array(rows) if rows else np.empty((0, WINDOW, 3), "<U1"))  # (N, 64, 3)
