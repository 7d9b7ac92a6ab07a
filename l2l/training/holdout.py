"""Which windows train and which validate: whole recordings, never some windows of one.

- Windows overlap, and a recording has one room, one light and one conversation: windows of one recording on both
  sides would make the validation loss a measure of memory. The released code drew windows, unseeded, at each start;
  `windows.holdout: window` does the same from a seed, so that codebook and predictor hold out the same ones.
- The draw depends only on the recordings' names, the share and the seed: codebook and predictor of one person with
  the same share hold out the same recordings.
"""

import logging
from pathlib import Path

import numpy as np

from l2l.dataset.layout import Chunks, check_numbers, load_chunks
from l2l.errors import UserError
from l2l.sides import Side

log = logging.getLogger(__name__)


def split(chunks: Chunks, holdout: str, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Training rows and validation rows, by whole recordings or, as released, by window."""
    return (split_by_window if holdout == "window" else split_by_video)(chunks, share, seed)


def split_by_window(chunks: Chunks, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The first int((1 - share) * N) rows of a random order train, the rest validates; both stay in that order.

    The order matters: batches that are `fixed` are cut from it. Raises UserError when one of the two would be empty.
    """
    order = np.random.RandomState(seed).permutation(len(chunks))
    count = int((1 - share) * len(chunks))
    if not 0 < count < len(chunks):
        raise UserError(
            f"{len(chunks)} training window(s) cannot be split into training and validation with validation_share "
            f"{share}; add a recording, or change validation_share."
        )
    log.info("validation: %d of %d windows, of any recording", len(chunks) - count, len(chunks))
    return order[:count], order[count:]


def split_by_video(chunks: Chunks, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Training rows and validation rows, increasing; `share` of the recordings (at least one, never all) is held out.

    With a single recording its last windows are held out instead, and training windows that share a frame with them
    are left out. Raises UserError when nothing is left to train on.
    """
    videos = chunks.videos
    names = np.unique(videos)
    if len(names) == 1:
        return _split_one(chunks, share)
    held = min(max(round(share * len(names)), 1), len(names) - 1)
    chosen = np.random.default_rng(seed).choice(names, size=held, replace=False)
    inside = np.isin(videos, chosen)
    log.info("validation: %d of %d recordings, %d of %d windows", held, len(names), inside.sum(), len(inside))
    return np.flatnonzero(~inside), np.flatnonzero(inside)


def _split_one(chunks: Chunks, share: float) -> tuple[np.ndarray, np.ndarray]:
    count = len(chunks)
    held = min(max(round(share * count), 1), count)
    frames = chunks.files[:, :, 2]  # (N, 64)
    overlapping = np.isin(frames, frames[count - held :]).any(axis=1)
    train = np.flatnonzero(~overlapping)
    if not len(train):
        raise UserError(
            f"the recording {str(chunks.videos[0])!r} gives only {count} training window(s), too few to hold some out "
            "for validation; add a recording or lower chunking.stride_train."
        )
    log.info("validation: only one recording, so its last %d of %d windows are held out", held, count)
    return train, np.arange(count - held, count)


def load_training_chunks(folder: Path, listener: Side, parts: tuple[str, ...]) -> Chunks:
    """The training chunks of one person. Raises UserError when there are none, or for NaN in one of `parts`."""
    chunks = load_chunks(folder, "train", listener)
    if not len(chunks):
        raise UserError(
            f"{folder}/train has no windows in which {listener} listens; check `listener` in config.yaml, or add "
            "longer recordings."
        )
    check_numbers(folder, "train", chunks, parts)
    return chunks
