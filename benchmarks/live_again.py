"""Whether a live listener is the one that `l2l listen` makes of the same conversation, and whether it answers pauses.

A listener draws its codes: what differs by a hair can draw another code, after which everything is another listener.
So the road is compared in three parts.

1. Motion: the models are given the faces that were measured live and the sound that was sent, as `l2l listen` gives
   them. What was shown must be the same up to rounding.
2. What was measured: head and jaw beside those that the steps of the workflow found in the same recordings, and the
   sound beside the recordings' own. The delays of camera and microphone are found by correlation.
3. Codes: with the same past and the same random numbers, how many codes drawn are the same when the speaker is taken
   from the workflow's files (at the delays found). Beside it what timing alone does: the same files a frame (33 ms)
   later; and what no relation at all is like: the same files 10 s later.
"""

import copy
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
import torch

from l2l.config import Settings
from l2l.dataset.layout import JAW, ROTATION
from l2l.evaluation.events import detect
from l2l.faces.store import load_faces
from l2l.features.sound import frame_sound
from l2l.live.sound import LiveSound
from l2l.patches.checkpoint import load_models
from l2l.patches.live import Listener
from l2l.patches.stream import Stream
from l2l.pictures.listen import DELAY, held, play
from l2l.sides import Side
from l2l.speech.intervals import intervals
from l2l.units import AUDIO_PER_FRAME, FPS, MODEL_DIM, PATCH, SAMPLE_RATE

AFTER = 1.0  # seconds after a pause began, in which a nod answers it
PAUSE = 0.3  # seconds that a pause takes, at least
SHIFTS = range(60, 600, 60)  # frames by which pauses are shifted, for chance
SOON = 20.0  # seconds from which on the person at rest is known well
UNRELATED = 10.0  # seconds
PIECE, REACH = 10.0, 3  # seconds in which the camera is equally late, and by how much the lateness may change


class Speaker(NamedTuple):
    """What a listener is given."""

    faces: np.ndarray  # (T, 56)
    rows: np.ndarray  # (4 T, 128)

    def later(self, frames: int) -> "Speaker":
        """The same, so many frames later; the end comes first."""
        return Speaker(np.roll(self.faces, frames, 0), np.roll(self.rows, AUDIO_PER_FRAME * frames, 0))


def rows_of(sound: np.ndarray, frames: int) -> np.ndarray:
    """Mel rows (4 T, 128) of so many frames of a sound."""
    live, found = LiveSound(Settings().mel), []
    for start in range(0, len(sound) + SAMPLE_RATE, SAMPLE_RATE):
        live.add(np.pad(sound[start : start + SAMPLE_RATE], (0, SAMPLE_RATE - len(sound[start : start + SAMPLE_RATE]))))
        done = sum(map(len, found)) // AUDIO_PER_FRAME
        if min(live.frames, frames) > done:
            found.append(live.rows(done, min(live.frames, frames)))
    return np.concatenate(found)


def as_measured(recordings: Sequence[Path], side: Side) -> tuple[np.ndarray, np.ndarray]:
    """Faces (T, 56) of a person in preprocessed recordings, one after another, and their speech."""
    faces = [held(load_faces(folder / f"faces_{side}.npz")) for folder in recordings]
    speech = [soundfile.read(folder / f"speech_{side}.wav", dtype="float32")[0] for folder in recordings]
    return np.concatenate(faces), np.concatenate(speech)


def delay_of(live: np.ndarray, looped: np.ndarray) -> int:
    """At which sample of a signal that is repeated (N,) another one (T,) begins, by correlation."""
    repeated = np.tile(looped - looped.mean(), len(live) // len(looped) + 2)
    length = 1 << (len(repeated) + len(live)).bit_length()
    found = np.fft.irfft(np.fft.rfft(repeated, length) * np.conj(np.fft.rfft(live - live.mean(), length)), length)
    return int(found[: len(looped)].argmax())


def at_places(looped: np.ndarray, places: np.ndarray) -> np.ndarray:
    """A signal (N, ...) that is repeated, at places (T,) that may lie between two samples."""
    first, share = np.floor(places).astype(int), (places % 1).reshape(-1, *[1] * (looped.ndim - 1))
    found = (1 - share) * looped[first % len(looped)] + share * looped[(first + 1) % len(looped)]
    return np.asarray(found, np.float32)


def camera_places(live: np.ndarray, looped: np.ndarray) -> np.ndarray:
    """Places (T,) in a pitch curve that is repeated (N,) at which another one (T,) was filmed.

    They are found for each `PIECE`, to a twentieth of a frame, near where the whole lies: a busy browser's camera
    is not always equally late.
    """
    whole, length, places = delay_of(live, looped), round(PIECE * FPS), np.arange(len(live), dtype=float)
    for start in range(0, len(live), length):
        piece = live[start : start + length]

        def fit(place: float, piece: np.ndarray = piece, start: int = start) -> float:
            return float(np.corrcoef(at_places(looped, place + start + np.arange(len(piece))), piece)[0, 1])

        near = max(np.arange(whole - REACH * FPS, whole + REACH * FPS + 1), key=fit)
        places[start : start + length] += max(near + np.arange(-1, 1.01, 0.05), key=fit)
    return places


def same_codes(results: Path, live: Speaker, others: Sequence[Speaker], seed: int = 0) -> list[float]:
    """With the past that listens to `live`: the share of codes that `others` draw alike, from the same numbers."""
    models = load_models(results / "codebook.pt", results / "predictor.pt")
    frames = len(live.faces) // PATCH * PATCH
    each = [
        (one.faces[:frames], frame_sound(one.rows[: AUDIO_PER_FRAME * frames], models.power)) for one in (live, *others)
    ]
    faces, sound = (np.stack(parts) for parts in zip(*each, strict=True))
    stream, random = Stream(models, [(seed, 0, 0)] * len(faces)), np.random.default_rng([seed, 0, 0])
    memory, same = stream.state.memory, []
    with torch.no_grad():
        heard = models.hear(faces, sound)  # (B, P, H)
        for now in heard.unbind(1):
            numbers = torch.from_numpy(random.random(models.predictor.per_patch))
            drawn, _ = stream.sampler.draw(copy.deepcopy(memory), now, numbers.expand(len(faces), -1))  # (B, Q)
            stream.sampler.follow(memory, drawn[:1].expand_as(drawn))
            same.append((drawn[1:] == drawn[0]).double().mean(1).numpy())
    return np.mean(same, 0).tolist()


def compare(results: Path, numbers: Path, sent: np.ndarray, recordings: Sequence[Path], side: Side) -> Iterator[str]:
    """Lines about a recorded conversation: its `numbers` as the page leaves them, the sound that was `sent`, and the
    recordings that the camera played, one after another."""
    with np.load(numbers) as file:
        shown, faces = file["faces"], file["speaker"]
    live = Speaker(faces, rows_of(sent, len(faces)))
    motion = play(Listener.load(results).step, *live)
    answered = shown[DELAY:]
    difference = np.abs(motion[: len(answered)] - answered).max()
    yield f"shown, beside the listener of `l2l listen` on what was measured live: {difference:.1e} apart at most"

    true, speech = as_measured(recordings, side)
    pitch = ROTATION.start
    places, begin = camera_places(faces[:, pitch], true[:, pitch]), delay_of(sent, speech)
    length = len(true) / FPS
    late = (begin / SAMPLE_RATE - (places - np.arange(len(places))) / FPS + length / 2) % length - length / 2
    yield (
        f"the picture comes later than the sound by {1000 * np.median(late):.0f} ms "
        f"({1000 * late.min():.0f} to {1000 * late.max():.0f}), beside the recordings"
    )
    played = at_places(speech, begin + np.arange(len(sent)))
    files = Speaker(at_places(true, places), rows_of(played, len(faces)))
    from_here = slice(int(SOON * FPS) if len(faces) > 2 * SOON * FPS else 0, None)
    for name, column in (("pitch", pitch), ("yaw", pitch + 1), ("roll", pitch + 2), ("jaw", JAW.start)):
        a, b = live.faces[from_here, column], files.faces[from_here, column]
        error = np.abs((a - b) - np.median(a - b))
        shown_error = f"{1000 * np.median(error):.1f} mrad apart, 95 % {1000 * np.quantile(error, 0.95):.1f}"
        yield f"their {name}, live and by the steps: r {np.corrcoef(a, b)[0, 1]:.3f}, {shown_error}"
    a, b = (frame_sound(one.rows, power=True).ravel() for one in (live, files))
    yield f"their sound, live and in the recordings: r {np.corrcoef(a, b)[0, 1]:.3f} of log mel"

    variants = {
        "from the recordings' files": files,
        "the same a frame later": files.later(1),
        f"the same {UNRELATED:.0f} s later": files.later(int(UNRELATED * FPS)),
        "live, a frame later": live.later(1),
    }
    shares = same_codes(results, live, list(variants.values()))
    said = ", ".join(f"{name} {share:.2f}" for name, share in zip(variants, shares, strict=True))
    yield f"share of codes that are drawn alike: {said}"


def pauses_of(speaks: np.ndarray) -> np.ndarray:
    """Frames at which the speaker falls silent for a while; speaks (T,) bool."""
    return np.array([start for start, end in intervals(~speaks) if start and end - start >= PAUSE * FPS], int)


class Answered:
    """How often a nod comes soon after a pause, and after the same pauses shifted in time."""

    def __init__(self) -> None:
        self.pauses: list[float] = []  # 1 where a nod came
        self.chance: list[float] = []  # of each pause, the share of its shifted ones after which a nod came

    def add(self, pitch: np.ndarray, speaks: np.ndarray) -> None:
        """A conversation: the listener's pitch (T,) and whether the speaker speaks (T,), bool."""
        motion = np.zeros((len(pitch), MODEL_DIM), np.float32)
        motion[:, ROTATION.start] = pitch
        nods, pauses = detect([motion], [0], None)["nod"].time, pauses_of(speaks)
        self.pauses += self._hits(nods, pauses)
        self.chance += np.mean([self._hits(nods, (pauses + shift) % len(pitch)) for shift in SHIFTS], 0).tolist()

    @staticmethod
    def _hits(nods: np.ndarray, pauses: np.ndarray) -> list[float]:
        after = (nods[None] - pauses[:, None]) / FPS
        return ((after > 0) & (after <= AFTER)).any(1).astype(float).tolist()

    def said(self) -> str:
        """A line, with an interval by drawing pauses."""
        if not self.pauses:
            return "no pause was heard"
        hits, chance = np.array(self.pauses), np.array(self.chance)
        drawn = np.random.default_rng(0).integers(0, len(hits), (2000, len(hits)))
        low, high = np.quantile((hits - chance)[drawn].mean(1), [0.025, 0.975])
        return (
            f"a nod within {AFTER:.0f} s of {hits.mean():.2f} of {len(hits)} pauses, of shifted ones "
            f"{chance.mean():.2f}: {(hits - chance).mean():+.2f}, 95 % interval {low:+.2f} to {high:+.2f}"
        )
