"""Smooth motion of a face."""

import numpy as np

from l2l.video.tracks import runs

_ORDER = 2  # of the smoothing polynomial


def smooth(faces: np.ndarray, valid: np.ndarray, segment: np.ndarray, window: int) -> None:
    """Savitzky-Golay filter of `window` frames over faces (T, C), in place, inside each run of valid frames of a scene.

    Windows of 0 to 2 change nothing. The filter preserves nods (2 to 4 Hz); the released code smooths its faces too,
    with a bilateral filter.
    """
    from scipy.signal import savgol_filter  # it takes a second, and most who import this file smooth nothing

    if window <= _ORDER:
        return
    scene = np.where(valid, segment, -1)
    for start, end in runs(scene):
        if scene[start] >= 0 and end - start >= window:
            faces[start:end] = savgol_filter(faces[start:end], window, _ORDER, axis=0)
