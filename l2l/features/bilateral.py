"""Bilateral smoothing of faces over time, as the released program did it with OpenCV.

- The original handed each channel of a window to `cv2.bilateralFilter` (d=5, both sigmas 20) as a picture one pixel
  wide. Reflection at its borders repeats that pixel sideways, so the filter's disc of radius 2 folds onto time: an
  offset of o frames has the summed spatial weights of its row of the disc, and the border reflects without repeating
  the edge. That closed form is computed here for all windows at once.
- With sigma 20 and coefficients of a few units, the weight of the difference is nearly 1: it is nearly [1 3 5 3 1]/13.
"""

import numpy as np

SIGMA = 20.0
RADIUS = 2  # frames
BLOCK = 256  # windows at a time, so that the temporary arrays stay small


def _spatial(square: int) -> float:
    """Weight of a pixel at a squared distance."""
    return float(np.exp(-square / (2 * SIGMA**2)))


# The disc's rows: at offset 0 five pixels, at 1 three, at 2 one.
SPATIAL = (1 + 2 * _spatial(1) + 2 * _spatial(4), _spatial(1) + 2 * _spatial(2), _spatial(4))


def bilateral(windows: np.ndarray) -> np.ndarray:
    """Windows (..., T, F) -> smoothed over T, float32; T must be at least 3."""
    if windows.ndim > 2 and len(windows) > BLOCK:
        return np.concatenate([bilateral(windows[row : row + BLOCK]) for row in range(0, len(windows), BLOCK)])
    x = np.asarray(windows, np.float32)
    frames = x.shape[-2]
    padding = [(0, 0)] * (x.ndim - 2) + [(RADIUS, RADIUS), (0, 0)]
    padded = np.pad(x, padding, mode="reflect")
    total, weights = np.zeros_like(x), np.zeros_like(x)
    for offset in range(-RADIUS, RADIUS + 1):
        neighbour = padded[..., RADIUS + offset : RADIUS + offset + frames, :]
        weight = np.float32(SPATIAL[abs(offset)]) * np.exp(np.square(neighbour - x) / np.float32(-2 * SIGMA**2))
        total += weight * neighbour
        weights += weight
    return total / weights
