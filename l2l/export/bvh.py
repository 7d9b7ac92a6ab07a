"""bvh: the rotations of head and jaw as a skeleton of two joints, for any animation program.

Axes are the usual ones of the format: x to the person's left, y up, z out of the face. Angles are degrees, and lengths
metres. Channels are applied in the order in which they stand: Z X Y.
"""

from pathlib import Path

import numpy as np

from l2l.export.take import Take
from l2l.files import atomic
from l2l.units import FPS

_SKELETON = """\
HIERARCHY
ROOT Head
{
  OFFSET 0 0 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT Jaw
  {
    OFFSET 0 0 0
    CHANNELS 3 Zrotation Xrotation Yrotation
    End Site
    {
      OFFSET 0 -0.06 0.08
    }
  }
}
"""


def write(take: Take, out: Path) -> None:
    """Write one take of any backend."""
    head, jaw = (turned.as_euler("ZXY", degrees=True) for turned in (take.head(), take.jaw()))
    lines = (" ".join(f"{value:.6f}" for value in row) for row in np.concatenate([np.zeros_like(head), head, jaw], 1))
    motion = f"MOTION\nFrames: {len(take)}\nFrame Time: {1 / FPS:.8f}\n"
    with atomic(out) as partial:
        partial.write_text(_SKELETON + motion + "".join(f"{line}\n" for line in lines), encoding="utf-8")
