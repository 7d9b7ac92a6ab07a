"""livelink: the CSV of the app Live Link Face, which Unreal and add-ons of Maya, Unity and Blender import.

What its columns mean is in `l2l.faces.livelink`.
"""

import csv
from pathlib import Path

from l2l.export.take import Take
from l2l.faces.livelink import HEADER, curves, timecode
from l2l.files import atomic


def write(take: Take, out: Path) -> None:
    """Write one take of backend blendshapes."""
    values = curves(take.motion, take.rest)
    with atomic(out) as partial, open(partial, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        for time, row in zip(take.seconds, values, strict=True):
            writer.writerow([timecode(time), len(row), *(f"{value:.6f}" for value in row)])
