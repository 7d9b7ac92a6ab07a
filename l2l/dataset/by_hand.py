"""chunk-arrays: arrays made with other tools, cut into the published windows of 64 frames.

One folder per recording: `p0_faces.npy`, `p1_faces.npy` of shape (T, 56) or (T, 184), and `p1_audio.npy` of shape
(4T, 128) when p0 listens (`p0_audio.npy` when p1 does), each with or without a leading 1. The names that the authors'
page tells people to use (`p0_list_faces_clean_deca.npy` and so on) are taken too. Faces may also be named columns, as
Live Link Face writes them: `p0_faces.csv` (`l2l.dataset.face_tables`).

- The whole recording is one stretch of listening, but for gaps in a CSV. There is no sound of the listener, so that the
  files of the other direction are written with no windows.
- All files of a recording begin at the same moment. Ends that differ by up to two frames are cut.
- Recordings lie in `train/` and `test/`, or in neither; then the split is made by recording. One alone is divided by
  time.

Run it alone: `l2l chunk-arrays data/raw/alice --train monday --test friday --listener left --out data/alice`.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from l2l import config
from l2l.dataset.checked import check_finite, open_array
from l2l.dataset.face_tables import FaceRows, read_faces
from l2l.dataset.layout import SPLITS, WINDOW, Split
from l2l.dataset.split import divided, is_alone, split_videos
from l2l.dataset.writer import Listening, write_dataset
from l2l.errors import UserError
from l2l.sides import Side, other, published
from l2l.speech.intervals import intervals
from l2l.units import AUDIO_PER_FRAME, FACE_DIM, MEL_BANDS, MODEL_DIM

SLACK = 2  # frames by which the ends of a recording's files may differ


def files(folder: Path) -> list[Path]:
    """Every file of a recording that may be read."""
    return sorted(path for path in folder.glob("*") if path.suffix in (".npy", ".csv"))


def split_recordings(folder: Path, test_names: Sequence[str], share: float) -> dict[Split, list[str]]:
    """Folders below `folder`, by split. `train/` and `test/` decide when they are there, else names and share do."""
    found = _folders(folder)
    if not found:
        arrays = "p0_faces.npy, p1_faces.npy and the speaker's sound"
        raise UserError(f"{folder}/ holds no recordings; make a folder for each, with {arrays}.")
    if not set(found) & set(SPLITS):
        train, test = split_videos(found, test_names, share)
        return {"train": train, "test": test}
    if set(found) != set(SPLITS):
        stray = sorted(set(found) ^ set(SPLITS))[0]
        raise UserError(f"{folder}/: with train/ or test/ there must be both and nothing else, but see {stray!r}.")
    if test_names:
        raise UserError(f"{folder}/ has train/ and test/, so that test_videos decides nothing; take it out.")
    return {split: [f"{split}/{name}" for name in _folders(folder / split)] for split in SPLITS}


def chunk_arrays(
    folder: Path, split: dict[Split, Sequence[str]], out: Path, listener: Side, settings: config.ChunkingSettings
) -> dict[Split, int]:
    """Write the chunk files of both splits; all of them or none. Returns the number of windows in each.

    Raises UserError naming the file that is missing, too short, misshapen or not finite.
    """
    strides: dict[Split, int] = {"train": settings.stride_train, "test": settings.stride_test}
    chosen = {part: [_recording(folder, name, listener, strides[part]) for name in split[part]] for part in split}
    if not any(chosen.values()):
        raise UserError(f"{folder}/: no recordings were chosen; name some for training.")
    if is_alone(split, settings.test_share):
        train, test = (_recording(folder, split["train"][0], listener, strides[part]) for part in SPLITS)
        found = divided(train.starts, test.starts, settings.test_share, train.name)
        chosen = {"train": [replace(train, starts=found["train"])], "test": [replace(test, starts=found["test"])]}
    write_dataset(out, {(part, listener): recordings for part, recordings in chosen.items()})
    return {part: sum(len(recording.starts) for recording in recordings) for part, recordings in chosen.items()}


def _folders(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*") if path.is_dir() and not path.name.startswith("."))


def _find(folder: Path, listener: Side) -> list[Path]:
    """The files of one recording, under our names or the authors': listening face, speaking face, sound."""
    listens, speaks = published(listener), published(other(listener))
    paths = []
    for ours, theirs in (
        (f"{listens}_faces", f"{listens}_list_faces_clean_deca.npy"),
        (f"{speaks}_faces", f"{speaks}_speak_faces_clean_deca.npy"),
        (f"{speaks}_audio", f"{speaks}_speak_audio_clean_deca.npy"),
    ):
        tables = [f"{ours}.csv"] if "faces" in ours else []
        found = [folder / name for name in (f"{ours}.npy", theirs, *tables) if (folder / name).exists()]
        if len(found) > 1:
            raise UserError(f"{folder} holds both {found[0].name} and {found[1].name}; keep one of them.")
        if not found:
            missing = " or ".join([f"{folder / ours}.npy", *tables])
            raise UserError(f"{missing} is missing; it is needed because the person on the {listener} listens.")
        paths += found
    return paths


def _recording(folder: Path, name: str, listener: Side, stride: int) -> Listening:
    """Map the arrays of one recording and check their shapes; their values are checked when they are read."""
    *tables, sound = paths = _find(folder / name, listener)
    listening, speaking = (_faces(path) for path in tables)
    audio = _without_batch(open_array(sound, "numbers"), sound)
    counts = [len(listening.faces), len(speaking.faces)]
    for path, count in zip(tables, counts, strict=True):
        if count < WINDOW:
            raise UserError(f"{path} has {count} frames; a window needs {WINDOW}: leave this recording out.")
    if abs(counts[1] - counts[0]) > SLACK:
        raise UserError(f"{paths[1]} has {counts[1]} frames but {paths[0]} has {counts[0]}; cut them alike.")
    expected = (AUDIO_PER_FRAME * counts[0], MEL_BANDS)
    if audio.shape[1] != MEL_BANDS or abs(len(audio) - expected[0]) > SLACK * AUDIO_PER_FRAME:
        why = f"{AUDIO_PER_FRAME} rows for each of {counts[0]} frames; cut or pad it"
        raise UserError(f"{sound} has shape {audio.shape}, expected {expected}: {why}.")
    frames = min(*counts, len(audio) // AUDIO_PER_FRAME)
    known = listening.known[:frames] & speaking.known[:frames]
    starts = [start for a, b in intervals(known) for start in range(a, b - WINDOW + 1, stride)]
    if not starts:
        raise UserError(f"{folder / name} has no {WINDOW} frames without a gap; leave this recording out.")

    def read() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        arrays = listening.faces, speaking.faces, audio
        for path, array in zip(paths, arrays, strict=True):
            check_finite(array, str(path))
        return arrays

    return Listening(name, starts, read)


def _faces(path: Path) -> FaceRows:
    if path.suffix == ".csv":
        return read_faces(path)
    faces = _without_batch(open_array(path, "numbers"), path)
    if faces.shape[1] not in (FACE_DIM, MODEL_DIM):
        raise UserError(f"{path} has {faces.shape[1]} columns, expected 56 (expression, rotation, jaw) or 184.")
    return FaceRows(faces, np.ones(len(faces), bool))


def _without_batch(array: np.ndarray, path: Path) -> np.ndarray:
    """(1, T, C) or (T, C) -> (T, C)."""
    if array.ndim == 3 and len(array) == 1:
        return array[0]
    if array.ndim != 2:
        raise UserError(f"{path} has shape {array.shape}, expected (T, columns) or (1, T, columns); reshape it.")
    return array
