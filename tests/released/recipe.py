"""Weights from a seed and a list of names, so that networks can be compared without anybody's weights.

The reference values in tests/data were computed with these weights: entry i of the list draws from a generator of its
own, seeded with seed + i, in double precision; the last part of its name decides what.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence

import numpy as np


def seeded(
    entries: Sequence[tuple[str, tuple[int, ...]]], seed: int, scale: Mapping[str, float], inputs_last: bool
) -> dict[str, np.ndarray]:
    """float32 arrays by name. `inputs_last`: TensorFlow's kernels, whose last axis is the outputs; else torch's."""
    made = {}
    for number, (name, shape) in enumerate(entries):
        value = _draw(
            name.replace("/", ".").rsplit(".", 1)[-1], shape, np.random.default_rng(seed + number), inputs_last
        )
        whole = value.dtype.kind == "i"
        made[name] = value if whole else (value * scale.get(name, 1.0)).astype(np.float32)
    return made


def _draw(kind: str, shape: tuple[int, ...], rng: np.random.Generator, inputs_last: bool) -> np.ndarray:
    if kind == "num_batches_tracked":
        return np.zeros(shape, np.int64)
    if kind in ("renorm_mean_weight", "renorm_stddev_weight"):
        return np.zeros(shape)
    if kind in ("running_var", "moving_variance", "renorm_stddev", "gamma") or (kind == "weight" and len(shape) == 1):
        return np.asarray(0.5 + rng.random(shape))
    if kind in ("running_mean", "moving_mean", "renorm_mean", "bias", "biases", "beta"):
        return np.asarray(0.1 * rng.standard_normal(shape))
    fan_in = math.prod(shape[:-1] if inputs_last else shape[1:])
    return np.asarray(rng.standard_normal(shape) * math.sqrt(2 / fan_in))


def digest(arrays: Mapping[str, np.ndarray]) -> str:
    """Tells whether the weights are those of the reference: NumPy's generators could change."""
    found = hashlib.sha256()
    for name, value in arrays.items():
        found.update(name.encode())
        found.update(np.ascontiguousarray(value))
    return found.hexdigest()
