"""Commands for single steps of the road from a video to windows."""

from pathlib import Path

from l2l import backends
from l2l.cli.options import DEFAULTS, Names, Options, Paths
from l2l.sides import SIDES, Side


def normalise(
    source: Path, /, *, start: float | None = None, end: float | None = None, out: Path, options: Options = DEFAULTS
) -> None:
    """Bring a video to 30 frames per second and 16 kHz: video.mp4, audio.wav."""
    from l2l.video.normalise import normalise

    outs = out / "video.mp4", out / "audio.wav", out / "probe.json"
    normalise(source, *outs, options.read().video, start, end)


def track(video: Path, /, *, out: Path, options: Options = DEFAULTS) -> None:
    """Follow the two faces: tracks.npz."""
    settings = options.read().tracking
    backends.load("tracking", settings.backend).track(video, out, settings)


def diarize(*, tracks: Path, audio: Path, video: Path | None = None, out: Path, options: Options = DEFAULTS) -> None:
    """Find who speaks when: speaking.npz."""
    from l2l.speech.speaking import diarize
    from l2l.video.footage import Footage

    footage = Footage(video or tracks.parent / "video.mp4", audio, tracks)
    diarize(footage, out, options.read().diarization)


def separate(
    *,
    audio: Path,
    speaking: Path,
    tracks: Path | None = None,
    video: Path | None = None,
    out: Path,
    options: Options = DEFAULTS,
) -> None:
    """Give each person a file with their own speech: speech_*.wav."""
    from l2l.video.footage import Footage

    settings = options.read().separation
    tracks = tracks or audio.parent / "tracks.npz"
    footage = Footage(video or tracks.parent / "video.mp4", audio, tracks)
    backends.load("separation", settings.backend).separate(footage, speaking, _both(out, "speech_{}.wav"), settings)


def fit_faces(tracks: Paths, /, *, out: Path, options: Options = DEFAULTS) -> None:
    """Fit the expression basis to tracks: face_basis.npz."""
    settings = options.read().faces
    backends.load("faces", settings.backend).fit_basis(list(tracks), out, settings)


def faces(tracks: Path, /, *, basis: Path, video: Path | None = None, out: Path, options: Options = DEFAULTS) -> None:
    """Turn tracks into face vectors: faces_*.npz."""
    from l2l.video.footage import Footage

    settings = options.read()
    footage = Footage(video or tracks.parent / "video.mp4", tracks.parent / "audio.wav", tracks)
    backend = backends.load("faces", settings.faces.backend)
    backend.extract_faces(footage, basis, _both(out, "faces_{}.npz"), settings.tracking.bridge, settings.faces)


def mel(speech: Path, /, *, out: Path, options: Options = DEFAULTS) -> None:
    """Turn speech into mel rows, 4 per frame: mel_*.npy."""
    from l2l.speech.mel import mel_rows

    settings = options.read().mel
    for wav, rows in zip(_both(speech, "speech_{}.wav"), _both(out, "mel_{}.npy"), strict=True):
        mel_rows(wav, rows, settings)


def chunk(
    videos: Path,
    /,
    *,
    train: Names = (),
    test: Names = (),
    listener: Side,
    person: str | None = None,
    out: Path,
    options: Options = DEFAULTS,
) -> None:
    """Cut recordings into windows: train/ and test/."""
    from l2l.dataset.chunks import chunk

    person = person or out.name
    counts = chunk(videos, {"train": train, "test": test}, out, listener, options.read().chunking, person)
    print(f"{person}: {counts['train']} training and {counts['test']} test windows in which {listener} listens")


def _both(folder: Path, name: str) -> list[Path]:
    """The files of the left and of the right person."""
    return [folder / name.format(side) for side in SIDES]
