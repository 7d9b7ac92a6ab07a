"""How much, how variedly and how smoothly a listener moves: pure functions of arrays (..., T, C).

None of these knows the truth. Read each beside the truth's own number: more is not better.
"""

import numpy as np

from l2l.evaluation.bootstrap import divide
from l2l.inference import one_thread

CLUSTERS = {  # by metric and region; the first as cited from DIM's paper, the second as in its code
    "sid_15_9": {"expression": 15, "pose": 9},
    "sid_40_20": {"expression": 40, "pose": 20},
}
BLOCK = 32  # frames that the paper's models decode together


def variation(motion: np.ndarray) -> np.ndarray:
    """mean_c var_t(x_tc), ddof 0: (..., T, C) -> (...), units squared (LM-Listener)."""
    return motion.var(-2).mean(-1)


def pooled_sums(motion: np.ndarray) -> np.ndarray:
    """What `pooled_variation` needs: count, sum and sum of squares, (..., T, C) -> (..., 3)."""
    parts = (np.ones_like(motion), motion, np.square(motion))
    return np.stack([part.sum((-1, -2)) for part in parts], -1)


def pooled_variation(sums: np.ndarray) -> np.ndarray:
    """Variance of all numbers of the set together, (..., 3) -> (...): mixes the variance between columns in (DIM)."""
    n, total, squares = np.moveaxis(sums, -1, 0)
    return np.maximum(squares / n - np.square(total / n), 0)


def frame_pairs(frames: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of frames to compare: 30 of each, drawn without replacement, or 10 when there are at most 30 frames."""
    count = min(30 if frames > 30 else 10, frames)
    rng = np.random.default_rng(seed)
    return rng.permutation(frames)[:count], rng.permutation(frames)[:count]


def diversity_pairs(motion: np.ndarray, pairs: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """mean_pairs |x_i - x_j|: (..., T, C) -> (...), units of the data (LM-Listener)."""
    return np.sqrt(np.square(motion[..., pairs[0], :] - motion[..., pairs[1], :]).sum(-1)).mean(-1)


def samples_variance(samples: np.ndarray) -> np.ndarray:
    """mean_tc var_s(x_stc), ddof 0, between the samples of one input: (S, ..., T, C) -> (...); NaN when S is 1."""
    if len(samples) < 2:
        return np.full(samples.shape[1:-2], np.nan)
    return samples.var(0).mean((-1, -2))


def samples_pairwise(samples: np.ndarray) -> np.ndarray:
    """sum_ij |x_i - x_j|^2 / (S (S - 1) T C): (S, ..., T, C) -> (...), units squared; NaN when S is 1 (REACT's FRDiv).

    The sum over ordered pairs is 2 S times the sum of squares about the mean, so no pair is formed.
    """
    count = len(samples)
    return samples_variance(samples) * 2 * count / max(count - 1, 1)


def fit_clusters(frames: np.ndarray, clusters: int) -> np.ndarray | None:
    """k-means centres (k, C) of true frames (F, C), random_state 0; None when there are fewer frames than clusters."""
    from sklearn.cluster import KMeans

    some = frames[: 10 * clusters]  # nearly always enough to know, and quick to compare
    if len(np.unique(some, axis=0)) < clusters and len(np.unique(frames, axis=0)) < clusters:
        return None
    with one_thread():
        return KMeans(clusters, n_init=1, random_state=0).fit(frames.astype(np.float64)).cluster_centers_


def cluster_counts(motion: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Frames of each clip that lie nearest to each centre: (..., T, C) -> (..., k)."""
    distance = np.square(centres).sum(-1) - 2 * motion @ centres.T  # squared, less |x|^2
    nearest = distance.argmin(-1)  # (..., T)
    return (nearest[..., None] == np.arange(len(centres))).sum(-2).astype(float)


def sid(counts: np.ndarray) -> np.ndarray:
    """Shannon index: -sum_k p_k log2(p_k + 1e-6) of cluster counts (..., k) -> (...), bits, 0 to log2 k (DIM)."""
    shares = counts / counts.sum(-1, keepdims=True)
    return -(shares * np.log2(shares + 1e-6)).sum(-1)


def seam_sums(motion: np.ndarray, first: int, block: int = BLOCK) -> np.ndarray:
    """What `seam` needs, as sums: (..., T, C), of which the frames from `first` on are predicted, -> (..., 4).

    Acceleration of frame t is |x_(t+1) - 2 x_t + x_(t-1)|. It spans a boundary between frames b-1 and b at t = b-1
    and t = b. The sums are acceleration at boundaries and their number, then the same of all other predicted frames.
    """
    frames = motion.shape[-2]
    acceleration = np.sqrt(np.square(np.diff(motion, 2, axis=-2)).sum(-1))  # (..., T - 2), of frames 1 .. T - 2
    t = np.arange(1, frames - 1)
    boundaries = np.arange(first, frames, block)
    at = (np.isin(t, boundaries - 1) | np.isin(t, boundaries)) & (t >= first - 1)
    elsewhere = (t >= first) & ~at
    ones = np.ones(motion.shape[:-2])
    parts = (acceleration[..., at].sum(-1), at.sum() * ones, acceleration[..., elsewhere].sum(-1))
    return np.stack([*parts, elsewhere.sum() * ones], -1)


def seam(sums: np.ndarray) -> np.ndarray:
    """Mean acceleration at boundaries over mean acceleration elsewhere, (..., 4) -> (...): 1 is no seam (ours).

    NaN when there is no boundary, or nothing moves elsewhere.
    """
    at, count_at, elsewhere, count = np.moveaxis(sums, -1, 0)
    return divide(at * count, elsewhere * count_at)
