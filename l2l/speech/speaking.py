"""diarize: who speaks when, by the backend that the configuration names.

Every backend's answer becomes the same three files: speaking.npz, which later steps read; .rttm for diarization tools;
.json with a summary and the backend's own report.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from l2l import backends, config
from l2l.arrays import Array, open_npz
from l2l.files import atomic, save_json, save_npz
from l2l.sides import SIDES
from l2l.speech.intervals import intervals
from l2l.units import FPS
from l2l.video.footage import Footage
from l2l.video.tracks import PEOPLE

SPEAKS = 0.5  # a person speaks where the probability is at least this


@dataclass(frozen=True)
class Speaking:
    """The answer of a diarization backend for a recording of T frames."""

    probability: np.ndarray  # (T, 2) float32 that each person speaks
    speech: np.ndarray  # (T,) float32 voice activity
    report: dict[str, Any] = field(default_factory=dict)  # of the backend's own, for speaking.json


def diarize(footage: Footage, out: Path, settings: config.DiarizationSettings, backend: Any = None) -> None:
    """Write `out` (speaking.npz), and .rttm and .json beside it. Raises UserError when the backend cannot run.

    `backend`: a module to ask instead of the one that the settings name.
    """
    found = (backend or backends.load("diarization", settings.backend)).diarize(footage, settings)
    write_speaking(out, out.with_suffix(".rttm"), found.probability, found.speech, name=out.parent.name)
    speaks = found.probability >= SPEAKS  # (T, 2)
    report = {
        "backend": settings.backend,
        "frames": len(speaks),
        "speaks": {SIDES[person]: float(speaks[:, person].mean()) for person in range(speaks.shape[1])},
        "both": float(speaks.all(1).mean()),
        "nobody": float((~speaks.any(1)).mean()),
    }
    save_json(out.with_suffix(".json"), report | found.report)


def write_speaking(path: str | Path, rttm: str | Path, probability: np.ndarray, speech: np.ndarray, name: str) -> None:
    """Write probabilities (T, 2) and voice activity (T,) as .npz, and who speaks as segments in RTTM."""
    lines = []
    for person in range(probability.shape[1]):
        for start, end in intervals(probability[:, person] >= SPEAKS):
            begin, length = start / FPS, (end - start) / FPS
            lines.append((begin, f"SPEAKER {name} 1 {begin:.3f} {length:.3f} <NA> <NA> {SIDES[person]} <NA> <NA>"))
    with atomic(rttm) as partial:
        partial.write_text("".join(f"{line}\n" for _, line in sorted(lines)), encoding="utf-8")
    save_npz(path, probability=probability.astype(np.float32), speech=speech.astype(np.float32))


def load_speaking(path: str | Path) -> np.ndarray:
    """(T, 2) float32 probability that each person speaks. Raises UserError when the file is missing or damaged."""
    with open_npz(path, "a speaking.npz", "l2l diarize") as file:
        return file.read("probability", Array(("T", PEOPLE)))
