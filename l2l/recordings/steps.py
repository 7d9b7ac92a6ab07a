"""The steps from a video to mel rows and faces, each for any number of recordings of a person.

- A step is done again only when its inputs or its settings have changed: beside the outputs in a recording's folder,
  `steps/<step>.json` remembers what they were made of. A job that was cut off goes on where it was.
- A recording that fails or is excluded does not stop the others; its row in the table says why. What is temporary, or
  wrong with the installation, ends the job (`l2l.errors`).
- What is dropped (`Drop`) goes when its last reader is done; it is made again when a changed setting needs it.
"""

import contextlib
import hashlib
import json
import logging
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from threadpoolctl import threadpool_limits

from l2l import backends, sigterm
from l2l.config import FacesSettings, Settings, result_settings
from l2l.errors import SetupError, ShownError, TemporaryError, UserError, blames_recording, temporary_cause
from l2l.files import save_json
from l2l.recordings.recordings import Recording
from l2l.recordings.side_by_side import normalise_pair
from l2l.recordings.synchronise import move_again, sync_warning, synchronise
from l2l.recordings.two_channels import split_voices
from l2l.recordings.warnings import people_warnings, picture_warnings, sound_warnings
from l2l.sides import SIDES
from l2l.speech.mel import mel_rows
from l2l.speech.speaking import SPEAKS, diarize, load_speaking
from l2l.units import FPS
from l2l.video.footage import VOICES, Footage, said
from l2l.video.normalise import normalise
from l2l.video.tracks import Seats, Tracks, load_cast, load_tracks

log = logging.getLogger(__name__)
Drop = Literal["speech", "video"]


@dataclass(frozen=True)
class Work:
    """One recording to do a step of."""

    recording: Recording
    folder: Path  # where its files lie
    settings: Settings
    drop: Collection[Drop] = ()  # what need not be kept once it is used
    basis: Path | None = None  # face_basis.npz, for faces

    def both(self, name: str) -> list[Path]:
        """The files of the left and of the right person."""
        return [self.folder / name.format(side) for side in SIDES]


@dataclass(frozen=True)
class Step:
    """What a step makes in a recording's folder, of which settings and files there, and how."""

    sections: tuple[str, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    run: Callable[[Work], None]


def _normalise(work: Work) -> None:
    recording, settings = work.recording, work.settings.video
    if recording.in_two_files:
        normalise_pair(Path(recording.path), work.folder, settings, recording.start, recording.end)
    else:
        for voice in VOICES:  # of two files that were there before
            (work.folder / voice).unlink(missing_ok=True)
        video, audio, report = (work.folder / name for name in STEPS["normalise"].outputs)
        normalise(recording.file, video, audio, report, settings, recording.start, recording.end)
        if settings.channels == "auto":
            split_voices(recording, work.folder)
    move_again(work.folder, _key("normalise", work))


def _track(work: Work) -> None:
    settings = work.settings.tracking
    two_channels = bool(said(work.folder / "probe.json").get("voices"))
    two_files = (work.folder / VOICES[0]).exists() and not two_channels  # each has its own picture to be late to
    if two_files:  # and shows its own person
        settings = settings.model_copy(update={"identity": "side"})
    backends.load("tracking", settings.backend).track(work.folder / "video.mp4", work.folder / "tracks.npz", settings)
    if (work.folder / "audio.wav").exists():
        of = str(_note(work.folder / "steps" / "normalise.json").get("key", ""))
        synchronise(work.folder, work.settings.video.sync == "auto" and not two_files, of, two_channels)


def _diarize(work: Work) -> None:
    footage, settings = Footage.of(work.folder), work.settings.diarization
    backend = None
    if footage.voices:  # a microphone for each person says more than any picture
        backend = import_module("l2l.speech.channels")
    diarize(footage, work.folder / "speaking.npz", settings, backend)


def _separate(work: Work) -> None:
    footage, settings = Footage.of(work.folder), work.settings.separation
    # Two microphones have separated the voices already, but for cross-talk.
    backend = backends.load("separation", "gating" if footage.voices else settings.backend)
    backend.separate(footage, work.folder / "speaking.npz", work.both("speech_{}.wav"), settings)


def _mel(work: Work) -> None:
    for wav, out in zip(work.both("speech_{}.wav"), work.both("mel_{}.npy"), strict=True):
        mel_rows(wav, out, work.settings.mel)


def _faces(work: Work) -> None:
    if not work.basis:
        raise SetupError("faces needs face_basis.npz; make it with `l2l fit-faces`.")
    backend, settings = backends.load("faces", work.settings.faces.backend), work.settings.faces
    bridge = work.settings.tracking.bridge
    backend.extract_faces(Footage.of(work.folder), work.basis, work.both("faces_{}.npz"), bridge, settings)


FOOTAGE = ("video.mp4", "audio.wav", "tracks.npz")  # what a backend may read
SPEECH = ("speech_left.wav", "speech_right.wav")
STEPS = {
    "normalise": Step(("video",), (), ("video.mp4", "audio.wav", "probe.json"), _normalise),
    "track": Step(("tracking",), ("video.mp4",), ("tracks.npz",), _track),
    "diarize": Step(("diarization",), FOOTAGE, ("speaking.npz", "speaking.rttm", "speaking.json"), _diarize),
    "separate": Step(("separation",), (*FOOTAGE, "speaking.npz"), SPEECH, _separate),
    "mel": Step(("mel",), SPEECH, ("mel_left.npy", "mel_right.npy"), _mel),
    "faces": Step(
        ("faces", "tracking.bridge"), ("video.mp4", "tracks.npz"), ("faces_left.npz", "faces_right.npz"), _faces
    ),
}
MAKER = {output: name for name, step in STEPS.items() for output in step.outputs} | dict.fromkeys(VOICES, "normalise")


def run(name: str, works: Sequence[Work]) -> list[Recording]:
    """Do a step for recordings; each comes back with what became of it. Those that are not ok pass through.

    Raises SetupError or TemporaryError when the fault is no recording's: then nothing is said of any of them.
    """
    done = []
    for number, work in enumerate(works, 1):
        recording = work.recording
        if recording.status == "ok":
            try:
                recording = _judged(name, replace(recording, took=recording.took + bring(name, work)), work)
            except Exception as error:
                if stopped := sigterm.heard():
                    raise stopped from error
                recording = replace(recording, status="failed", reason=_reason(error, work))
            if recording.status == "ok" or len(works) > 1:  # else the reason alone is the end of the log
                log.info("%s %d of %d, %s: %s", name, number, len(works), recording.name, recording.reason or "ok")
        done.append(recording)
    return done


@contextlib.contextmanager
def _one_core() -> Iterator[None]:
    """Inside, matrices and pictures use one thread: a job is given one core, and rounding depends on their number.

    Not `l2l.inference.one_thread`, which loads torch: most steps need none.
    """
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        cv2.setNumThreads(before)


def fit_faces(folders: Sequence[Path], out: Path, settings: FacesSettings) -> None:
    """Write face_basis.npz from training recordings, evenly chosen where they are more than `basis_videos`."""
    most = settings.basis_videos
    if len(folders) > most:
        folders = [folders[k] for k in sorted({round(k * (len(folders) - 1) / max(1, most - 1)) for k in range(most)})]
    backend = backends.load("faces", settings.backend)
    with _one_core():
        backend.fit_basis([folder / "tracks.npz" for folder in folders], out, settings)


def bring(name: str, work: Work, whole: bool = False) -> float:
    """Do a step of one recording where it is not done, after what makes its missing inputs; the seconds that it took.

    `whole`: also make the outputs that are dropped. Raises what goes wrong.
    """
    step, note = STEPS[name], work.folder / "steps" / f"{name}.json"
    key, last = _key(name, work), _note(note)
    wanted = set(_made(name, work)) - (set() if whole else dropped(work))
    if last.get("key") != key or not all((work.folder / output).exists() for output in wanted):
        for file in _read(name, work):
            if not (work.folder / file).exists():
                if not work.recording.path:
                    raise UserError(f"{work.folder / file} is missing; make it with `l2l {MAKER[file]}`.")
                bring(MAKER[file], work, whole=True)
        # First the note goes, so that outputs of a step that is cut off are never taken for those of the last one.
        note.unlink(missing_ok=True)
        start = time.perf_counter()
        with _one_core():
            step.run(work)
        last = {"key": key, "took": round(time.perf_counter() - start, 3)}
        save_json(note, last)
    if name == "mel":
        for file in dropped(work):
            (work.folder / file).unlink(missing_ok=True)
    return float(last["took"])


def dropped(work: Work) -> set[str]:
    """Files of a recording that need not be there: pictures may be made of a test recording's video, and an address
    is fetched for normalise alone."""
    voices = VOICES if _has_voices(work) else ()
    files = {*SPEECH, *voices} if "speech" in work.drop else set()
    if "video" in work.drop and work.recording.split == "train" and not work.recording.remote:
        files.add("video.mp4")
    return files


def _read(name: str, work: Work) -> tuple[str, ...]:
    """The inputs of a step that must be there: faces of `landmarks` need tracks alone, test recordings their video."""
    if name == "faces" and work.settings.faces.backend == "landmarks" and work.recording.split != "test":
        return ("tracks.npz",)
    heard = VOICES if name in ("diarize", "separate") and _has_voices(work) else ()
    return STEPS[name].inputs + heard


def _has_voices(work: Work) -> bool:
    """Whether each person has a microphone: in a file of their own, or in one of two channels."""
    return work.recording.in_two_files or bool(said(work.folder / "probe.json").get("voices"))


def _made(name: str, work: Work) -> tuple[str, ...]:
    """The outputs of a step: of two files, also the sound of each microphone."""
    voices = VOICES if name == "normalise" and _has_voices(work) else ()
    return STEPS[name].outputs + voices


def _key(name: str, work: Work) -> str:
    """A digest of what a step's outputs are made of: the keys of its inputs hold what those were made of."""
    step, recording = STEPS[name], work.recording
    made_of: list[object] = [name, [_origin(work.folder, file) for file in step.inputs]]
    made_of.append(result_settings(work.settings, step.sections, also_defaults=True))
    if name == "normalise":
        made_of.append([*_sources(recording), recording.start, recording.end])
    if name == "faces" and work.basis:
        if not work.basis.exists():
            raise SetupError(f"{work.basis} is missing; make it with `l2l fit-faces`.")
        made_of.append(hashlib.sha256(work.basis.read_bytes()).hexdigest())
    return hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:16]


def _sources(recording: Recording) -> list[object]:
    """What changes with the files of a recording: their sizes and times."""
    if recording.in_two_files:
        return [[file.name, file.stat().st_size, file.stat().st_mtime_ns] for file in recording.files_there]
    try:
        source = recording.file.stat()
    except FileNotFoundError:
        raise UserError(f"{recording.path} does not exist; check the path.") from None
    # What is fetched is new each time, and is the same file while its address and size are.
    return [source.st_size, recording.path if recording.remote else source.st_mtime_ns]


def _origin(folder: Path, file: str) -> object:
    """What a file was made of; of one that no step here made, its size and time."""
    if key := _note(folder / "steps" / f"{MAKER[file]}.json").get("key"):
        return key
    path = folder / file
    return [path.stat().st_size, path.stat().st_mtime_ns] if path.exists() else None


def _note(path: Path) -> dict:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return found if isinstance(found, dict) and {"key", "took"} <= set(found) else {}
    except (FileNotFoundError, ValueError, RecursionError):
        return {}


def _judged(name: str, recording: Recording, work: Work) -> Recording:
    """The recording with what this step has found out about it, excluded when a setting says so."""
    if name == "normalise":
        warnings = [*sound_warnings(work.folder / "audio.wav"), *picture_warnings(work.folder / "probe.json")]
        return replace(recording, warnings="; ".join(warnings))
    if name == "track":
        tracks, least = load_tracks(work.folder / "tracks.npz"), work.settings.chunking.min_tracked
        share = float(tracks.found.all(1).mean())
        said, badly = sync_warning(work.folder)
        warnings = [said, recording.warnings] if badly else [recording.warnings, said]
        recording = replace(
            recording, seconds=len(tracks) / FPS, tracked=share, warnings="; ".join(filter(None, warnings))
        )
        recording = _seen(recording, tracks)
        what, key = "both faces are seen", "chunking.min_tracked"
    elif name == "diarize":
        least = work.settings.chunking.min_speech
        share = float((load_speaking(work.folder / "speaking.npz") >= SPEAKS).any(1).mean())
        recording = replace(recording, speech=share)
        what, key = "somebody speaks", "chunking.min_speech"
    else:
        return recording
    if share >= least:
        return recording
    reason = f"{what} in {share:.0%} of its frames, fewer than {key} = {least:.0%}; take it out, or lower that."
    return replace(recording, status="excluded", reason=reason)


def _seen(recording: Recording, tracks: Tracks) -> Recording:
    """The recording with what its tracks say of the people in it."""
    cast = load_cast(tracks.path)
    if cast is None:
        return recording
    person = None if np.isnan(cast.person).all() else float(np.nanmin(cast.person))
    gone = np.isin(cast.seats, (Seats.SOMEBODY_ELSE, Seats.UNCERTAIN))
    left_out = float(gone[tracks.segment].mean())
    words = people_warnings(cast, left_out)
    warnings = "; ".join([*words, *filter(None, [recording.warnings])])
    return replace(recording, person=person, left_out=left_out, warnings=warnings)


def _reason(error: Exception, work: Work) -> str:
    """What the table says of an error. Raises it when it is no recording's fault."""
    where = work.recording.path or work.folder
    if not blames_recording(error):
        if isinstance(error, ShownError) or not temporary_cause(error):
            raise error
        raise TemporaryError(f"{where}: {type(error).__name__}: {error}; mend that and run it again.") from error
    if isinstance(error, UserError):
        return str(error)
    log.error("%s: unexpected fault", where, exc_info=error)
    return f"{where}: unexpected fault ({type(error).__name__}: {error}); see the log."
