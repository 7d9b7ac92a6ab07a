"""accuracy: what the pipeline measured on the demo, against what was drawn.

Run it alone: `l2l accuracy data/raw/demo --videos results/demo/videos --out results/demo/accuracy.json`.
"""

from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from l2l.arrays import Array, open_npz
from l2l.errors import UserError
from l2l.faces.store import load_faces
from l2l.files import save_json
from l2l.sides import SIDES
from l2l.speech.speaking import SPEAKS, load_speaking
from l2l.video.tracks import PEOPLE, load_tracks

_DEFINITIONS = {
    "who_speaks": "share of the frames with speech (by the truth) in which a person who does speak is named; "
    "frames taken for silence count as wrong",
    "head_pitch, head_yaw, head_roll, jaw": "correlation over frames with the drawn angle, per face and recording; "
    "mean and worst over them",
    "both_tracked": "share of frames in which both faces are found",
}


def write_accuracy(truth: Path, videos: Path, out: Path) -> None:
    """Write accuracy.json over all recordings. Raises UserError when truth and measurements do not match."""
    files = sorted(truth.glob("*.truth.npz"))
    if not files:
        raise UserError(f"{truth} holds no *.truth.npz; only the demo comes with its truth.")
    recordings = {file.name.removesuffix(".truth.npz"): _one(file, videos) for file in files}
    rows = list(recordings.values())
    report = {
        "definitions": _DEFINITIONS,
        "n": {"recordings": len(rows), "frames": sum(row["frames"] for row in rows), "faces": PEOPLE * len(rows)},
        "who_speaks": _over_frames(rows, "who_speaks", "speech_frames"),
        "both_tracked": _over_frames(rows, "both_tracked", "frames"),
        **{name: _over_faces(rows, name) for name in ("head_pitch", "head_yaw", "head_roll", "jaw")},
    }
    save_json(out, report | {"recordings": recordings})


def _one(file: Path, videos: Path) -> dict[str, Any]:
    folder = videos / file.name.removesuffix(".truth.npz")
    with open_npz(file, "the truth of a demo recording", "l2l demo-video") as truth:
        speaking = truth.read("speaking", Array(("T", PEOPLE), "b"))
        head, jaw = truth.read("head", Array(("T", PEOPLE, 3))), truth.read("jaw", Array(("T", PEOPLE)))
    tracks, probability = load_tracks(folder / "tracks.npz"), load_speaking(folder / "speaking.npz")
    if not len(tracks) == len(speaking) == len(probability):
        raise UserError(f"{folder} has {len(tracks)} frames, {file} has {len(speaking)}; make both again.")
    in_speech = speaking.any(1)
    named = (probability >= SPEAKS) & speaking
    row: dict[str, Any] = {
        "frames": len(tracks),
        "speech_frames": int(in_speech.sum()),
        "who_speaks": float(named.any(1)[in_speech].mean()),
        "both_tracked": float(tracks.found.all(1).mean()),
    }
    for person in range(PEOPLE):
        measured = load_faces(folder / f"faces_{SIDES[person]}.npz")
        angles = Rotation.from_rotvec(measured.faces[:, 50:53]).as_euler("xyz")  # (T, 3): pitch, yaw, roll
        for axis, name in enumerate(("head_pitch", "head_yaw", "head_roll")):
            row.setdefault(name, []).append(_correlation(angles[:, axis], head[:, person, axis], measured.valid))
        row.setdefault("jaw", []).append(_correlation(measured.faces[:, 53], jaw[:, person], measured.valid))
    return row


def _correlation(measured: np.ndarray, truth: np.ndarray, valid: np.ndarray) -> float | None:
    """None when one of them does not vary."""
    if valid.sum() < 2 or measured[valid].std() < 1e-9 or truth[valid].std() < 1e-9:
        return None
    return float(np.corrcoef(measured[valid], truth[valid])[0, 1])


def _over_frames(rows: list[dict[str, Any]], name: str, weight: str) -> float:
    return float(np.average([row[name] for row in rows], weights=[row[weight] for row in rows]))


def _over_faces(rows: list[dict[str, Any]], name: str) -> dict[str, float | int | None]:
    values = [value for row in rows for value in row[name] if value is not None]
    if not values:
        return {"mean": None, "worst": None, "faces": 0}
    return {"mean": float(np.mean(values)), "worst": float(np.min(values)), "faces": len(values)}
