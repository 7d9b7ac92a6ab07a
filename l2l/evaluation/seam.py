"""Seams: is motion rougher where one block of codes ends and the next begins? (ours)"""

import numpy as np

BLOCK = 32  # frames that are decoded together


def seam_sums(motion: np.ndarray, first: int, block: int = BLOCK) -> np.ndarray:
    """What `seam` needs, as sums: (..., T, C), of which the frames from `first` on are predicted, -> (..., 4).

    Acceleration of frame t is |x_(t+1) - 2 x_t + x_(t-1)|. It spans a boundary between frames b-1 and b at t = b-1
    and t = b. The sums are acceleration at boundaries and their number, then the same of all other predicted frames
    (those before `first` are not the prediction's).
    """
    frames = motion.shape[-2]
    acceleration = np.sqrt(np.square(np.diff(motion, 2, axis=-2)).sum(-1))  # (..., T - 2), of frames 1 .. T - 2
    t = np.arange(1, frames - 1)
    at = np.zeros(len(t), bool)
    for boundary in range(first, frames, block):
        at |= (t == boundary - 1) | (t == boundary)
    at &= t >= first - 1
    elsewhere = (t >= first) & ~at
    ones = np.ones(motion.shape[:-2])
    parts = (acceleration[..., at].sum(-1), at.sum() * ones, acceleration[..., elsewhere].sum(-1))
    return np.stack([*parts, elsewhere.sum() * ones], -1)


def seam(sums: np.ndarray) -> np.ndarray:
    """Mean acceleration at boundaries over mean acceleration elsewhere, (..., 4) -> (...): 1 is no seam.

    NaN when there is no boundary, or nothing moves elsewhere.
    """
    at, count_at, elsewhere, count = np.moveaxis(sums, -1, 0)
    known = (count_at > 0) & (elsewhere > 0)
    return np.divide(at * count, elsewhere * count_at, out=np.full(at.shape, np.nan), where=known)
