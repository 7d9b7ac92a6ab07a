"""preprocess: a batch of recordings from video to mel, all steps in one process.

- A step whose output is there, made from the same input with the same settings, is not done again: `steps.json` in each
  recording's folder remembers what each output was made of. A job that was cut off goes on where it was.
- A recording that fails or is excluded does not stop the others; its row in the table says why.
- The second half, faces, waits for the expression basis: `faces` below.
"""

import hashlib
import json
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from l2l import backends
from l2l.config import Settings
from l2l.dataset.recordings import Recording
from l2l.dataset.summary import Row
from l2l.errors import UserError
from l2l.files import save_json
from l2l.speech.mel import mel_rows
from l2l.speech.speaking import SPEAKS, diarize, load_speaking
from l2l.units import FPS
from l2l.video.footage import Footage
from l2l.video.normalise import normalise
from l2l.video.tracks import load_tracks

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Step:
    """One step of a recording: what it makes in the recording's folder, of which settings, and how."""

    name: str
    sections: tuple[str, ...]
    outputs: tuple[str, ...]
    run: Callable[[Recording, Path, Settings], None]


def _normalise(recording: Recording, folder: Path, settings: Settings) -> None:
    video, audio, report = (folder / name for name in ("video.mp4", "audio.wav", "probe.json"))
    normalise(recording.path, video, audio, report, settings.video, recording.start, recording.end)


def _track(_: Recording, folder: Path, settings: Settings) -> None:
    backend = backends.load("tracking", settings.tracking.backend)
    backend.track(folder / "video.mp4", folder / "tracks.npz", settings.tracking)


def _diarize(_: Recording, folder: Path, settings: Settings) -> None:
    diarize(Footage.of(folder), folder / "speaking.npz", settings.diarization)


def _separate(_: Recording, folder: Path, settings: Settings) -> None:
    outs = [folder / "speech_p0.wav", folder / "speech_p1.wav"]
    backend = backends.load("separation", settings.separation.backend)
    backend.separate(Footage.of(folder), folder / "speaking.npz", outs, settings.separation)


def _mel(_: Recording, folder: Path, settings: Settings) -> None:
    for person in range(2):
        mel_rows(folder / f"speech_p{person}.wav", folder / f"mel_p{person}.npy", settings.mel)


STEPS = (
    Step("normalise", ("video",), ("video.mp4", "audio.wav", "probe.json"), _normalise),
    Step("track", ("tracking",), ("tracks.npz",), _track),
    Step("diarize", ("diarization",), ("speaking.npz", "speaking.rttm", "speaking.json"), _diarize),
    Step("separate", ("separation",), ("speech_p0.wav", "speech_p1.wav"), _separate),
    Step("mel", ("mel",), ("mel_p0.npy", "mel_p1.npy"), _mel),
)


def preprocess(recordings: Sequence[Recording], splits: Sequence[str], videos: Path, settings: Settings) -> list[Row]:
    """Bring recordings from video to mel in `videos`/<name>/; one row each, whatever becomes of it."""
    rows = []
    for number, (recording, split) in enumerate(zip(recordings, splits, strict=True), 1):
        started = time.perf_counter()
        seat = recording.listener or ""
        row = Row(recording.name, "ok", "", recording.path, split, seat, 0.0, 0.0, 0.0, 0.0)
        try:
            worked = _chain(recording, videos / recording.name, settings)
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
            outs = [folder / "faces_p0.npz", folder / "faces_p1.npz"]
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


def _chain(recording: Recording, folder: Path, settings: Settings) -> bool:
    """Do the steps that are not done; True when there was something to do."""
    try:
        source = Path(recording.path).stat()
    except FileNotFoundError:
        raise UserError(f"{recording.path} does not exist; check the path.") from None
    key = _digest(source.st_size, source.st_mtime_ns, recording.start, recording.end)
    values, worked = settings.model_dump(), False
    for step in STEPS:
        # Each key holds the one before: what a step is made of changes when anything upstream does.
        key = _digest(key, step.name, [values[section] for section in step.sections])
        if _remembered(folder).get(step.name) == key and all((folder / out).exists() for out in step.outputs):
            continue
        step.run(recording, folder, settings)
        _remember(folder, step.name, key)
        worked = True
    return worked


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
