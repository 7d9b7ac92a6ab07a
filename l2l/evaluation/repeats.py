"""Recordings that repeat material of others: a compilation, another cut, the same video under another name.

- A repeated recording in the test set was seen in training; two in one set look like more evidence than there is.
- Excerpts of 1.6 s are taken around the liveliest moments, so that two copies are cut alike wherever they begin. Two
  recordings repeat each other when several of their excerpts are alike and all lie equally far apart.
- Compared is the motion of both people. No sound is, so a copy may be louder, and no picture, so it may be encoded
  anew. On 45 real conversations and on made-up ones, different conversations of the same people share at most 3
  excerpts so; a copy of 20 s with noise of 0.3 std shares 16 or more.
"""

from typing import NamedTuple

import numpy as np

from l2l.dataset.layout import EXPRESSION, JAW, ROTATION, Chunks, first_frames
from l2l.features.sequences import chain
from l2l.units import FPS

_CHANNELS = np.r_[ROTATION, JAW, EXPRESSION.start : EXPRESSION.start + 6]  # of each person
_HALF, _STEP = 24, 2  # frames of an excerpt on each side of its moment, and between those compared
_APART = 12  # frames around it in which a moment is the liveliest
_ALIKE = 0.85  # correlation
_VOTES = 6  # excerpts that find one of the other recording, counted from both sides
_JITTER = 3  # frames by which their distances may differ
_MOST = 10_000  # excerpts; of more, the liveliest are taken
_BLOCK = 512


class _Excerpts(NamedTuple):
    shapes: np.ndarray  # (E, D) of length 1
    energy: np.ndarray  # (E,) how lively
    recording: np.ndarray  # (E,) number of the name
    frame: np.ndarray  # (E,) of its moment


def repeats(train: Chunks, test: Chunks) -> list[str]:
    """A sentence for each pair of recordings, of either set, that hold the same passage."""
    names, excerpts = _excerpts({"train": train, "test": test})
    if not len(excerpts.frame):
        return []
    keep = np.sort(np.argsort(-excerpts.energy, kind="stable")[:_MOST])
    shapes, _, recording, frame = (array[keep] for array in excerpts)
    alike, other = np.empty(len(shapes)), np.empty(len(shapes), int)
    for start in range(0, len(shapes), _BLOCK):
        block = slice(start, start + _BLOCK)
        products = shapes[block] @ shapes.T
        products[recording[block, None] == recording] = -1
        alike[block], other[block] = products.max(1), products.argmax(1)
    pairs: dict[tuple[int, int], list[tuple[int, int]]] = {}  # distance and frame in the first recording
    for mine in np.flatnonzero(alike > _ALIKE):
        a, b = sorted((mine, other[mine]), key=lambda e: recording[e])
        pairs.setdefault((recording[a], recording[b]), []).append((frame[b] - frame[a], frame[a]))
    found = []
    for (first, second), votes in sorted(pairs.items()):
        distances, frames = np.array(votes)[np.argsort([distance for distance, _ in votes], kind="stable")].T
        counts = np.searchsorted(distances, distances + _JITTER, side="right") - np.arange(len(distances))
        if counts.max() >= _VOTES:
            best = slice(counts.argmax(), counts.argmax() + counts.max())
            seconds = (np.ptp(frames[best]) + 2 * _HALF) / FPS
            found.append(
                f"{names[first]} and {names[second]} hold the same passage of about {seconds:.0f} s: leave one of them "
                "out, or the numbers look better or surer than they are."
            )
    return found


def _excerpts(splits: dict[str, Chunks]) -> tuple[list[str], _Excerpts]:
    """The recordings' names with their set, and all excerpts."""
    names, motions, recordings, starts = list[str](), list[np.ndarray](), list[int](), list[int]()
    for split, chunks in splits.items():
        frames = first_frames(chunks.files) if len(chunks) else np.empty(0, int)
        for pieces in chain(chunks, np.arange(len(chunks))) if len(chunks) else []:
            both = (
                np.concatenate([array[piece.row][piece.new :, _CHANNELS] for piece in pieces])
                for array in (chunks.listener, chunks.speaker)
            )
            name = f"{chunks.videos[pieces[0].row]} ({split})"
            if name not in names:
                names.append(name)
            motions.append(np.concatenate(list(both), axis=1))
            recordings.append(names.index(name))
            starts.append(int(frames[pieces[0].row]))
    spread = np.concatenate(motions).std(0, dtype=np.float64)
    spread[spread == 0] = np.inf  # a channel that never moves says nothing
    parts = [_moments(motion / spread) for motion in motions]
    shapes, energy = (np.concatenate([part[k] for part in parts]) for k in (1, 2))
    counts = [len(part[0]) for part in parts]
    frame = np.concatenate([start + part[0] for start, part in zip(starts, parts, strict=True)])
    return names, _Excerpts(shapes, energy, np.repeat(recordings, counts), frame)


def _moments(motion: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of motion (T, C) of std 1: the liveliest moments (E,), the excerpts around them (E, D), how lively (E,)."""
    speed = np.linalg.norm(np.gradient(motion, axis=0), axis=1)
    speed = np.convolve(speed, np.full(7, 1 / 7), "same")
    moments = np.arange(_HALF, len(motion) - _HALF + 1)
    around = np.lib.stride_tricks.sliding_window_view(speed, 2 * _APART + 1).max(1)  # of frames _APART .. T - _APART
    moments = moments[speed[moments] >= around[moments - _APART]]
    smooth = np.apply_along_axis(np.convolve, 0, motion, np.full(3, 1 / 3), "same")
    shapes = smooth[moments[:, None] + np.arange(-_HALF, _HALF, _STEP)]  # (E, 24, C)
    shapes = (shapes - shapes.mean(1, keepdims=True)).reshape(len(moments), np.prod(shapes.shape[1:]))
    length = np.linalg.norm(shapes, axis=1)
    kept = length > 0
    return moments[kept], (shapes[kept] / length[kept, None]).astype(np.float32), speed[moments[kept]]
