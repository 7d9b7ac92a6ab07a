"""preprocess: a batch of recordings from video to mel, all steps in one process.

- A step whose output is there, made from the same input with the same settings, is not done again: `steps.json` in each
  recording's folder remembers what each output was made of. A job that was cut off goes on where it was.
- A recording that fails or is excluded does not stop the others; its row in the table says why.
- The second half, faces, waits for the expression basis: `faces` below.
- With `keep` "needed", what no later step or picture asks for is deleted when a recording is through; it is made again
  when a changed setting needs it.
"""

import hashlib
import json
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from threadpoolctl import threadpool_limits

from l2l import backends
from l2l.config import Keep, Settings
from l2l.errors import UserError
from l2l.files import save_json
from l2l.recordings.recordings import Recording
from l2l.recordings.summary import Row
from l2l.sides import SIDES
from l2l.speech.mel import mel_rows
from l2l.speech.speaking import SPEAKS, diarize, load_speaking
from l2l.units import FPS
from l2l.video.footage import Footage
from l2l.video.normalise import normalise
from l2l.video.tracks import load_tracks

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Step:
    """One step of a recording: what it makes in the recording's folder, of which settings and files there, and how."""

    name: str
    sections: tuple[str, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    run: Callable[[Recording, Path, Settings], None]


def _normalise(recording: Recording, folder: Path, settings: Settings) -> None:
    video, audio, report = (folder / name for name in ("video.mp4", "audio.wav", "probe.json"))
    normalise(recording.file, video, audio, report, settings.video, recording.start, recording.end)


def _track(_: Recording, folder: Path, settings: Settings) -> None:
    backend = backends.load("tracking", settings.tracking.backend)
    backend.track(folder / "video.mp4", folder / "tracks.npz", settings.tracking)


def _diarize(_: Recording, folder: Path, settings: Settings) -> None:
    diarize(Footage.of(folder), folder / "speaking.npz", settings.diarization)


def _separate(_: Recording, folder: Path, settings: Settings) -> None:
    outs = [folder / "speech_left.wav", folder / "speech_right.wav"]
    backend = backends.load("separation", settings.separation.backend)
    backend.separate(Footage.of(folder), folder / "speaking.npz", outs, settings.separation)


def _mel(_: Recording, folder: Path, settings: Settings) -> None:
    # Rounding depends on how many threads multiply a matrix; the rule `mel` has one.
    with threadpool_limits(1):
        for person in range(2):
            mel_rows(folder / f"speech_{SIDES[person]}.wav", folder / f"mel_{SIDES[person]}.npy", settings.mel)


FOOTAGE = ("video.mp4", "audio.wav", "tracks.npz")  # what a backend may read
SPEECH = ("speech_left.wav", "speech_right.wav")
STEPS = (
    Step("normalise", ("video",), (), ("video.mp4", "audio.wav", "probe.json"), _normalise),
    Step("track", ("tracking",), ("video.mp4",), ("tracks.npz",), _track),
    Step("diarize", ("diarization",), FOOTAGE, ("speaking.npz", "speaking.rttm", "speaking.json"), _diarize),
    Step("separate", ("separation",), (*FOOTAGE, "speaking.npz"), SPEECH, _separate),
    Step("mel", ("mel",), SPEECH, ("mel_left.npy", "mel_right.npy"), _mel),
)


def passing(keep: Keep, split: str, settings: Settings) -> frozenset[str]:
    """Files of a recording that nothing asks for once it is through.

    The video stays where pictures may be made of it, and where faces may be: `landmarks` alone makes them of tracks.
    """
    if keep == "all":
        return frozenset()
    watched = split != "train" or settings.faces.backend != "landmarks"
    return frozenset(SPEECH if watched else (*SPEECH, "video.mp4"))


def preprocess(
    recordings: Sequence[Recording], splits: Sequence[str], videos: Path, settings: Settings, keep: Keep = "all"
) -> list[Row]:
    """Bring recordings from video to mel in `videos`/<name>/; one row each, whatever becomes of it."""
    rows = []
    for number, (recording, split) in enumerate(zip(recordings, splits, strict=True), 1):
        started = time.perf_counter()
        seat = recording.listener or ""
        row = Row(recording.name, "ok", "", recording.path, split, seat, 0.0, 0.0, 0.0, 0.0)
        try:
            worked = _chain(recording, videos / recording.name, settings, passing(keep, split, settings))
            row = _measured(row, videos / recording.name, settings)
            row = replace(row, took=time.perf_counter() - started if worked else 0.0)
        except UserError as error:
            row = replace(row, status="failed", reason=str(error), took=time.perf_counter() - started)
        except Exception as error:
            # A fault of ours must not cost the other recordings of a long job; the log keeps where it was.
            log.exception("%s: unexpected fault", recording.path)
            reason = f"{recording.path}: unexpected fault ({type(error).__name__}: {error}); see the log."
            row = replace(row, status="failed", reason=reason, took=time.perf_counter() - started)
        log.info("%d of %d, %s: %s %s", number, len(recordings), recording.name, row.status, row.reason)
        rows.append(row)
    return rows


def faces(rows: Sequence[Row], videos: Path, basis: Path, settings: Settings) -> list[Row]:
    """Turn the tracks of usable recordings into faces; rows come back with what became of them."""
    done = []
    for row in rows:
        if row.status == "ok":
            folder = videos / row.recording
            outs = [folder / "faces_left.npz", folder / "faces_right.npz"]
            try:
                key = _digest(basis.stat().st_mtime_ns, _remembered(folder).get("track"), settings.faces.model_dump())
                if _remembered(folder).get("faces") != key or not all(out.exists() for out in outs):
                    backend = backends.load("faces", settings.faces.backend)
                    backend.extract_faces(Footage.of(folder), basis, outs, settings.tracking.bridge, settings.faces)
                    _remember(folder, "faces", key)
            except UserError as error:
                row = replace(row, status="failed", reason=str(error))
        done.append(row)
    return done


def _chain(recording: Recording, folder: Path, settings: Settings, unkept: frozenset[str]) -> bool:
    """Do the steps that are not done, then delete what is `unkept`; True when there was something to do."""
    try:
        source = recording.file.stat()
    except FileNotFoundError:
        raise UserError(f"{recording.path} does not exist; check the path.") from None
    # What is fetched is new each time, and is the same file while its address and size are.
    version = recording.path if recording.remote else source.st_mtime_ns
    key = _digest(source.st_size, version, recording.start, recording.end)
    values, keys = settings.model_dump(), {}
    for step in STEPS:
        # Each key holds the one before: what a step is made of changes when anything upstream does.
        key = keys[step.name] = _digest(key, step.name, [values[section] for section in step.sections])
    # From the end: a file that is not kept is only wanted by a step that is still to do.
    done, due = _remembered(folder), list[Step]()
    wanted = {out for step in STEPS for out in step.outputs} - unkept
    for step in reversed(STEPS):
        there = all((folder / out).exists() for out in wanted.intersection(step.outputs))
        if done.get(step.name) != keys[step.name] or not there:
            due.insert(0, step)
            wanted.update(step.inputs)
    for step in due:
        step.run(recording, folder, settings)
        _remember(folder, step.name, keys[step.name])
    for name in unkept:
        (folder / name).unlink(missing_ok=True)
    return bool(due)


def _measured(row: Row, folder: Path, settings: Settings) -> Row:
    """The row with what is known of the recording, excluded when a setting says so."""
    tracks = load_tracks(folder / "tracks.npz")
    speaks = load_speaking(folder / "speaking.npz") >= SPEAKS
    tracked, speech = float(tracks.found.all(1).mean()), float(speaks.any(1).mean())
    row = replace(row, seconds=len(tracks) / FPS, tracked=tracked, speech=speech)
    limits = settings.chunking
    for name, value, least in (("tracked", tracked, limits.min_tracked), ("speech", speech, limits.min_speech)):
        if value < least:
            reason = f"{name} {value:.0%} of its frames, fewer than chunking.min_{name} = {least:.0%}"
            return replace(row, status="excluded", reason=reason)
    return row


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()[:16]


def _remembered(folder: Path) -> dict[str, str]:
    try:
        found = json.loads((folder / "steps.json").read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else {}
    except (FileNotFoundError, ValueError):
        return {}


def _remember(folder: Path, step: str, key: str) -> None:
    save_json(folder / "steps.json", _remembered(folder) | {step: key})
