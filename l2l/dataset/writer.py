"""Writing windows in the published layout, recording by recording, so that a dataset never has to fit in memory."""

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from l2l.dataset.layout import PART_SHAPES, WINDOW
from l2l.units import AUDIO_PER_FRAME, FACE_DIM


@dataclass(frozen=True)
class Recording:
    """What both people did in one recording, and where its windows start."""

    name: str
    listening: np.ndarray  # (T, 56 or 184) the listener's face
    speaking: np.ndarray  # (T, 56 or 184) the speaker's face
    audio: np.ndarray  # (4T, 128) the speaker's speech
    starts: list[int]  # first frames of the windows


def write_windows(paths: Mapping[str, Path], count: int, seat: str, recordings: Iterable[Recording]) -> None:
    """Write the four files of one listener: `count` windows in all; `seat` is the speaker's, left or right."""
    with contextlib.ExitStack() as stack:
        files = {part: stack.enter_context(open(path, "wb")) for part, path in paths.items()}
        for part in ("listener", "speaker", "audio"):
            header = {"descr": "<f4", "fortran_order": False, "shape": (count, *PART_SHAPES[part])}
            np.lib.format.write_array_header_1_0(files[part], header)
        rows: list[list[tuple[str, str, str]]] = []
        for recording in recordings:
            for start in recording.starts:
                files["listener"].write(_faces(recording.listening[start : start + WINDOW]))
                files["speaker"].write(_faces(recording.speaking[start : start + WINDOW]))
                sound = recording.audio[AUDIO_PER_FRAME * start : AUDIO_PER_FRAME * (start + WINDOW)]
                files["audio"].write(np.ascontiguousarray(sound, "<f4").tobytes())
                rows.append([(recording.name, seat, str(frame)) for frame in range(start, start + WINDOW)])
        assert len(rows) == count, "the header was written for another number of windows"
        names = np.array(rows) if rows else np.empty((0, WINDOW, 3), "<U1")  # (N, 64, 3)
        np.lib.format.write_array(files["files"], names, allow_pickle=False)


def _faces(faces: np.ndarray) -> bytes:
    """(64, 56 or 184) as 184 columns; detail that is not there is zeros."""
    full = np.zeros((len(faces), FACE_DIM), "<f4")
    full[:, : faces.shape[1]] = faces
    return full.tobytes()
