"""What a listener model has to beat (Ng et al. 2022, section 4), and nulls that nothing should lose to.

- Each row predicts the listener from a speaker, as the model does: futures (S, N, T, 56) in raw units, measured alike.
- Some never look at the speaker: they move like a listener, or take no risk, and hear nothing.
- Mirrors and nearest neighbours hear everything but have learnt nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from l2l.asking import Speaker
from l2l.dataset.layout import Chunks
from l2l.evaluation.clips import Clips
from l2l.units import MODEL_DIM

DELAY = 17  # frames, 0.57 s, of the delayed mirror
_BLOCK = 256  # training windows read at a time


@dataclass(frozen=True)
class Row:
    """One line of results: a name, what it is, and how it answers a speaker."""

    name: str
    what: str
    predict: Callable[[Speaker], np.ndarray | Clips]  # -> (S, N, T, 56), or N arrays (S, T, 56)
    hears: bool | None = True  # whether the answer depends on the speaker; None: it cannot be asked with another one


def pose(of: Callable[..., np.ndarray], train: Chunks, windows: int, length: int) -> np.ndarray:
    """The mean (`np.mean`) or median of all training frames, held still: (1, N, T, 56)."""
    frames = np.asarray(train.listener[..., :MODEL_DIM], np.float64).reshape(-1, MODEL_DIM)
    return np.broadcast_to(of(frames, axis=0).astype(np.float32), (1, windows, length, MODEL_DIM))


def mirror(speaker: Speaker, frames: slice, delay: int = 0) -> np.ndarray:
    """The speaker's own motion, `delay` frames late: (1, N, T, 56). What came before the first frame is held."""
    first, last, _ = frames.indices(speaker.faces.shape[1])
    shown = np.maximum(np.arange(first, last) - delay, 0)
    return np.asarray(speaker.faces[None, :, shown, :MODEL_DIM], np.float32)


def random_training_window(train: Chunks, windows: int, frames: slice, samples: int, seed: int) -> np.ndarray:
    """The same frames of training windows, drawn anew for each window and sample: (S, N, T, 56)."""
    rows = np.random.default_rng(seed).integers(0, len(train), (samples, windows))  # (S, N)
    return np.asarray(train.listener[:, frames, :MODEL_DIM][rows], np.float32)


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
    return np.divide(keys, length, out=np.zeros_like(keys), where=length > 0)


def training_rows(train: Chunks, windows: int, frames: slice, samples: int, seed: int) -> list[Row]:
    """All rows that need nothing but the training windows and the speaker."""
    length = len(range(*frames.indices(train.listener.shape[1])))
    still = {name: pose(of, train, windows, length) for name, of in (("mean", np.mean), ("median", np.median))}
    drawn = random_training_window(train, windows, frames, samples, seed)
    motion = NearestNeighbour(train, "speaker", motion_key, frames)
    audio = NearestNeighbour(train, "audio", audio_key, frames)
    return [
        Row("mean_pose", "the mean of all training frames, held still", lambda _: still["mean"], hears=False),
        Row("median_pose", "the median of all training frames, held still", lambda _: still["median"], hears=False),
        Row(
            "random_training_window",
            "the same frames of a random training window of the listener, one per window and sample",
            lambda _: drawn,
            hears=False,
        ),
        *mirror_rows(frames),
        Row(
            "nearest_motion",
            "the listener of the training window whose speaker moves most alike (cosine of the mean over time)",
            lambda speaker: motion.nearest(motion_key(speaker.faces)),
        ),
        Row(
            "nearest_audio",
            "the listener of the training window whose speaker sounds most alike (cosine of the maximum over time)",
            lambda speaker: audio.nearest(np.asarray(speaker.loudest, np.float64)),
        ),
    ]


def mirror_rows(frames: slice) -> list[Row]:
    """The rows that need nothing but the speaker."""
    return [
        Row("mirror", "the speaker's own motion at the same moment", lambda speaker: mirror(speaker, frames)),
        Row(
            "delayed_mirror",
            f"the speaker's own motion, {DELAY} frames late",
            lambda speaker: mirror(speaker, frames, DELAY),
        ),
    ]
