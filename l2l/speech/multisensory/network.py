"""The `full` network of Owens & Efros (2018): pictures and a mixture -> the voice in the picture, and the rest.

- An audio-visual net sees and hears 2 seconds. A U-net over the mixture's spectrogram takes its features in at three
  scales, and predicts a spectrogram with phase for the person in the picture, and one for everything else.
- T frames of picture, N samples of sound, L rows of the spectrogram; sizes are for the shortest window: 63, 44144, 128.
- Parameters have the names of the checkpoint's variables and torch's order of axes: see `variables`.
- TensorFlow 1's padding is 'SAME': ceil(n / stride) outputs, and where an odd number of zeros is needed the extra one
  is at the end.
- Nothing here can be trained: batch normalisation always takes the stored mean and variance.
"""

import itertools
import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from l2l.weights.tf_checkpoint import TFCheckpoint

BINS = 1024  # of the spectrogram's 1025; the highest is not predicted
_EPS, _EPS_UNET = 1e-3, 1e-5
_LEAK = 0.2
_UNET = (64, 128, 256, 512, 512, 512, 512, 512, 512)  # channels of conv1 to conv9
_SEEN = (64, 128, 512)  # channels of the three scales of the audio-visual net, which join after conv3, conv4, conv5


def _stride(number: int) -> tuple[int, int]:
    """Over (time, frequency), of a layer of the U-net: the first two keep the time."""
    return (1, 2) if number <= 2 else (2, 2)


def _seen(number: int) -> int:
    """Channels of the audio-visual net that join after a layer of the U-net."""
    return _SEEN[number - 3] if 3 <= number <= 5 else 0


# Residual blocks: channels in and out, kernel, stride; over time, or over (time, height, width). Where the channels
# change, the shortcut is a convolution.
_BLOCKS = {
    "sf/conv2_1": (64, 128, (15,), (4,)),
    "sf/conv3_1": (128, 128, (15,), (4,)),
    "sf/conv4_1": (128, 256, (15,), (4,)),
    "im/conv2_1": (64, 64, (3, 3, 3), (1, 1, 1)),
    "im/conv2_2": (64, 64, (3, 3, 3), (2, 2, 2)),
    "im/conv3_1": (128, 128, (3, 3, 3), (1, 1, 1)),
    "im/conv3_2": (128, 128, (3, 3, 3), (1, 1, 1)),
    "im/conv4_1": (128, 256, (3, 3, 3), (2, 2, 2)),
    "im/conv4_2": (256, 256, (3, 3, 3), (1, 1, 1)),
    "im/conv5_1": (256, 512, (3, 3, 3), (1, 2, 2)),
    "im/conv5_2": (512, 512, (3, 3, 3), (1, 1, 1)),
}
_NORM = ("beta", "gamma", "moving_mean", "moving_variance")
_CONVOLVE = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}


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


# One draw of TensorFlow's generator (Philox) with the seeds that the published network was built with: its "random"
# pooling regions are always the same.
_DRAW = 0.2511744980841868


def pooling_borders(size: int, count: int) -> list[int]:
    """count + 1 borders of the regions that fractional max pooling divides `size` steps into (Graham 2014)."""
    ratio = size / count
    longest = math.floor(ratio)
    shift = _DRAW * min((longest + 2) / ratio - 1, (size + 1 - longest) / ratio - (count - 1))
    return [0, *(math.ceil(ratio * (i + shift)) - 1 for i in range(1, count)), size]


def stretch(x: Tensor, rows: int) -> Tensor:
    """(B, C, T) interpolated to (B, C, rows); row i lies at i T / rows, and the end is held, as TensorFlow 1 did it."""
    if x.shape[-1] == rows:
        return x
    place = torch.arange(rows, device=x.device) * (x.shape[-1] / rows)
    before = place.floor().long()
    after = (before + 1).clamp(max=x.shape[-1] - 1)
    return torch.lerp(x[..., before], x[..., after], (place - before).to(x.dtype))


class Multisensory(nn.Module):
    """The network; `load` fills it. Weights of a fresh one are whatever was in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.variables = nn.ParameterDict()
        self._add("sf/conv1_1", 2, 64, (65,))
        self._add("sf/conv5_1", 256, 128, (3,))
        self._add("im/conv1", 3, 64, (5, 7, 7))
        self._add("im/merge1", 192, 512, (1, 1, 1))
        self._add("im/merge2", 512, 128, (1, 1, 1), bias=True)
        self._add_norm("im/merge_block_bn", 128)
        for name, (inputs, outputs, kernel, _) in _BLOCKS.items():
            if inputs != outputs:
                self._add(f"{name}_short", inputs, outputs, (1,) * len(kernel))
            self._add(f"{name}_1", inputs, outputs, kernel)
            self._add(f"{name}_2", outputs, outputs, kernel, bias=True)
            self._add_norm(f"{name}_bn", outputs)
        inputs = 2
        for number, outputs in enumerate(_UNET, 1):
            self._add(f"gen/conv{number}", inputs, outputs, (4, 4))
            inputs = outputs + _seen(number)
        for number in range(1, 9):
            outputs, skip = _UNET[8 - number], 9 - number
            self._add(f"gen/deconv{number}", inputs, outputs, (4, 4), transposed=True)
            inputs = outputs + _UNET[skip - 1] + _seen(skip)
        for head in ("fg", "bg"):
            self._add(f"gen/{head}", inputs, 2, (4, 4), bias=True, transposed=True)
        self.eval().requires_grad_(False)

    def _add(
        self,
        name: str,
        inputs: int,
        outputs: int,
        kernel: tuple[int, ...],
        bias: bool = False,
        transposed: bool = False,
    ) -> None:
        """A convolution, which has biases or is normalised."""
        channels = (inputs, outputs) if transposed else (outputs, inputs)
        self.variables[f"{name}/weights"] = torch.empty(*channels, *kernel)
        if bias:
            self.variables[f"{name}/biases"] = torch.empty(outputs)
        else:
            self._add_norm(f"{name}/BatchNorm", outputs)

    def _add_norm(self, name: str, channels: int) -> None:
        self.variables.update({f"{name}/{part}": torch.empty(channels) for part in _NORM})

    def forward(self, picture: Tensor, sound: Tensor, spectrum: Tensor) -> tuple[Tensor, Tensor]:
        """Spectra of what is heard from the picture, and of the rest, as the network scales them.

        picture: (B, T, 224, 224, 3) uint8. sound: (B, 2, N). spectrum: (B, 2, L, 1024). Returns (B, 2, L, 1024) twice.
        """
        return self.separate(spectrum, [scale.mean((-2, -1)) for scale in self.watch(picture, sound)])

    def watch(self, picture: Tensor, sound: Tensor) -> list[Tensor]:
        """The three scales: (B, 64, T/4, 28, 28), (B, 128, T/4, 28, 28), (B, 512, T/8, 7, 7)."""
        # A view: the colours of a pixel stay together in memory, which is fastest for convolutions on a CPU.
        x = picture.permute(0, 4, 1, 2, 3) * (2 / 255) - 1  # (B, 3, T, 224, 224)
        x = F.relu(self._convolve("im/conv1", x, (2, 2, 2)))  # (B, 64, T/2, 112, 112)
        x, padding = same(x, (1, 3, 3), (1, 2, 2), -math.inf)
        x = F.max_pool3d(x, (1, 3, 3), (1, 2, 2), padding)  # (B, 64, T/2, 56, 56)
        x = self._block("im/conv2_1", x)
        x = self._block("im/conv2_2", x)  # (B, 64, T/4, 28, 28)
        scales = [x]
        heard = self._listen(sound)  # (B, 256, N / 1024)
        borders = itertools.pairwise(pooling_borders(heard.shape[-1], x.shape[2]))
        heard = torch.stack([heard[..., a:b].amax(-1) for a, b in borders], -1)  # (B, 256, T/4)
        heard = F.relu(self._convolve("sf/conv5_1", heard, (1,)))[..., None, None]  # (B, 128, T/4, 1, 1)
        x = torch.cat([x, heard.expand(-1, -1, -1, *x.shape[3:])], 1)  # (B, 192, T/4, 28, 28)
        short = torch.cat([x[:, :64], x[:, -64:]], 1)  # (B, 128, T/4, 28, 28)
        merged = self._convolve("im/merge2", F.relu(self._convolve("im/merge1", x, (1, 1, 1))), (1, 1, 1))
        x = F.relu(self._normalise("im/merge_block_bn", merged + short))
        x = self._block("im/conv3_2", self._block("im/conv3_1", x))
        scales.append(x)
        x = self._block("im/conv4_2", self._block("im/conv4_1", x))  # (B, 256, T/8, 14, 14)
        x = self._block("im/conv5_2", self._block("im/conv5_1", x))  # (B, 512, T/8, 7, 7)
        return [*scales, x]

    def _listen(self, sound: Tensor) -> Tensor:
        """(B, 2, N) -> (B, 256, N / 1024)."""
        x = sound.sign() * torch.log1p(255 * sound.abs()) / math.log(256)  # loud and soft alike
        x = F.max_pool1d(F.relu(self._convolve("sf/conv1_1", x, (4,))), 4)
        for name in ("sf/conv2_1", "sf/conv3_1", "sf/conv4_1"):
            x = self._block(name, x)
        return x

    def separate(self, spectrum: Tensor, seen: list[Tensor]) -> tuple[Tensor, Tensor]:
        """The U-net: a mixture (B, 2, L, 1024) and three scales (B, C, time) -> two spectra (B, 2, L, 1024)."""
        x, skips = spectrum, []
        for number in range(1, 10):
            x = self._convolve(f"gen/conv{number}", x, _stride(number))
            skips.append(x)
            x = F.leaky_relu(x, _LEAK)
            if 3 <= number <= 5:
                shown = stretch(seen[number - 3], x.shape[-2])[..., None]  # (B, C, rows, 1)
                x = torch.cat([x, shown.expand(-1, -1, -1, x.shape[-1])], 1)
                skips[-1] = x  # here the skip is what the next layer gets, not what came out of the normalisation
        for number in range(1, 9):
            if number > 1:
                x = torch.cat([x, skips[9 - number]], 1)
            x = self._expand(f"gen/deconv{number}", F.relu(x), _stride(10 - number))
        x = F.relu(torch.cat([x, skips[0]], 1))  # (B, 128, L, 512)
        return self._expand("gen/fg", x, (1, 2)), self._expand("gen/bg", x, (1, 2))

    def _convolve(self, name: str, x: Tensor, stride: tuple[int, ...]) -> Tensor:
        """A convolution (1, 2 or 3 dimensions, by its stride) with SAME padding; normalised, if it has no biases."""
        weights, biases = self.variables[f"{name}/weights"], self.variables.get(f"{name}/biases")
        x, padding = same(x, weights.shape[2:], stride, 0.0)
        x = _CONVOLVE[len(stride)](x, weights, biases, stride, padding)
        return x if biases is not None else self._normalise(f"{name}/BatchNorm", x)

    def _expand(self, name: str, x: Tensor, stride: tuple[int, int]) -> Tensor:
        """A 4x4 transposed convolution over (time, frequency) with SAME padding: n rows become n x stride."""
        weights, biases = self.variables[f"{name}/weights"], self.variables.get(f"{name}/biases")
        rows = x.shape[-2] * stride[0]
        # Without a stride there is one row too many.
        x = F.conv_transpose2d(x, weights, biases, stride, padding=1)[..., :rows, :]
        return x if biases is not None else self._normalise(f"{name}/BatchNorm", x)

    def _normalise(self, name: str, x: Tensor) -> Tensor:
        beta, gamma, mean, variance = (self.variables[f"{name}/{part}"] for part in _NORM)
        eps = _EPS_UNET if name.startswith("gen/") else _EPS
        return F.batch_norm(x, mean, variance, gamma, beta, eps=eps)

    def _block(self, name: str, x: Tensor) -> Tensor:
        """A residual block, normalised after the sum."""
        inputs, outputs, _, stride = _BLOCKS[name]
        if inputs != outputs:
            short = self._convolve(f"{name}_short", x, stride)
        else:
            short = x[(slice(None), slice(None), *(slice(None, None, step) for step in stride))]
        changed = F.relu(self._convolve(f"{name}_1", x, stride))
        changed = self._convolve(f"{name}_2", changed, (1,) * len(stride))
        return F.relu(self._normalise(f"{name}_bn", changed + short))


def variables(network: Multisensory) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the network's variables in the checkpoint: torch's first two axes are the last two there."""
    found = {}
    for name, value in network.variables.items():
        channels, kernel = value.shape[:2], value.shape[2:]
        width = (1,) if value.ndim == 3 else ()  # sound is a picture of width 1 there
        found[name] = tuple(value.shape) if value.ndim == 1 else (*kernel, *width, *channels[::-1])
    return found


def load(checkpoint: TFCheckpoint) -> Multisensory:
    """The network with the checkpoint's weights. Raises UserError naming a variable that is missing or does not fit."""
    with torch.device("meta"):  # no memory and no numbers yet
        network = Multisensory()
    arrays = checkpoint.read(variables(network))
    for name, value in list(network.variables.items()):
        array = arrays.pop(name)
        if array.ndim > 1:
            array = np.moveaxis(array, (-1, -2), (0, 1)).reshape(tuple(value.shape))
        order = torch.channels_last_3d if array.ndim == 5 else torch.contiguous_format  # see `watch`
        network.variables[name] = torch.from_numpy(array).float().contiguous(memory_format=order)
    return network.requires_grad_(False)
