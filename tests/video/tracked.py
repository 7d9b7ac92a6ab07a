"""tracks.npz without a tracker: faces that stand where they are told to, and tremble."""

from pathlib import Path

import numpy as np

from l2l.files import NpzWriter
from l2l.video.tracks import BLOCK, block_name


def write_tracks(
    path: Path, frames: int, size: tuple[int, int], faces: list[tuple[float, float, float]], cut: int | None = None
) -> Path:
    """Write two people, each given as centre x, centre y and width in pixels; a scene ends before frame `cut`."""
    rng = np.random.default_rng(0)
    box = np.empty((frames, 2, 4), np.float32)
    for person, (x, y, width) in enumerate(faces):
        centre = np.array([x, y]) + rng.normal(0, width / 200, (frames, 2))
        box[:, person] = np.concatenate([centre - width / 2, centre + width / 2], 1)
    with NpzWriter(path) as writer:
        for block, start in enumerate(range(0, frames, BLOCK)):
            writer.add(block_name(block), np.zeros((min(BLOCK, frames - start), 2, 468, 3), np.int16))
        writer.add("size", np.array(size, np.int32))
        writer.add("found", np.ones((frames, 2), bool))
        writer.add("score", np.ones((frames, 2), np.float32))
        writer.add("box", box)
        writer.add("segment", (np.arange(frames) >= (frames if cut is None else cut)).astype(np.int32))
    return path
