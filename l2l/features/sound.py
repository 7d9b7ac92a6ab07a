"""What the patch models hear: one row of 128 bands per frame, on a scale on which loud and quiet both count.

- Mel power spans many orders of magnitude; its logarithm does not. Features that are logarithms already (`mel.feature`
  log_mel and mfcc) go below zero, which power never does, and are left alone.
- Which of the two it is, is decided once, on the training data, and kept with the model.
"""

import numpy as np

from l2l.units import AUDIO_PER_FRAME

FLOOR = 1e-4  # of power, added before the logarithm: about the noise of a quiet room


def is_power(rows: np.ndarray) -> bool:
    """Whether these rows of mel are power."""
    return not bool((rows < 0).any())


def frame_sound(rows: np.ndarray, power: bool) -> np.ndarray:
    """Rows of mel (..., 4 T, 128) -> (..., T, 128) float32, the mean of each frame's rows."""
    rows = np.log(np.maximum(rows, 0) + np.float32(FLOOR)) if power else rows
    parts = rows.reshape(*rows.shape[:-2], -1, AUDIO_PER_FRAME, rows.shape[-1])  # (..., T, 4, 128)
    return parts.mean(axis=-2).astype(np.float32)
