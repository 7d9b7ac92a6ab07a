"""csv: one line for each frame, one column for each number of a face, by the names of `l2l.faces.columns`.

- Names are OpenFace's where they mean the same: `frame` (from 1), `timestamp` (seconds), `success` (the face was seen),
  `pose_Rx`, `pose_Ry`, `pose_Rz` (radians; x right, y down, z away from the camera; R = Rx Ry Rz, so that > 0 is down,
  to the person's right, and to the person's left shoulder). No column is called by an action unit: a shape is none.
- `given` is 1 where a drawn listener was given the person's own frames.
"""

import csv
from pathlib import Path

import numpy as np

from l2l.export.take import Take
from l2l.faces.columns import OPENFACE_HEAD, columns_of
from l2l.files import atomic


def write(take: Take, out: Path) -> None:
    """Write one take of any backend."""
    names = [column.name for column in columns_of(take.backend)[: take.motion.shape[1]]]
    values = np.concatenate([take.motion, take.head(picture=True).as_euler("XYZ")], axis=1)
    with atomic(out) as partial, open(partial, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["frame", "timestamp", "success", "given", *names, *OPENFACE_HEAD])
        for number, (row, seen, time) in enumerate(zip(values, take.seen, take.seconds, strict=True)):
            about = [take.start + number + 1, f"{time:.6f}", int(seen), int(number < take.given)]
            writer.writerow([*about, *(f"{value:.6f}" for value in row)])
