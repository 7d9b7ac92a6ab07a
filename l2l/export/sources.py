"""Takes from the files of this project: measured faces, the samples of a person's results, a live session.

- A faces file is one take; the folder of a recording holds two of them.
- Of a person's results, the test clips: turns where a future of whole turns was drawn, else windows. Where a person
  sits in a recording is found by comparing its faces files with the windows: several people in one model may sit on
  different sides.
- Data without recordings are named shapes where they look so, else they have the columns of `deca`, as published ones
  do; `backend` may say it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from l2l.arrays import Array
from l2l.dataset.layout import Chunks, first_frames, load_chunks
from l2l.dataset.samples import load_samples
from l2l.dataset.seats import recording_folder, seat_of
from l2l.dataset.together import BETWEEN
from l2l.errors import UserError
from l2l.export.take import AtRest, Take, WholeRecording
from l2l.faces.columns import are_shapes
from l2l.faces.store import Faces, backend_of, hold, load_faces, open_faces
from l2l.features.sequences import chain
from l2l.sides import SIDES, Side, other
from l2l.speech.speaking import SPEAKS, load_speaking
from l2l.training.checkpoint import read_checkpoint
from l2l.units import MODEL_DIM


def of_file(path: Path, basis: Path | None = None) -> Take:
    """The take of a faces file. Raises UserError when it is none, or when the face is never seen."""
    faces, folder = load_faces(path), path.resolve().parent
    with open_faces(path) as file:  # `l2l listen` writes who speaks
        speaks = file.read("probability", Array((len(faces), 2))) >= SPEAKS if "probability" in file else None
    if not faces.valid.any():
        raise UserError(f"{path}: the face is never seen, so there is nothing to export; take another recording.")
    if speaks is None:
        what, name = path.stem.removeprefix("faces_"), f"{folder.name}_{path.stem}"
        around = _recording(folder, len(faces))
    else:
        what, name = "listener", path.stem
        around = WholeRecording(path.stem, len(faces), _there(path, ".mp4"), None, speaks)
    motion, at_rest = hold(faces.faces[:, :MODEL_DIM], faces.valid), _at_rest(faces)
    basis = basis or _basis(folder.parent.parent)
    return Take(name, what, faces.backend, motion, faces.valid, around, at_rest=at_rest, basis=basis)


def of_session(path: Path, sides: Sequence[Side], basis: Path | None = None) -> list[Take]:
    """The takes of a faces file. One of a live conversation (`l2l live`) also holds who talked, on the left.

    Default: of the person whose file it is. Raises UserError as `of_file`, and for a side that the file does not have.
    """
    listener = of_file(path, basis)
    with open_faces(path) as file:
        wanted = {"speaker": Array(("T", "C")), "speaker_seen": Array(("T",), "b")}
        talked = [file.read(name, array) for name, array in wanted.items()] if "speaker" in file else None
    if "left" not in sides or (talked is None and listener.what != "listener"):
        return [listener]  # a faces file is of one person
    if talked is None or not talked[1].any():
        raise UserError(f"{path} holds no face of the person on the left; leave --side out.")
    motion = hold(talked[0][:, :MODEL_DIM], talked[1])
    name, what = f"{listener.name}_speaker", "speaker"
    speaker = replace(listener, name=name, what=what, motion=motion, seen=talked[1], at_rest=None)
    return [speaker, *([listener] if "right" in sides else [])]


def of_recording(folder: Path, sides: Sequence[Side], basis: Path | None = None) -> list[Take]:
    """The takes of the people of a preprocessed recording; default: both."""
    return [of_file(folder / f"faces_{side}.npz", basis) for side in sides or SIDES]


class Passage(NamedTuple):
    """Frames of a test recording that belong together, as rows of windows."""

    rows: list[int]
    new: list[int]  # the first frame that each window brings
    first: int  # frame of the recording

    def of(self, array: np.ndarray) -> np.ndarray:
        """The clip's frames (T, 56) of an array of all windows (N, 64, at least 56)."""
        parts = zip(self.rows, self.new, strict=True)
        return np.concatenate([array[row, new:, :MODEL_DIM] for row, new in parts])


def of_results(
    results: Path,
    chunks: Path,
    sides: Sequence[Side],
    count: int | None,
    basis: Path | None = None,
    backend: str | None = None,
) -> list[Take]:
    """The takes of the test clips: the true listener, and `count` futures of each window.

    `count` None: one future of each turn, where whole turns were drawn, else of each window. `sides`: left and right of
    the picture; default, the listener alone. Raises UserError naming the file that is missing or does not fit.
    """
    listener: Side = read_checkpoint(results / "codebook.pt", "codebook")["listener"]
    windows = load_chunks(chunks, "test", listener)
    drawn = load_samples(results / "samples.npz", len(windows))
    futures, given = drawn["samples"], drawn["given"]
    windows = windows.first(futures.shape[1])
    if count is not None and not 0 <= count <= len(futures):
        raise UserError(f"{results / 'samples.npz'} holds {len(futures)} futures of each window; give --samples fewer.")
    starts = first_frames(windows.files)
    if count is None and "turns" in drawn:
        turns = chain(windows, np.arange(len(windows)))
        clips = [Passage([p.row for p in turn], [p.new for p in turn], int(starts[turn[0].row])) for turn in turns]
        futures, given = drawn["turns"][None], np.full(len(windows), drawn["first_frame"].item())
    else:
        clips = [Passage([row], [0], int(start)) for row, start in enumerate(starts)]
        futures = futures[: 1 if count is None else count]
    takes: list[Take] = []
    for name in dict.fromkeys(windows.videos.tolist()):
        own = [clip for clip in clips if windows.videos[clip.rows[0]] == name]
        place = _place(results, name, windows, own, listener, basis, backend)
        for clip in own:
            takes += _of_clip(clip, windows, futures, int(given[clip.rows[0]]), place, sides)
    return takes


class Place(NamedTuple):
    """Whose recording a test recording is."""

    recording: WholeRecording
    seats: dict[Side, AtRest | None]  # the listener's, then the speaker's
    backend: str
    basis: Path | None


def _place(
    results: Path,
    name: str,
    windows: Chunks,
    clips: Sequence[Passage],
    listener: Side,
    basis: Path | None,
    backend: str | None,
) -> Place:
    folder = recording_folder(results, name)
    basis = basis or _basis(folder.parents[1] if folder.is_dir() else results)
    guessed = "blendshapes" if are_shapes(windows.listener[..., :MODEL_DIM]) else "deca"
    backend = backend_of(basis) if basis else backend or guessed
    end = max(clip.first + len(clip.of(windows.listener)) for clip in clips)
    around = replace(_recording(folder, end), name=name)
    if not folder.is_dir():
        return Place(around, {listener: None, other(listener): None}, backend, basis)
    seat = seat_of(folder, windows, name)
    if seat is None:
        raise UserError(f"{folder} holds other faces than the windows of {name}; chunk and sample again.")
    people: dict[Side, AtRest | None] = {
        side: _at_rest(load_faces(folder / f"faces_{side}.npz")) for side in (seat, other(seat))
    }
    return Place(around, people, backend, basis)


def _of_clip(
    clip: Passage, windows: Chunks, futures: np.ndarray, given: int, place: Place, sides: Sequence[Side]
) -> Iterator[Take]:
    """The takes of one clip: the truth of each wanted person, then what was drawn of the listener."""
    stem = f"{place.recording.name.replace(BETWEEN, '_')}_{clip.first:05}"
    listener, speaker = place.seats

    def take(name: str, what: str, array: np.ndarray, seat: Side, given: int = 0) -> Take:
        motion = clip.of(array)
        return Take(
            f"{stem}_{name}",
            what,
            place.backend,
            motion,
            np.ones(len(motion), bool),
            place.recording,
            clip.first,
            given,
            place.seats[seat],
            place.basis,
        )

    if listener in (sides or [listener]):
        yield take("true", "true", windows.listener, listener)
        for number, future in enumerate(futures, 1):
            yield take(f"sample_{number}", f"sample {number}", future, listener, given)
    if speaker in sides:
        yield take("speaker", "speaker", windows.speaker, speaker)


def _at_rest(faces: Faces) -> AtRest:
    return AtRest(faces.neutral, faces.rest)


def _recording(folder: Path, frames: int) -> WholeRecording:
    """What is known of a recording; `frames` where its own length is not."""
    speaking = folder / "speaking.npz"
    speaks = load_speaking(speaking) >= SPEAKS if speaking.exists() else None
    video, audio = _there(folder / "video.mp4"), _there(folder / "audio.wav")
    return WholeRecording(folder.name, frames if speaks is None else len(speaks), video, audio, speaks)


def _basis(results: Path) -> Path | None:
    """The face_basis.npz of a person's results."""
    return _there(results / "face_basis.npz")


def _there(path: Path, suffix: str = "") -> Path | None:
    path = path.with_suffix(suffix) if suffix else path
    return path if path.exists() else None
