"""The stretches of test recordings that the report shows, with the listeners that answer in them.

- Shown is where most windows lie: there somebody speaks and the person listens.
- Models that listen live answer the whole stretch, from two seconds before it on, and are told nothing of the true
  listener. Of other models, the futures of windows are put one after another; each knows the true past.
- Of a model of several people, each of them is shown once. Their recordings lie in each person's own results.
- The baseline is the speaker's own motion, 0.57 s late: it depends on the speaker and has learnt nothing.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from l2l.dataset.layout import JAW, ROTATION, WINDOW, Chunks, first_frames, load_chunks
from l2l.dataset.samples import load_samples
from l2l.dataset.seats import seat_of
from l2l.dataset.together import BETWEEN
from l2l.errors import UserError
from l2l.evaluation.baselines import late
from l2l.evaluation.events import KINDS, Directions, detect
from l2l.faces.store import hold, load_faces
from l2l.report.run import Run
from l2l.sides import SIDES, Side, other
from l2l.speech.intervals import intervals
from l2l.speech.mel import load_mel
from l2l.speech.speaking import SPEAKS, load_speaking
from l2l.units import AUDIO_PER_FRAME, FPS, MODEL_DIM, PATCH

SECONDS = 7
SAMPLES = 3
PEOPLE = 6  # of several in one model, that are shown
_LEAD = 8 * PATCH  # frames that a live listener hears before the stretch
TRUE, BASELINE = "true listener", "baseline"
DRAWN = tuple(f"sample {number}" for number in range(1, SAMPLES + 1))
LIVE = "as live, told nothing of the true listener"
PIECES = "pieces of a second, each after the true past"


@dataclass(frozen=True)
class Clip:
    """T frames of one recording, from frame `first` on."""

    recording: str
    first: int
    listener: Side
    takes: dict[str, np.ndarray]  # true listener, samples, baseline: (T, 56); NaN where there is none
    speaks: np.ndarray | None  # (T, 2) bool
    neutral: np.ndarray | None  # the listener at rest; None without a recording
    how: str  # how the samples were drawn
    person: str | None = None  # who of several people listens

    def __len__(self) -> int:
        return len(self.takes[TRUE])


def clips(run: Run, count: int = 2, seconds: float = SECONDS) -> list[Clip]:
    """Up to `count` clips of different test recordings, of several people one of each; none when there are no models or
    nothing to test."""
    if not run.listener or not (run.folder / "samples.npz").exists():
        return []
    windows = load_chunks(run.chunks, "test", run.listener)
    drawn = load_samples(run.folder / "samples.npz", len(windows))
    windows = windows.first(drawn["samples"].shape[1])
    length, people, found = round(seconds * FPS), _people(run), []
    for name, first in _chosen(_places(windows, length), people, count):
        person = name.partition(BETWEEN)[0] if people else None
        seat = seat_of(run.of(name), windows, name) if person and run.of(name).is_dir() else run.seat(name)
        if seat and (run.of(name) / f"faces_{seat}.npz").exists():
            clip = _filmed(run, name, first, length, seat, person)
        else:
            clip = _pieces(run, windows, name, first, length)
        if not clip.takes.keys() & set(DRAWN):
            stitched = _stitched(windows, drawn["samples"], drawn["first_frame"].item(), name, clip.first, len(clip))
            clip = replace(clip, takes={TRUE: clip.takes[TRUE], **stitched, BASELINE: clip.takes[BASELINE]}, how=PIECES)
        found.append(replace(clip, person=person))
    return found


def _people(run: Run) -> Sequence[str]:
    """Whom the model knows; nobody by name where it models one person."""
    if not (run.folder / "predictor.pt").exists():
        return ()
    from l2l.training.checkpoint import read_checkpoint  # torch takes seconds to import

    content = run.attempt(read_checkpoint, run.folder / "predictor.pt", "predictor")
    return tuple((content or {}).get("people", ()))


def _chosen(places: Sequence[tuple[str, int]], people: Sequence[str], count: int) -> Sequence[tuple[str, int]]:
    """The first `count` places; of several people the first of each."""
    if not people:
        return places[:count]
    of = {name.partition(BETWEEN)[0]: (name, first) for name, first in reversed(places)}
    return [of[person] for person in people if person in of][:PEOPLE]


def _places(windows: Chunks, length: int) -> list[tuple[str, int]]:
    """Of each recording the stretch of `length` frames that most windows lie in; the fullest first."""
    names, starts = windows.videos, first_frames(windows.files)
    found = []
    for name in np.unique(names).tolist():
        own = np.sort(starts[names == name])
        covered = np.zeros(own[-1] + WINDOW + length, bool)
        for start in own:
            covered[start : start + WINDOW] = True
        total = np.concatenate([[0], np.cumsum(covered)])
        inside = total[own + length] - total[own]  # of a stretch from each window on
        best = int(inside.argmax())
        found.append((-int(inside[best]), name, int(own[best])))
    return [(name, first) for _, name, first in sorted(found)]


def _filmed(run: Run, name: str, first: int, length: int, seat: Side, person: str | None) -> Clip:
    """Of a recording that was measured here, in which the listener sits at `seat`: both faces from its files."""
    folder = run.of(name)
    true, heard = (load_faces(folder / f"faces_{side}.npz") for side in (seat, other(seat)))
    rows = slice(first, min(first + length, len(true)))
    faces = hold(heard.faces[:, :MODEL_DIM], heard.valid)
    truth = np.where(true.valid[rows, None], true.faces[rows, :MODEL_DIM], np.nan)
    speaking = run.attempt(load_speaking, folder / "speaking.npz")
    speaks = None if speaking is None else speaking[rows] >= SPEAKS
    takes = {TRUE: truth, BASELINE: late(faces)[rows]}
    with contextlib.suppress(UserError):  # models of windows cannot answer live, and mel may not be there
        heard_rows = load_mel(folder / f"mel_{other(seat)}.npy")
        takes |= dict(zip(DRAWN, _live(run, faces, heard_rows, rows, person), strict=True))
    return Clip(name, first, seat, takes, speaks, true.neutral, LIVE)


def _live(run: Run, faces: np.ndarray, rows: np.ndarray, shown: slice, person: str | None) -> np.ndarray:
    """(3, T, 56): three listeners that hear the speaker's faces (F, 56) and mel rows (4 F, 128)."""
    from l2l.patches.live import Listener  # it takes seconds to import, and is not needed where there is no model

    listener = Listener.load(run.folder, run.settings.seed, count=SAMPLES, person=person)
    begin = max(0, shown.start - _LEAD)
    patches = -(-(shown.stop - begin) // PATCH) + 1  # one more: an answer is a patch late
    heard = faces[np.minimum(np.arange(begin, begin + patches * PATCH), len(faces) - 1)]
    steps = np.arange(begin * AUDIO_PER_FRAME, (begin + patches * PATCH) * AUDIO_PER_FRAME)
    sound = rows[np.minimum(steps, len(rows) - 1)]
    motion = [
        listener.step(np.repeat(f[None], SAMPLES, 0), np.repeat(a[None], SAMPLES, 0))
        for f, a in zip(np.split(heard, patches), np.split(sound, patches), strict=True)
    ]
    answer = np.concatenate(motion[1:], 1)  # frame f of it answers frame f of what was heard
    return answer[:, shown.start - begin : shown.stop - begin]


def _pieces(run: Run, windows: Chunks, name: str, first: int, length: int) -> Clip:
    """Of data without recordings: both faces from the windows, as far as they follow one another."""
    truth, speaker = np.full((2, length, MODEL_DIM), np.nan, np.float32)
    for row in np.flatnonzero(windows.videos == name):
        start = int(first_frames(windows.files[row : row + 1])[0]) - first
        there = slice(max(0, start), min(length, start + WINDOW))
        inside = slice(there.start - start, there.stop - start)
        if there.start < there.stop:
            truth[there] = windows.listener[row, inside, :MODEL_DIM]
            speaker[there] = windows.speaker[row, inside, :MODEL_DIM]
    end = int(np.argmax(np.isnan(truth[:, 0]))) if np.isnan(truth[:, 0]).any() else length
    assert run.listener is not None
    takes = {TRUE: truth[:end], BASELINE: late(speaker[:end])}
    return Clip(name, first, run.listener, takes, None, None, PIECES)


def _stitched(
    windows: Chunks, samples: np.ndarray, predicted: int, name: str, first: int, length: int
) -> dict[str, np.ndarray]:
    """Futures of windows where they lie in the clip; NaN between them. Of windows that overlap, the earlier stays."""
    found = np.full((min(SAMPLES, len(samples)), length, MODEL_DIM), np.nan, np.float32)
    for row in np.flatnonzero(windows.videos == name):
        start = int(first_frames(windows.files[row : row + 1])[0]) + predicted - first
        begin, end = max(0, start), min(length, start + WINDOW - predicted)
        if begin < end:
            there = found[:, begin:end]
            there[:] = np.where(
                np.isfinite(there), there, samples[: len(found), row, predicted:][:, begin - start : end - start]
            )
    return dict(zip(DRAWN, found, strict=False))


def curves(clip: Clip, directions: Directions | None) -> dict[str, dict[str, list[float | None]]]:
    """What moves, by name, of each take: (T,) numbers a person can read."""

    def lines(of: np.ndarray) -> list[float | None]:
        return [round(float(value), 2) if np.isfinite(value) else None for value in of]

    found = {}
    for name, motion in clip.takes.items():
        degrees = np.degrees(motion[:, ROTATION.start : JAW.stop])
        found[name] = {"head pitch": lines(degrees[:, 0]), "head yaw": lines(degrees[:, 1])}
        found[name] |= {"head roll": lines(degrees[:, 2]), "jaw": lines(degrees[:, 3])}
        if directions is not None:
            found[name] |= {"smile": lines(directions.smiling(motion)), "lids": lines(directions.closing(motion))}
    return {curve: {name: found[name][curve] for name in found} for curve in next(iter(found.values()))}


UNITS = {
    "head pitch": "degrees, down is more",
    "head yaw": "degrees, about the vertical axis",
    "head roll": "degrees, tilted to a side",
    "jaw": "degrees, open is more",
    "smile": "1 and more counts as a smile",
    "lids": "a rise and fall of 1 counts as a blink",
}


def events(clip: Clip, directions: Directions | None) -> dict[str, dict[str, list[float]]]:
    """Nods, shakes, smiles and blinks of each take, in seconds of the clip."""
    found: dict[str, dict[str, list[float]]] = {}
    for name, motion in clip.takes.items():
        seen = np.isfinite(motion[:, 0])
        if not seen.any():
            found[name] = {kind: [] for kind in KINDS}
            continue
        kinds = detect([hold(motion, seen)], [0], directions)
        found[name] = {kind: (np.asarray(of.time) / FPS).round(2).tolist() for kind, of in kinds.items()}
    return found


def people(clip: Clip) -> dict[str, list[list[float]]]:
    """When each person speaks, as [begin, end] in seconds of the clip."""
    if clip.speaks is None:
        return {}
    roles = {side: "listener" if side == clip.listener else "speaker" for side in SIDES}
    return {
        f"{roles[side]} ({side}) speaks": [
            [round(a / FPS, 2), round(b / FPS, 2)] for a, b in intervals(clip.speaks[:, n])
        ]
        for n, side in enumerate(SIDES)
    }
