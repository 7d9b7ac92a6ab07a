"""Commands for single steps of the road from a video to windows."""

from pathlib import Path
from typing import Annotated

from l2l import backends
from l2l.cli.options import (
    DEFAULTS,
    Audio,
    Basis,
    Listener,
    Options,
    Out,
    Paths,
    Person,
    Test,
    Tracks,
    Train,
    Video,
    Videos,
    about,
)
from l2l.sides import SIDES

Second = Annotated[float | None, about("second of the recording; default: all of it")]


def normalise(
    source: Path, /, *, start: Second = None, end: Second = None, out: Out, options: Options = DEFAULTS
) -> None:
    """Bring a video to 30 frames per second and 16 kHz mono: a folder with video.mp4, audio.wav, probe.json."""
    from l2l.video.normalise import normalise

    outs = out / "video.mp4", out / "audio.wav", out / "probe.json"
    normalise(source, *outs, options.read().video, start, end)


def track(video: Path, /, *, out: Out, options: Options = DEFAULTS) -> None:
    """Follow the two faces in video.mp4: tracks.npz."""
    settings = options.read().tracking
    backends.load("tracking", settings.backend).track(video, out, settings)


def diarize(*, tracks: Tracks, audio: Audio, video: Video = None, out: Out, options: Options = DEFAULTS) -> None:
    """Find who speaks when: speaking.npz, and beside it speaking.rttm and speaking.json."""
    from l2l.speech.speaking import diarize
    from l2l.video.footage import Footage

    footage = Footage(video or tracks.parent / "video.mp4", audio, tracks)
    diarize(footage, out, options.read().diarization)


def separate(
    *,
    audio: Audio,
    speaking: Annotated[Path, about("speaking.npz")],
    tracks: Annotated[Path | None, about("tracks.npz; default: beside the sound")] = None,
    video: Video = None,
    out: Out,
    options: Options = DEFAULTS,
) -> None:
    """Give each person a file with their own speech: a folder with speech_left.wav and speech_right.wav."""
    from l2l.video.footage import Footage

    settings = options.read().separation
    tracks = tracks or audio.parent / "tracks.npz"
    footage = Footage(video or tracks.parent / "video.mp4", audio, tracks)
    backends.load("separation", settings.backend).separate(footage, speaking, _both(out, "speech_{}.wav"), settings)


def fit_faces(tracks: Paths, /, *, out: Out, options: Options = DEFAULTS) -> None:
    """Fit the expression basis to the tracks.npz of the training recordings: face_basis.npz."""
    settings = options.read().faces
    backends.load("faces", settings.backend).fit_basis(list(tracks), out, settings)


def faces(tracks: Tracks, /, *, basis: Basis, video: Video = None, out: Out, options: Options = DEFAULTS) -> None:
    """Turn tracks into face vectors: a folder with faces_left.npz and faces_right.npz."""
    from l2l.video.footage import Footage

    settings = options.read()
    footage = Footage(video or tracks.parent / "video.mp4", tracks.parent / "audio.wav", tracks)
    backend = backends.load("faces", settings.faces.backend)
    backend.extract_faces(footage, basis, _both(out, "faces_{}.npz"), settings.tracking.bridge, settings.faces)


def mel(speech: Path, /, *, out: Out, options: Options = DEFAULTS) -> None:
    """Turn a folder's speech_left.wav and speech_right.wav into mel rows, 4 per frame: mel_left.npy, mel_right.npy."""
    from l2l.speech.mel import mel_rows

    settings = options.read().mel
    for wav, rows in zip(_both(speech, "speech_{}.wav"), _both(out, "mel_{}.npy"), strict=True):
        mel_rows(wav, rows, settings)


def chunk(
    videos: Videos,
    /,
    *,
    train: Train = (),
    test: Test = (),
    listener: Listener,
    person: Person = None,
    out: Out,
    options: Options = DEFAULTS,
) -> None:
    """Cut recordings into windows in the published format: a folder with train/ and test/."""
    from l2l.dataset.chunks import chunk

    person = person or out.name
    counts = chunk(videos, {"train": train, "test": test}, out, listener, options.read().chunking, person)
    print(f"{person}: {counts['train']} training and {counts['test']} test windows in which {listener} listens")


def _both(folder: Path, name: str) -> list[Path]:
    """The files of the left and of the right person."""
    return [folder / name.format(side) for side in SIDES]
