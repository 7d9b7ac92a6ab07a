"""preview: the measured recording, the true and a sampled listener in one video.

- Left: a test recording with what was measured drawn in (boxes, landmarks, who speaks), and below it the last
  seconds of speech and nodding.
- Right: the true listener and one sampled listener as moving meshes.

Run it alone: `l2l preview results/alice/videos --chunks data/alice --samples ... --basis ... --out preview.mp4`.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import soundfile

from l2l.dataset.layout import ROTATION, WINDOW, load_chunks
from l2l.dataset.samples import load_samples
from l2l.errors import UserError
from l2l.faces.meshes import Mesher, mesher_of
from l2l.faces.store import Faces, load_faces
from l2l.features.sequences import chain
from l2l.files import atomic, scratch
from l2l.pictures.face import SKIN, draw_face
from l2l.progress import progress
from l2l.sides import SIDES, Side
from l2l.speech.speaking import SPEAKS, load_speaking
from l2l.speech.vad import read_wav
from l2l.units import FPS, MODEL_DIM, SAMPLE_RATE
from l2l.video.media import read_frames, video_writer
from l2l.video.tracks import Tracks, load_tracks

WIDTH, HEIGHT = 1280, 720
_PICTURE = (864, 486)  # width, height of the recording
_STRIP_SECONDS = 6.0
_TITLE = 24  # lines above a face
_PAPER, _INK, _FAINT = (250, 249, 246), (40, 40, 44), (176, 176, 180)
_EMPTY = np.full((HEIGHT, WIDTH, 3), _PAPER, np.uint8)  # filling takes longer than copying
_COLOURS = ((38, 110, 190), (206, 96, 30))  # left, right
_SKIN = {"true": (196, 206, 220), "sampled": SKIN}


@dataclass(frozen=True)
class Scene:
    """All that is drawn of one recording of T frames."""

    video: Path
    tracks: Tracks
    probability: np.ndarray  # (T, 2) that each person speaks
    listener: int  # 0 left, 1 right
    true: np.ndarray  # (T, 56) the listener as measured
    sampled: np.ndarray  # (T, 56) one sampled listener; NaN where there is none
    mesher: Mesher  # of the listener

    @classmethod
    def of(cls, folder: Path, listener: int, true: Faces, sampled: np.ndarray, basis: Path) -> "Scene":
        """From the folder of a preprocessed recording."""
        return cls(
            folder / "video.mp4",
            load_tracks(folder / "tracks.npz"),
            load_speaking(folder / "speaking.npz"),
            listener,
            true.faces[:, :MODEL_DIM],
            sampled,
            mesher_of(basis, true.neutral),
        )


def write_preview(
    videos: Path,
    chunks: Path,
    samples: Path,
    basis_path: Path,
    listener: Side,
    out: Path,
    seconds: float,
    seats: Mapping[str, Side] | None = None,
    recording: str | None = None,
    sample: int | None = None,
) -> None:
    """Write preview.mp4.

    `recording` is a test recording; None: the one with the most windows. `sample` is the number of a future, from 1 on;
    None: that of whole turns, where there is one, else the first. `seats`: where the person sits in recordings in which
    this is not `listener`. Raises UserError when there is no such recording or sample.
    """
    scene = _gather(videos, chunks, samples, basis_path, listener, seats or {}, recording, sample)
    start = max(0, int(np.isfinite(scene.sampled[:, 0]).argmax()) - WINDOW // 2)
    count = min(round(seconds * FPS), len(scene.tracks) - start)
    render(scene, start, count, out)


def render(scene: Scene, start: int, count: int, out: Path) -> None:
    """Write `count` frames of a scene, from frame `start` on, with the recording's sound."""
    end = start + count
    parts = [block[max(0, start - at.start) : max(0, end - at.start)] for at, block in scene.tracks.blocks()]
    landmarks = np.concatenate(parts)  # (count, 2, 468, 3) px
    with scratch() as temporary, atomic(out) as partial:
        sound = cut_sound(scene.video.with_name("audio.wav"), start, count, temporary / "audio.wav")
        with video_writer(partial, WIDTH, HEIGHT, sound, crf=23) as write:
            pictures = itertools.islice(read_frames(scene.video, start), count)
            for offset, picture in enumerate(progress(pictures, "preview", unit="frame", total=count)):
                write(_draw(scene, picture, landmarks[offset], start + offset))


def _gather(
    videos: Path,
    chunks: Path,
    samples: Path,
    basis: Path,
    listener: Side,
    seats: Mapping[str, Side],
    recording: str | None = None,
    sample: int | None = None,
) -> Scene:
    windows = load_chunks(chunks, "test", listener)
    drawn = load_samples(samples, len(windows))
    first, futures = int(drawn["first_frame"].item()), drawn["samples"]  # (S, N, 64, 56)
    windows = windows.first(futures.shape[1])
    names, counts = np.unique(windows.videos, return_counts=True)
    if recording is not None and recording not in names:
        raise UserError(f"{chunks} has no test window of {recording}; choose among {', '.join(names.tolist())}.")
    if sample is not None and not 1 <= sample <= len(futures):
        raise UserError(f"{samples} holds {len(futures)} samples; choose 1 to {len(futures)}.")
    name = str(names[counts.argmax()]) if recording is None else recording
    seat = seats.get(name, listener)
    faces = load_faces(videos / name / f"faces_{seat}.npz")
    sampled = np.full((len(faces), MODEL_DIM), np.nan, np.float32)
    rows = np.flatnonzero(windows.videos == name)
    # Where whole turns were sampled, only a turn's first window was given its past.
    given, whole = drawn["given"], "turns" in drawn and sample is None
    if whole:
        given = np.zeros_like(given)
        given[[pieces[0].row for pieces in chain(windows, rows)]] = first
    shown = drawn["turns"] if whole else futures[(sample or 1) - 1]  # (N, 64, 56)
    for row in rows:
        begin, skip = int(windows.files[row, 0, 2]), int(given[row])
        there = sampled[begin + skip : begin + WINDOW]
        # Windows may overlap: the earlier one's frames stay.
        there[:] = np.where(np.isfinite(there), there, shown[row, skip:])
    return Scene.of(videos / name, SIDES.index(seat), faces, sampled, basis)


def cut_sound(wav: Path, start: int, count: int, out: Path) -> Path:
    """Write `count` frames of a recording's sound, from frame `start` on."""
    with read_wav(wav) as file:
        file.seek(start * SAMPLE_RATE // FPS)
        soundfile.write(out, file.read(count * SAMPLE_RATE // FPS), SAMPLE_RATE)
    return out


def _draw(scene: Scene, picture: np.ndarray, landmarks: np.ndarray, frame: int) -> np.ndarray:
    canvas = _EMPTY.copy()
    _draw_recording(canvas, scene, picture, landmarks, frame)
    _draw_strip(canvas[_PICTURE[1] :, : _PICTURE[0]], scene, frame)
    half = HEIGHT // 2
    above, below = canvas[:half, _PICTURE[0] :], canvas[half:, _PICTURE[0] :]
    _draw_face(above, scene.mesher, scene.true[frame], "true", "listener, as recorded")
    if np.isfinite(scene.sampled[frame, 0]):
        _draw_face(below, scene.mesher, scene.sampled[frame], "sampled", "listener, sampled")
    else:
        _text(below, "listener, sampled", (16, 30), _FAINT)
        _text(below, "(nothing is predicted here: the model is given", (16, half // 2), _FAINT, 0.5)
        _text(below, "these frames, or nobody listens)", (16, half // 2 + 22), _FAINT, 0.5)
    return canvas


def _draw_recording(canvas: np.ndarray, scene: Scene, picture: np.ndarray, landmarks: np.ndarray, frame: int) -> None:
    smaller = picture.shape[1] > _PICTURE[0]
    shown = cv2.resize(picture, _PICTURE, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC)
    scale = np.array([_PICTURE[0] / picture.shape[1], _PICTURE[1] / picture.shape[0]])
    for person, colour in enumerate(_COLOURS):
        if not scene.tracks.found[frame, person]:
            continue
        for x, y in np.round(landmarks[person, ::3, :2] * scale * 8).astype(int):
            cv2.circle(shown, (int(x), int(y)), 8, colour, -1, cv2.LINE_AA, 3)
        x0, y0, x1, y1 = np.round(scene.tracks.box[frame, person].reshape(2, 2) * scale).astype(int).ravel().tolist()
        speaks = scene.probability[frame, person] >= SPEAKS
        cv2.rectangle(shown, (x0 - 8, y0 - 8), (x1 + 8, y1 + 8), colour, 3 if speaks else 1, cv2.LINE_AA)
        role = "listener" if person == scene.listener else "speaker"
        label = f"{SIDES[person]} {role}{'  SPEAKS' if speaks else ''}"
        (wide, high), _ = cv2.getTextSize(label, cv2.FONT_HERSHEY_SIMPLEX, 0.5, 1)
        cv2.rectangle(shown, (x0 - 8, y0 - high - 18), (x0 + wide, y0 - 8), colour, -1)
        _text(shown, label, (x0 - 4, y0 - 13), (255, 255, 255), 0.5)
    canvas[: _PICTURE[1], : _PICTURE[0]] = shown


def _draw_strip(canvas: np.ndarray, scene: Scene, frame: int) -> None:
    """The last seconds: who speaks, and the listener's nodding, true and sampled."""
    height, width = canvas.shape[:2]
    left, right = 130, width - 16
    count = round(_STRIP_SECONDS * FPS)
    first = max(0, frame - count + 1)
    frames = np.arange(first, frame + 1)
    x = np.linspace(left, right, count)[-len(frames) :]
    for person, colour in enumerate(_COLOURS):
        top = 22 + 34 * person
        _text(canvas, f"{SIDES[person]} speaks", (16, top + 17), colour, 0.5)
        for at, value in zip(x, scene.probability[frames, person], strict=True):
            foot, shade = (int(at), top + 24), colour if value >= SPEAKS else _FAINT
            cv2.line(canvas, foot, (foot[0], foot[1] - int(24 * float(value))), shade, 4)
    middle, unit = 165, 45 / np.radians(12)
    _text(canvas, "head pitch", (16, middle + 5), _INK, 0.5)
    _text(canvas, "true", (16, middle + 28), _FAINT, 0.45)
    _text(canvas, "sampled", (56, middle + 28), (206, 120, 30), 0.45)
    pitch = ROTATION.start
    centre = np.median(scene.true[:, pitch])
    for values, colour in ((scene.true, _FAINT), (scene.sampled, (206, 120, 30))):
        y = middle + np.clip((values[frames, pitch] - centre) * unit, -50, 50)
        for k in range(1, len(frames)):
            if np.isfinite(y[k - 1]) and np.isfinite(y[k]):
                cv2.line(canvas, (int(x[k - 1]), int(y[k - 1])), (int(x[k]), int(y[k])), colour, 2, cv2.LINE_AA)
    _text(canvas, f"{frame / FPS:5.1f} s", (right - 60, height - 8), _FAINT, 0.45)


def _draw_face(canvas: np.ndarray, mesher: Mesher, face: np.ndarray, kind: str, title: str) -> None:
    draw_face(canvas[_TITLE:], mesher, mesher.vertices(face[None])[0], _SKIN[kind])
    _text(canvas, title, (16, 30), _INK)


def _text(canvas: np.ndarray, words: str, at: tuple[int, int], colour: tuple[int, int, int], size: float = 0.6) -> None:
    cv2.putText(canvas, words, at, cv2.FONT_HERSHEY_SIMPLEX, size, colour, 1, cv2.LINE_AA)
