"""speaking.npz and .rttm: what every diarization backend writes and every later step reads."""

from pathlib import Path

import numpy as np

from l2l.errors import UserError
from l2l.files import atomic, save_npz
from l2l.units import FPS

SPEAKS = 0.5  # a person speaks where the probability is at least this


def write_speaking(path: str | Path, rttm: str | Path, probability: np.ndarray, speech: np.ndarray, name: str) -> None:
    """Write probabilities (T, 2), voice activity (T,), and the same as RTTM segments for diarization tools."""
    lines = []
    for person in range(probability.shape[1]):
        for start, end in intervals(probability[:, person] >= SPEAKS):
            begin, length = start / FPS, (end - start) / FPS
            lines.append((begin, f"SPEAKER {name} 1 {begin:.3f} {length:.3f} <NA> <NA> p{person} <NA> <NA>"))
    with atomic(rttm) as partial:
        partial.write_text("".join(f"{line}\n" for _, line in sorted(lines)), encoding="utf-8")
    save_npz(path, probability=probability.astype(np.float32), speech=speech.astype(np.float32))


def load_speaking(path: str | Path) -> np.ndarray:
    """(T, 2) float32 probability that each person speaks. Raises UserError when the file is not there or not one."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return file["probability"]
    except FileNotFoundError:
        raise UserError(f"{path} is missing; make it with `l2l diarize`.") from None
    except (ValueError, KeyError, OSError) as error:
        raise UserError(f"{path} is not a speaking.npz ({error}); make it again with `l2l diarize`.") from None


def intervals(mask: np.ndarray) -> list[tuple[int, int]]:
    """[start, end) of every run of True in a mask (T,)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
