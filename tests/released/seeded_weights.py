"""Weights that depend on nothing but a seed and the model's own list of names and shapes.

Entry number i of the state_dict is drawn from a generator seeded with `seed + i`, in double precision, then cast:
normal weights with variance 2 / fan-in; scales (one-dimensional weights) and variances uniform in [0.5, 1.5); biases
and running means normal with standard deviation 0.1; counters zero.
"""

import hashlib
from collections.abc import Mapping

import numpy as np
import torch
from torch import nn


def _draw(name: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    if name == "running_var" or (name == "weight" and len(shape) == 1):
        return 0.5 + rng.random(shape)
    if name in ("running_mean", "bias"):
        return 0.1 * rng.standard_normal(shape)
    return rng.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))


def fill(model: nn.Module, seed: int, scale: Mapping[str, float] | None = None) -> str:
    """Overwrite all weights, some of them times `scale`; returns their `digest`."""
    for number, (key, tensor) in enumerate(model.state_dict().items()):
        name, shape = key.rsplit(".", 1)[-1], tuple(tensor.shape)
        if name == "num_batches_tracked":
            value = np.zeros(shape, np.int64)
        else:
            drawn = _draw(name, shape, np.random.default_rng(seed + number))
            value = (drawn * (scale or {}).get(key, 1)).astype(np.float32)
        tensor.copy_(torch.from_numpy(value))
    return digest(model)


def digest(model: nn.Module) -> str:
    """sha256 over names and bytes of all weights, in order."""
    found = hashlib.sha256()
    for key, tensor in model.state_dict().items():
        found.update(key.encode())
        found.update(tensor.numpy().tobytes())
    return found.hexdigest()
