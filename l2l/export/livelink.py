"""livelink: the CSV of the app Live Link Face, which Unreal and add-ons of Maya, Unity and Blender import.

What its columns mean is in `l2l.faces.livelink`. The data have no angles of the eyes: 1 of an `eyeLook...` shape is
taken for 30 degrees.
"""

import csv
from pathlib import Path

import numpy as np

from l2l.dataset.layout import ROTATION
from l2l.export.take import ARKIT, Take
from l2l.faces.livelink import HEADER, SHAPES, head_angles, timecode
from l2l.files import atomic

GAZE = np.radians(30)  # of a weight of 1


def write(take: Take, out: Path) -> None:
    """Write one take of backend blendshapes."""
    weights = take.weights()[:, [ARKIT.index(name) for name in SHAPES]]
    values = np.concatenate([weights, head_angles(take.motion[:, ROTATION]), gaze(take)], axis=1)  # (T, 61)
    with atomic(out) as partial, open(partial, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        for time, row in zip(take.seconds, values, strict=True):
            writer.writerow([timecode(time), len(row), *(f"{value:.6f}" for value in row)])


def gaze(take: Take) -> np.ndarray:
    """(T, 6) yaw, pitch and roll of the left and of the right eye: > 0 is to the person's right, and down."""
    shown = dict(zip(ARKIT, take.weights().T, strict=True))
    found = []
    for side, to_the_right, to_the_left in (("Left", "In", "Out"), ("Right", "Out", "In")):
        yaw = shown[f"eyeLook{to_the_right}{side}"] - shown[f"eyeLook{to_the_left}{side}"]
        pitch = shown[f"eyeLookDown{side}"] - shown[f"eyeLookUp{side}"]
        found += [GAZE * yaw, GAZE * pitch, np.zeros(len(take))]
    return np.stack(found, axis=1)
