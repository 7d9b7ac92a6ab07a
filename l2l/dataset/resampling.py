"""Curves that were measured at any times -> 30 frames per second.

- Between its rows, each curve is a monotone cubic (PCHIP, Fritsch & Carlson 1980), which never leaves the range of the
  two rows beside it. Rows need not be evenly spaced.
- From more than 30 rows a second it is read 240 times a second, and brought down to 30 by a low-pass filter without
  delay (`scipy.signal.resample_poly`): half the amplitude is left at 15 Hz, nearly all below 13. Without it, what is
  faster than 15 Hz would come back as slow motion.
"""

import numpy as np

from l2l.units import FPS

LONGEST = 8  # frames without a row that are filled, as where a tracked face is lost for a moment
_FINE = 8  # times FPS
_FASTER = 1.05  # times FPS: rows that come faster are filtered


def resampled(
    times: np.ndarray, values: np.ndarray, span: tuple[float, float] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Values (R, C) at increasing times (R,), seconds, R >= 2 -> (T, C) and which frames are known (T,) bool.

    Frame 0 is at the beginning of `span`, and the last one at its end or just before; default: first and last time.
    Frames inside a gap of more than LONGEST frames are not known, nor are those before the first and after the last
    time.
    """
    # They take a second, and most who import this file read curves of 30 rows a second.
    from scipy.interpolate import PchipInterpolator
    from scipy.signal import resample_poly

    begin, end = span or (times[0], times[-1])
    since = times - begin
    count = int(np.floor((end - begin) * FPS + 1e-6)) + 1
    frames = np.arange(count) / FPS
    found = np.empty((count, values.shape[1]))
    filtered = np.median(np.diff(times)) * FPS * _FASTER < 1
    moments = np.arange((count - 1) * _FINE + 1) / (FPS * _FINE) if filtered else frames
    moments = np.clip(moments, since[0], since[-1])
    for k, column in enumerate(values.T):
        curve = PchipInterpolator(since, column)(moments)
        found[:, k] = resample_poly(curve, 1, _FINE, padtype="edge") if filtered else curve
    after = np.clip(np.searchsorted(since, frames, side="right"), 1, len(since) - 1)
    gap = since[after] - since[after - 1]
    inside = (frames > since[0] - 1e-6) & (frames < since[-1] + 1e-6)
    on_a_row = np.minimum(np.abs(frames - since[after - 1]), np.abs(since[after] - frames)) < 1e-6
    return found, inside & ((gap * FPS < LONGEST + 1.01) | on_a_row)
