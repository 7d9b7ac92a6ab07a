"""A conversation of two people whose lips move with noise instead of words."""

from pathlib import Path

import numpy as np
import soundfile

from l2l.files import NpzWriter
from l2l.units import FPS, SAMPLE_RATE
from l2l.video import mesh
from l2l.video.tracks import BLOCK, block_name, landmark_scale

_SIZE = (64, 64)  # pixels
_EYES = 20.0  # pixels between the outer corners
_TURN = 4 * FPS  # frames


def syllables(frames: int, seed: int = 0) -> np.ndarray:
    """(frames,) how far a mouth is open that speaks about four syllables a second, now slower, now faster."""
    random = np.random.default_rng(seed)
    phase = np.cumsum(random.uniform(0.4, 1.2, frames))
    return np.clip(np.sin(phase), 0, 1) * random.uniform(0.5, 1.0, frames)


def write_talk(folder: Path, frames: int, late: int = 0, heard: bool = True, seed: int = 0) -> Path:
    """Write tracks.npz and audio.wav into `folder`: people in turns, the sound `late` frames after the lips.

    Unless `heard`, the sound is that of other people.
    """
    random = np.random.default_rng(seed + 1)
    mouth = syllables(frames, seed)
    opening = 0.02 + 0.2 * mouth[:, None] * ((np.arange(frames) // _TURN % 2)[:, None] == [0, 1])  # (T, 2)
    loud = np.roll(mouth if heard else syllables(frames, seed + 7), late)
    samples = np.interp(np.arange(frames * SAMPLE_RATE // FPS) * FPS / SAMPLE_RATE - 0.5, np.arange(frames), loud)
    sound = (0.2 * samples + 0.002) * random.standard_normal(len(samples))
    folder.mkdir(parents=True, exist_ok=True)
    soundfile.write(folder / "audio.wav", np.clip(sound, -1, 1), SAMPLE_RATE, subtype="PCM_16")
    landmarks = np.zeros((frames, 2, 468, 3), np.float32)
    landmarks[:, :, mesh.LEFT_EYE_OUTER, 0] = _EYES
    for upper, lower in mesh.INNER_LIP_PAIRS:
        landmarks[:, :, lower, 1] = landmarks[:, :, upper, 1] + _EYES * opening
    stored = np.rint(landmarks * landmark_scale(*_SIZE)).astype(np.int16)
    with NpzWriter(folder / "tracks.npz") as writer:
        for block, start in enumerate(range(0, frames, BLOCK)):
            writer.add(block_name(block), stored[start : start + BLOCK])
        writer.add("size", np.array(_SIZE, np.int32))
        writer.add("found", np.ones((frames, 2), bool))
        writer.add("score", np.ones((frames, 2), np.float32))
        writer.add("box", np.zeros((frames, 2, 4), np.float32))
        writer.add("segment", np.zeros(frames, np.int32))
    return folder
