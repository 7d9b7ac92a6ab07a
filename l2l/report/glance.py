"""A minute's look at a recording: a few moments of it, spread evenly, with the faces and voices in them.

- At each moment the faces are followed for a second, as `track` follows them, and the sound is asked for speech.
- Who speaks is the one whose lips move more, where somebody speaks at all.
- An hour of video takes about as long as a minute of it: the number of moments is limited.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import soundfile

from l2l.config import TrackingSettings
from l2l.progress import progress
from l2l.speech.lip_motion import lip_gap
from l2l.speech.vad import voice_activity
from l2l.units import FPS, SAMPLE_RATE
from l2l.video.media import media_input, open_media, run_ffmpeg
from l2l.video.probing import Probe, probe
from l2l.video.tracking import Tracker

MOST, APART = 30, 4.0  # moments at most; seconds between two of a short recording
BURST = 1.0  # seconds for which faces are followed
_LEAD = 0.5  # seconds of sound before, which the voice activity needs to begin
_HEIGHT = 540  # lines that faces are looked for in, at most
_SPEECH = 0.5  # probability from which somebody speaks
_LIPS = 0.006  # mean change of the lips' distance per frame, in eye distances, of a mouth that speaks
_OTHER = 0.6  # a face of this share of the smaller person's width, that moves, is a third person


@dataclass(frozen=True)
class Moment:
    """What is seen and heard at one moment; left and right are None where they are not seen."""

    seconds: float
    picture: np.ndarray  # (H, W, 3) RGB, square pixels, upright
    faces: tuple[np.ndarray | None, np.ndarray | None]  # (468, 3) px of `picture`
    others: int  # faces besides these two that move
    lips: tuple[float, float]  # mean change of the lips' distance per frame
    speech: float  # probability that somebody speaks
    loudness: float  # root mean square of the sound

    @property
    def speaker(self) -> int | None:
        """0 left, 1 right; None where nobody is seen speaking."""
        if self.speech < _SPEECH or max(self.lips) < _LIPS:
            return None
        return int(self.lips[1] > self.lips[0])

    @property
    def both(self) -> bool:
        return all(face is not None for face in self.faces)


@dataclass(frozen=True)
class Glance:
    """All moments of a recording, and what its packets say."""

    path: Path
    probe: Probe
    moments: list[Moment]


def glance(path: Path, settings: TrackingSettings, most: int = MOST) -> Glance:
    """Look at a recording. Raises UserError when it cannot be read, or has no picture or sound."""
    found = probe(path)
    count = int(np.clip(found.seconds / APART, 3, most))
    times = np.linspace(0, max(0.0, found.seconds - BURST - 0.2), count)
    heard = _heard(path, times)
    tracker = Tracker(settings)
    moments = []
    for time, (speech, loudness), pictures in zip(
        progress(times.tolist(), f"check {path.name}", unit="moment"), heard, _bursts(path, times, found), strict=False
    ):
        moments.append(_moment(tracker, time, speech, loudness, pictures))
    return Glance(path, found, moments)


def _moment(tracker: Tracker, time: float, speech: float, loudness: float, pictures: list[np.ndarray]) -> Moment:
    tracker.finish()
    seen = [{number: landmarks for number, landmarks, _ in tracker(picture)} for picture in pictures]
    chosen, candidates = tracker.scene.choose(), tracker.scene.candidates
    if not any(chosen) and candidates:  # one face alone: on its side of the picture
        largest = max(candidates, key=lambda candidate: candidate.likeness(len(pictures)))
        chosen[int(largest.mean_x > pictures[0].shape[1] / 2)] = {largest.number}
    faces: list[np.ndarray | None] = []
    lips = []
    for numbers in chosen:
        own = [face for frame in seen for number, face in frame.items() if number in numbers]
        faces.append(next((face for number, face in seen[0].items() if number in numbers), own[0] if own else None))
        gaps = lip_gap(np.stack(own)) if len(own) > 1 else np.zeros(2)
        lips.append(float(np.abs(np.diff(gaps)).mean()))
    people = [c for c in candidates if c.number in chosen[0] | chosen[1]]
    least = min((c.mean_width for c in people), default=0.0)
    others = [c for c in candidates if c not in people and c.moves and c.mean_width > _OTHER * least]
    return Moment(
        time, pictures[0], (faces[0], faces[1]), len(others) if people else 0, (lips[0], lips[1]), speech, loudness
    )


def _bursts(path: Path, times: np.ndarray, found: Probe) -> Iterator[list[np.ndarray]]:
    """Every second picture of a second from each time on, upright and with square pixels."""
    scale = min(1.0, _HEIGHT / found.height)
    size = max(2, round(found.width * found.pixel_aspect * scale)), max(2, round(found.height * scale))
    step = max(1, round(found.fps / 15))
    with open_media(path) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        base = float(stream.time_base or 1 / FPS)
        begin = stream.start_time or 0
        for time in times:
            container.seek(begin + round(float(time) / base), stream=stream)
            burst: list[np.ndarray] = []
            for number, frame in enumerate(container.decode(stream)):
                at = ((frame.pts or 0) - begin) * base
                if at > time + BURST:
                    break
                if at >= time - base and number % step == 0:
                    picture = frame.reformat(format="rgb24").to_ndarray()
                    burst.append(_upright(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), found.rotation))
            if burst:
                yield burst


def _upright(picture: np.ndarray, degrees: int) -> np.ndarray:
    return np.ascontiguousarray(np.rot90(picture, round(degrees / 90) % 4))


def _heard(path: Path, times: np.ndarray) -> list[tuple[float, float]]:
    """Probability of speech, and loudness, in the second from each time on."""
    piece, lead = round((_LEAD + BURST) * SAMPLE_RATE), round(_LEAD * SAMPLE_RATE)
    sound = np.zeros((len(times), piece), np.float32)
    with tempfile.TemporaryDirectory() as scratch:
        wav = Path(scratch) / "piece.wav"
        for row, time in enumerate(times):
            start = max(0.0, float(time) - _LEAD)
            part = media_input(path, ss=start, t=_LEAD + BURST)["a:0"]
            run_ffmpeg(path, part, wav, ac=1, ar=SAMPLE_RATE, acodec="pcm_s16le")
            heard = soundfile.read(wav, dtype="float32")[0][:piece]
            sound[row, piece - len(heard) :] = heard
        soundfile.write(wav, sound.ravel(), SAMPLE_RATE)
        frames = round((_LEAD + BURST) * FPS)
        speech = voice_activity(wav, len(times) * frames).reshape(len(times), frames)
    loudness = np.sqrt((sound[:, lead:] ** 2).mean(1))
    return list(zip(speech[:, round(_LEAD * FPS) :].mean(1).tolist(), loudness.tolist(), strict=True))
