"""What a listener model has to beat (Ng et al. 2022, section 4), and controls to read its numbers beside.

- Each row predicts the listener from a speaker, as the model does: futures (S, N, T, 56) in raw units, measured alike.
  Those of many samples are made part by part, for all of them together would fill the memory.
- Some rows never look at the speaker: they move like a listener, or stand still, and do not listen.
- Mirrors and nearest neighbours depend on the speaker in everything but have learnt nothing.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from l2l.asking import Model, SpeakerInput
from l2l.dataset.layout import Chunks
from l2l.evaluation.bootstrap import ONE_RECORDING
from l2l.evaluation.clips import Predicted
from l2l.evaluation.shifts import elsewhere
from l2l.units import MODEL_DIM

DELAY = 17  # frames, 0.57 s, of the delayed mirror
LATE = f"the speaker's own motion, {DELAY} frames late"
NO_MODEL = "the model was not given: --codebook and --predictor"
_BLOCK = 256  # windows at a time


@dataclass(frozen=True)
class Row:
    """One line of results: a name, what it is, and how it answers a speaker."""

    name: str
    what: str
    predict: Callable[[SpeakerInput], Predicted]  # an array, if it uses the speaker: it is asked with many
    uses_speaker: bool | None = True  # None: it cannot be asked with another speaker
    samples: int = 1  # S, known before it is asked: rows that take long are asked first


def speakers(test: Chunks, chosen: np.ndarray | slice = slice(None)) -> SpeakerInput:
    """The speakers of all windows, or of the chosen ones, (N, 64, 56) and (N, 256, 128)."""
    rows = np.arange(len(test))[chosen]
    faces = np.asarray(test.speaker[chosen, :, :MODEL_DIM], np.float32)
    return SpeakerInput(faces, np.stack([rows, np.zeros_like(rows)], 1), lambda: test.audio[chosen])


def pose(of: Callable[..., np.ndarray], train: Chunks, windows: int, length: int) -> np.ndarray:
    """The mean (`np.mean`) or median of all training frames, held still: (1, N, T, 56)."""
    frames = np.asarray(train.listener[..., :MODEL_DIM], np.float64).reshape(-1, MODEL_DIM)
    return np.broadcast_to(of(frames, axis=0).astype(np.float32), (1, windows, length, MODEL_DIM))


def late(motion: np.ndarray) -> np.ndarray:
    """Motion (..., T, C), `DELAY` frames later; before that the first frame is held."""
    return motion[..., np.maximum(np.arange(motion.shape[-2]) - DELAY, 0), :]


def random_training_window(train: Chunks, windows: int, frames: slice, samples: int, seed: int) -> Iterator[np.ndarray]:
    """The same frames of training windows, drawn anew for each window and sample: parts (S, n, T, 56)."""
    rows = np.random.default_rng(seed).integers(0, len(train), (samples, windows))  # (S, N)
    for start in range(0, windows, _BLOCK):
        yield np.asarray(train.listener[:, frames, :MODEL_DIM][rows[:, start : start + _BLOCK]], np.float32)


def motion_key(faces: np.ndarray) -> np.ndarray:
    """Mean over time, (N, T, >= 56) -> (N, 56)."""
    return np.asarray(faces[..., :MODEL_DIM], np.float64).mean(1)


def audio_key(audio: np.ndarray) -> np.ndarray:
    """Maximum over time, (N, 4 T, 128) -> (N, 128)."""
    return np.asarray(audio.max(1), np.float64)


class NearestNeighbour:
    """The listener of the training window whose speaker is most alike: the largest cosine of two keys."""

    def __init__(self, train: Chunks, part: str, key: Callable[[np.ndarray], np.ndarray], frames: slice) -> None:
        """`part` of the training chunks is "speaker" or "audio"; `key` makes (N, D) of it."""
        array = getattr(train, part)
        blocks = [key(np.asarray(array[start : start + _BLOCK])) for start in range(0, len(train), _BLOCK)]
        self.keys = _unit(np.concatenate(blocks))
        self.listener = train.listener[:, frames, :MODEL_DIM]

    def nearest(self, keys: np.ndarray) -> np.ndarray:
        """The speakers' keys (N, D) -> (1, N, T, 56)."""
        nearest = (_unit(keys) @ self.keys.T).argmax(1)
        return np.asarray(self.listener[nearest][None], np.float32)


def _unit(keys: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(keys, axis=1, keepdims=True)
    return keys / np.where(length > 0, length, 1)


def training_rows(train: Chunks, windows: int, frames: slice, samples: int, seed: int) -> list[Row]:
    """All rows that need nothing but the training windows and the speaker."""
    length = frames.stop - frames.start
    mean, median = pose(np.mean, train, windows, length), pose(np.median, train, windows, length)
    motion = NearestNeighbour(train, "speaker", motion_key, frames)
    audio = NearestNeighbour(train, "audio", audio_key, frames)
    most = "the listener of the training window whose speaker"
    return [
        Row("mean_pose", "the mean of all training frames, held still", lambda _: mean, uses_speaker=False),
        Row("median_pose", "the median of all training frames, held still", lambda _: median, uses_speaker=False),
        Row(
            "random_training_window",
            "the same frames of a random training window of the listener, one per window and sample",
            lambda _: random_training_window(train, windows, frames, samples, seed),
            uses_speaker=False,
            samples=samples,
        ),
        Row("mirror", "the speaker's own motion at the same moment", lambda speaker: speaker.faces[None, :, frames]),
        Row("delayed_mirror", LATE, lambda speaker: late(speaker.faces)[None, :, frames]),
        Row(
            "nearest_motion",
            f"{most} moves most alike (cosine of the mean over time)",
            lambda speaker: motion.nearest(motion_key(speaker.faces)),
        ),
        Row(
            "nearest_audio",
            f"{most} sounds most alike (cosine of the maximum over time)",
            lambda speaker: audio.nearest(np.asarray(speaker.loudest, np.float64)),
        ),
    ]


def controls(
    model: Model | None, test: Chunks, truth: np.ndarray, samples: int, seed: int
) -> tuple[list[Row], dict[str, str]]:
    """The truth, another recording's, and two of the model's own; then rows that cannot be made, and why."""
    rows, left_out = [Row("truth", "the true listener", lambda _: truth[None], uses_speaker=None)], {}
    other = elsewhere(np.asarray(test.videos), seed)
    if other is None:
        left_out["truth_other_recording"] = ONE_RECORDING
    else:
        what = "the true listener of a random window of another test recording: the truth with a speaker it never met"
        rows.append(Row("truth_other_recording", what, lambda _: truth[None, other], uses_speaker=None))
    if model is None:
        return rows, left_out | {"random_codes": NO_MODEL, "model_shuffled_speaker": NO_MODEL}
    what = "codes drawn evenly from the whole codebook, decoded"
    rows.append(Row("random_codes", what, lambda _: model.random_codes(samples), uses_speaker=False, samples=samples))
    if other is None:
        left_out["model_shuffled_speaker"] = ONE_RECORDING
    else:
        what = "the model, sampled with the speaker of a random window of another test recording"

        def shuffled(_: SpeakerInput) -> Iterator[np.ndarray]:
            return model.samples(lambda rows: speakers(test, other[rows]))

        rows.append(Row("model_shuffled_speaker", what, shuffled, uses_speaker=None, samples=samples))
    return rows, left_out
