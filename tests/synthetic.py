"""A small person in the published layout, made of a rule that can be learnt.

The speaker sways slowly; the listener's head follows with a lag, its expression is a few smooth waves of its own, and
the sound is louder while the speaker moves. Every recording has its own phases and frequencies.
"""

from pathlib import Path

import numpy as np

from l2l.dataset.layout import JAW, ROTATION, WINDOW, Split, chunk_paths
from l2l.sides import Side
from l2l.units import AUDIO_PER_FRAME, FACE_DIM, MEL_BANDS

LAG = 8  # frames from the speaker's motion to the listener's


def write_chunks(
    folder: Path,
    windows: int = 12,
    videos: int = 3,
    listener: Side = "left",
    split: Split = "train",
    seed: int = 0,
    stride: int = 32,
) -> Path:
    """Write `windows` windows per recording of one split; returns `folder`. Windows start every `stride` frames."""
    rng = np.random.default_rng([seed, split == "test"])
    parts: dict[str, list[np.ndarray]] = {"listener": [], "speaker": [], "audio": [], "files": []}
    expression_axes = 0.5 * np.random.default_rng(1).standard_normal((3, 50))  # shared by everyone
    for number in range(videos):
        frames = WINDOW + stride * (windows - 1)
        time = np.arange(-LAG, frames) / 30  # seconds
        sway = np.sin(2 * np.pi * rng.uniform(0.4, 0.8) * time + rng.uniform(0, 6))  # (LAG + frames,)
        waves = np.sin(2 * np.pi * rng.uniform(0.2, 0.6, 3) * time[:, None] + rng.uniform(0, 6, 3))  # (LAG + frames, 3)
        speaker, heard = np.zeros((frames, FACE_DIM), np.float32), np.zeros((frames, FACE_DIM), np.float32)
        speaker[:, ROTATION] = 0.2 * sway[LAG:, None]
        speaker[:, :50] = waves[LAG:] @ expression_axes[::-1]
        heard[:, ROTATION] = 0.1 * sway[:frames, None]
        heard[:, JAW] = 0.02 * waves[LAG:]
        heard[:, :50] = waves[LAG:] @ expression_axes
        loudness = np.repeat(1 + np.abs(sway[LAG:]), AUDIO_PER_FRAME)[:, None]  # (4 * frames, 1)
        sound = (loudness * rng.uniform(0.5, 1, (1, MEL_BANDS))).astype(np.float32)
        heard += 0.01 * rng.standard_normal(heard.shape)
        label = np.stack([[f"{split}{number}", "0", str(frame)] for frame in range(frames)])
        for start in range(0, frames - WINDOW + 1, stride):
            inside = slice(start, start + WINDOW)
            parts["listener"].append(heard[inside])
            parts["speaker"].append(speaker[inside])
            parts["audio"].append(sound[AUDIO_PER_FRAME * start : AUDIO_PER_FRAME * (start + WINDOW)])
            parts["files"].append(label[inside])
    empty = {
        "listener": np.zeros((0, WINDOW, FACE_DIM), np.float32),
        "speaker": np.zeros((0, WINDOW, FACE_DIM), np.float32),
        "audio": np.zeros((0, WINDOW * AUDIO_PER_FRAME, MEL_BANDS), np.float32),
        "files": np.zeros((0, WINDOW, 3), "<U8"),
    }
    for part, path in chunk_paths(folder, split, listener).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, np.stack(parts[part]) if parts[part] else empty[part])
    return folder
