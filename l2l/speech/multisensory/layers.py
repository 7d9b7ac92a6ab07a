"""Layers of the Multisensory network, as TensorFlow 1 computes them.

- Padding is 'SAME': ceil(n / stride) outputs, and where an odd number of zeros is needed the extra one is at the end.
- Parameters have the names and torch's order of axes of the checkpoint's variables: see `shape_in_checkpoint`.
- Nothing here can be trained: batch normalisation always takes the stored mean and variance.
"""

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_CONVOLVE = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}


class Convolution(nn.Module):
    """A convolution (1, 2 or 3 dimensions, by its kernel) with SAME padding."""

    def __init__(self, inputs: int, outputs: int, kernel: Sequence[int], stride: Sequence[int], bias: bool) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.empty(outputs, inputs, *kernel))
        self.biases = nn.Parameter(torch.empty(outputs)) if bias else None
        self.kernel, self.stride = tuple(kernel), tuple(stride)

    def forward(self, x: Tensor) -> Tensor:
        x, padding = same(x, self.kernel, self.stride, 0.0)
        return _CONVOLVE[len(self.kernel)](x, self.weights, self.biases, self.stride, padding)


class TransposedConvolution(nn.Module):
    """A 4x4 transposed convolution over (time, frequency) with SAME padding: n rows become n x stride."""

    def __init__(self, inputs: int, outputs: int, stride: tuple[int, int], bias: bool) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.empty(inputs, outputs, 4, 4))
        self.biases = nn.Parameter(torch.empty(outputs)) if bias else None
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        rows = x.shape[-2] * self.stride[0]
        x = F.conv_transpose2d(x, self.weights, self.biases, self.stride, padding=1)
        return x[..., :rows, :]  # without a stride there is one row too many


class BatchNorm(nn.Module):
    """Batch normalisation by the stored mean and variance."""

    def __init__(self, channels: int, eps: float) -> None:
        super().__init__()
        self.beta, self.gamma = nn.Parameter(torch.empty(channels)), nn.Parameter(torch.empty(channels))
        self.moving_mean = nn.Parameter(torch.empty(channels))
        self.moving_variance = nn.Parameter(torch.empty(channels))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        return F.batch_norm(x, self.moving_mean, self.moving_variance, self.gamma, self.beta, eps=self.eps)


class Normalised(nn.Module):
    """A convolution without bias, then batch normalisation."""

    def __init__(self, convolution: Convolution | TransposedConvolution, channels: int, eps: float) -> None:
        super().__init__()
        self.convolution, self.BatchNorm = convolution, BatchNorm(channels, eps)

    def forward(self, x: Tensor) -> Tensor:
        return self.BatchNorm(self.convolution(x))


def same(x: Tensor, kernel: Sequence[int], stride: Sequence[int], value: float) -> tuple[Tensor, list[int]]:
    """(`x` padded where the two ends of an axis differ, padding of each axis that the layer can add itself)."""
    within, outside = [], []
    for size, k, s in zip(x.shape[2:], kernel, stride, strict=True):
        total = max((math.ceil(size / s) - 1) * s + k - size, 0)
        before, after = total // 2, total - total // 2
        even = before == after
        within.append(before if even else 0)
        outside.append((0, 0) if even else (before, after))
    if any(pair != (0, 0) for pair in outside):
        x = F.pad(x, [size for pair in reversed(outside) for size in pair], value=value)
    return x, within


def max_pool(x: Tensor, kernel: Sequence[int], stride: Sequence[int]) -> Tensor:
    """Max pooling over three axes with SAME padding."""
    x, padding = same(x, kernel, stride, -math.inf)
    return F.max_pool3d(x, tuple(kernel), tuple(stride), padding)


# One draw of TensorFlow's generator (Philox) with the seeds that the published network was built with: its "random"
# pooling regions are always the same.
_DRAW = 0.2511744980841868


def pooling_borders(size: int, count: int) -> list[int]:
    """count + 1 borders of the regions that fractional max pooling divides `size` steps into (Graham 2014)."""
    ratio = size / count
    longest = math.floor(ratio)
    shift = _DRAW * min((longest + 2) / ratio - 1, (size + 1 - longest) / ratio - (count - 1))
    return [0, *(math.ceil(ratio * (i + shift)) - 1 for i in range(1, count)), size]


def fractional_max_pool(x: Tensor, count: int) -> Tensor:
    """The largest values (B, C, count) of `count` nearly equal regions of the last axis of (B, C, n)."""
    borders = pooling_borders(x.shape[-1], count)
    return torch.stack([x[..., a:b].amax(-1) for a, b in itertools.pairwise(borders)], -1)


def stretch(x: Tensor, rows: int) -> Tensor:
    """(B, C, T) interpolated to (B, C, rows); row i lies at i T / rows, and the end is held, as TensorFlow 1 did it."""
    if x.shape[-1] == rows:
        return x
    place = torch.arange(rows, device=x.device) * (x.shape[-1] / rows)
    before = place.floor().long()
    after = (before + 1).clamp(max=x.shape[-1] - 1)
    return torch.lerp(x[..., before], x[..., after], (place - before).to(x.dtype))
