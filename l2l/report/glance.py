"""A minute's look at a recording: a few moments of it, spread evenly, with the faces and voices in them.

- At each moment the faces are followed for a second, as `track` follows them, and the sound is asked for speech.
- Who is who is told by the faces, as `track` tells it: left and right are the same two people at every moment.
- Who speaks is the one whose lips move more, where somebody speaks at all. In a conversation in two files it is the one
  whose microphone is louder, beside its loudest moment, where one clearly is.
- An hour of video takes about as long as a minute of it: the number of moments is limited.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import av.error
import cv2
import numpy as np
import soundfile

from l2l.config import Settings
from l2l.errors import UserError
from l2l.files import scratch
from l2l.progress import progress
from l2l.recordings import pairs
from l2l.recordings.side_by_side import Aligned, aligned
from l2l.speech.lip_motion import lip_gap
from l2l.speech.vad import voice_activity
from l2l.units import FPS, SAMPLE_RATE
from l2l.video.candidates import Pair, Scene
from l2l.video.identity import who_is_who
from l2l.video.media import converted, media_input, open_media, run_ffmpeg
from l2l.video.picture import Picture
from l2l.video.probing import Probe, probe
from l2l.video.tracking import Tracker
from l2l.video.tracks import Seats

MOST, APART = 30, 4.0  # moments at most; seconds between two of a short recording
BURST = 1.0  # seconds for which faces are followed
_LEAD = 0.5  # seconds of sound before, which the voice activity needs to begin
_HEIGHT = 540  # lines that faces are looked for in, at most
_SPEECH = 0.5  # probability from which somebody speaks
_LIPS = 0.006  # mean change of the lips' distance per frame, in eye distances, of a mouth that speaks
_ALIKE = 0.8  # of the louder of two microphones, from which on both are as loud
_OTHER = 0.6  # a face of this share of the smaller person's width, that moves, is a third person


class Sound(NamedTuple):
    """What is heard at one moment."""

    speech: float  # probability that somebody speaks
    loudness: float  # root mean square


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
    levels: tuple[float, float] | None = None  # of each person's own microphone, beside its loudest moment
    seats: Seats = Seats.FIRST  # how the two sit; where they are not the recording's two people, they are named by side
    refused: int = 0  # faces that move and look like a rendering or a statue

    @property
    def speaker(self) -> int | None:
        """0 left, 1 right; None where nobody is heard, or seen speaking."""
        if self.speech < _SPEECH:
            return None
        if self.levels is not None and not self.alike:
            return int(self.levels[1] > self.levels[0])
        return None if max(self.lips) < _LIPS else int(self.lips[1] > self.lips[0])

    @property
    def alike(self) -> bool:
        """Whether both microphones are as loud as each other."""
        return self.levels is not None and min(self.levels) > _ALIKE * max(self.levels)

    @property
    def both(self) -> bool:
        return all(face is not None for face in self.faces)


@dataclass(frozen=True)
class Glance:
    """All moments of a recording, and what its packets say."""

    path: Path
    probes: dict[str, Probe]  # by name, of the file that it is, or of the two files
    seconds: float
    moments: list[Moment]
    aligned: Aligned | None = None  # of two files


def glance(path: Path, settings: Settings, most: int = MOST) -> Glance:
    """Look at a recording, a file or a folder with one for each person.

    Raises UserError when it cannot be read, or has no picture or sound.
    """
    two = aligned(path, settings.video) if pairs.is_pair(path) else None
    if two:
        files, seconds = [*map(_File, two.sources, two.probes, two.begins)], two.seconds
    else:
        files = [_File(path, probe(path), 0.0)]
        seconds = files[0].probe.seconds
    times = np.linspace(0, max(0.0, seconds - BURST - 0.2), int(np.clip(seconds / APART, 3, most)))
    heard = [_heard(file.path, times + file.begin) for file in files]
    pictures_of = [_bursts(file.path, times + file.begin, file.probe) for file in files]
    tracker, bursts = Tracker(settings.tracking), []
    watched = progress(times.tolist(), f"check {path.name}", unit="moment")
    for time, sounds, shown in zip(watched, zip(*heard, strict=True), zip(*pictures_of, strict=False), strict=False):
        pictures = [_beside(frames) for frames in zip(*shown, strict=False)]
        seen = [{number: face.landmarks for number, face in tracker(Picture.of(picture))} for picture in pictures]
        tracker.finish()
        bursts.append(_Burst(time, max(sounds), pictures[0], seen, tracker.finished[-1]))  # the sound with most speech
    # Of two files each shows its own person.
    casts = who_is_who([burst.scene for burst in bursts], two is not None or settings.tracking.identity == "side")
    moments = [_moment(burst, *cast) for burst, cast in zip(bursts, casts, strict=True)]
    if two:
        moments = [replace(moment, levels=both) for moment, both in zip(moments, _levels(heard), strict=False)]
    return Glance(path, {file.path.name: file.probe for file in files}, seconds, moments, two)


class _File(NamedTuple):
    """A file that is looked at."""

    path: Path
    probe: Probe
    begin: float  # seconds of it at which the recording begins


def _levels(heard: Sequence[Sequence[Sound]]) -> list[tuple[float, float]]:
    """Of each moment, the loudness of the left and of the right microphone, beside its loudest moment."""
    loudness = np.array([[sound.loudness for sound in sounds] for sounds in heard])  # (2, N)
    left, right = (loudness / np.maximum(loudness.max(1, keepdims=True), 1e-9)).tolist()
    return list(zip(left, right, strict=True))


@dataclass(frozen=True)
class _Burst:
    """What a second of a recording has shown."""

    seconds: float
    sound: Sound
    picture: np.ndarray  # the first one
    seen: list[dict[int, np.ndarray]]  # of each picture: number of the candidate: landmarks (468, 3) px
    scene: Scene


def _beside(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """Pictures (H, W, 3) side by side, as high as the lowest."""
    if len(pictures) == 1:
        return pictures[0]
    height = min(len(picture) for picture in pictures)
    sizes = [(round(picture.shape[1] * height / len(picture)), height) for picture in pictures]
    return np.hstack([cv2.resize(picture, size) for picture, size in zip(pictures, sizes, strict=True)])


def _moment(burst: _Burst, pair: Pair | None, seats: Seats) -> Moment:
    scene = burst.scene
    possible, refused = scene.pairs(), scene.refused()
    pair = pair or (possible[0] if possible else None)
    chosen: list[set[int]] = scene.numbers(pair) if pair else [set(), set()]
    persons = [c for c in scene.candidates if c not in refused]
    if not pair and persons:  # one face alone: on its side of the picture
        largest = max(persons, key=lambda candidate: candidate.prominence(scene.frames))
        chosen[int(largest.mean_x > burst.picture.shape[1] / 2)] = {largest.number}
    faces: list[np.ndarray | None] = []
    lips = []
    for numbers in chosen:
        own = [face for frame in burst.seen for number, face in frame.items() if number in numbers]
        first = next((face for number, face in burst.seen[0].items() if number in numbers), own[0] if own else None)
        faces.append(first)
        gaps = lip_gap(np.stack(own)) if len(own) > 1 else np.zeros(2)
        lips.append(float(np.abs(np.diff(gaps)).mean()))
    people = [c for c in persons if c.number in chosen[0] | chosen[1]]
    least = min((c.mean_width for c in people), default=0.0)
    others = [c for c in persons if c not in people and c.moves and c.mean_width > _OTHER * least]
    third = len(others) if people else 0
    return Moment(
        burst.seconds, burst.picture, (faces[0], faces[1]), third, (lips[0], lips[1]), *burst.sound,
        seats=seats, refused=len(refused),
    )  # fmt: skip


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
            try:
                container.seek(begin + round(float(time) / base), stream=stream)
                burst: list[np.ndarray] = []
                for number, frame in enumerate(container.decode(stream)):
                    at = ((frame.pts or 0) - begin) * base
                    if at > time + BURST:
                        break
                    if at >= time - base and number % step == 0:
                        picture = converted(frame)
                        burst.append(_upright(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), found.rotation))
            except av.error.FFmpegError as error:
                raise UserError(
                    f"{path} cannot be decoded at {time:.1f} s ({error.strerror}); convert it again."
                ) from None
            if burst:
                yield burst


def _upright(picture: np.ndarray, degrees: int) -> np.ndarray:
    return np.ascontiguousarray(np.rot90(picture, round(degrees / 90) % 4))


def _heard(path: Path, times: np.ndarray) -> list[Sound]:
    """The second from each time on."""
    piece, lead = round((_LEAD + BURST) * SAMPLE_RATE), round(_LEAD * SAMPLE_RATE)
    sound = np.zeros((len(times), piece), np.float32)
    with scratch() as temporary:
        wav = temporary / "piece.wav"
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
    return [Sound(*both) for both in zip(speech[:, round(_LEAD * FPS) :].mean(1), loudness, strict=True)]
