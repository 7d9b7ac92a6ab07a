"""The `full` network of Owens & Efros (2018): pictures and a mixture -> the voice in the picture, and the rest.

- An audio-visual net sees and hears 2 seconds. A U-net over the mixture's spectrogram takes its features in at three
  scales, and predicts a spectrogram with phase for the person in the picture, and one for everything else.
- T frames of picture, N samples of sound, L rows of the spectrogram; sizes are for the shortest window: 63, 44144, 128.
- Layers are kept under the names of the checkpoint's variables.
"""

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from l2l.speech.multisensory.layers import (
    BatchNorm,
    Convolution,
    Normalised,
    TransposedConvolution,
    fractional_max_pool,
    max_pool,
    stretch,
)
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


# Residual blocks: name, channels in and out, kernel, stride; over time, or over (time, height, width). Where the
# channels change, the shortcut is a convolution.
_BLOCKS = (
    ("sf/conv2_1", 64, 128, (15,), (4,)),
    ("sf/conv3_1", 128, 128, (15,), (4,)),
    ("sf/conv4_1", 128, 256, (15,), (4,)),
    ("im/conv2_1", 64, 64, (3, 3, 3), (1, 1, 1)),
    ("im/conv2_2", 64, 64, (3, 3, 3), (2, 2, 2)),
    ("im/conv3_1", 128, 128, (3, 3, 3), (1, 1, 1)),
    ("im/conv3_2", 128, 128, (3, 3, 3), (1, 1, 1)),
    ("im/conv4_1", 128, 256, (3, 3, 3), (2, 2, 2)),
    ("im/conv4_2", 256, 256, (3, 3, 3), (1, 1, 1)),
    ("im/conv5_1", 256, 512, (3, 3, 3), (1, 2, 2)),
    ("im/conv5_2", 512, 512, (3, 3, 3), (1, 1, 1)),
)


class Multisensory(nn.Module):
    """The network; `load` fills it. Weights of a fresh one are whatever was in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleDict()
        self._add("sf/conv1_1", 2, 64, (65,), (4,))
        self._add("sf/conv5_1", 256, 128, (3,), (1,))
        self._add("im/conv1", 3, 64, (5, 7, 7), (2, 2, 2))
        self._add("im/merge1", 192, 512, (1, 1, 1), (1, 1, 1))
        self.layers["im/merge2"] = Convolution(512, 128, (1, 1, 1), (1, 1, 1), bias=True)
        self.layers["im/merge_block_bn"] = BatchNorm(128, _EPS)
        for name, inputs, outputs, kernel, stride in _BLOCKS:
            if inputs != outputs:
                self._add(f"{name}_short", inputs, outputs, (1,) * len(kernel), stride)
            self._add(f"{name}_1", inputs, outputs, kernel, stride)
            self.layers[f"{name}_2"] = Convolution(outputs, outputs, kernel, (1,) * len(kernel), bias=True)
            self.layers[f"{name}_bn"] = BatchNorm(outputs, _EPS)
        inputs = 2
        for number, outputs in enumerate(_UNET, 1):
            convolution = Convolution(inputs, outputs, (4, 4), _stride(number), bias=False)
            self.layers[f"gen/conv{number}"] = Normalised(convolution, outputs, _EPS_UNET)
            inputs = outputs + _seen(number)
        for number in range(1, 9):
            outputs, skip = _UNET[8 - number], 9 - number
            layer = TransposedConvolution(inputs, outputs, _stride(10 - number), bias=False)
            self.layers[f"gen/deconv{number}"] = Normalised(layer, outputs, _EPS_UNET)
            inputs = outputs + _UNET[skip - 1] + _seen(skip)
        for head in ("fg", "bg"):
            self.layers[f"gen/{head}"] = TransposedConvolution(inputs, 2, (1, 2), bias=True)
        self.eval().requires_grad_(False)

    def _add(self, name: str, inputs: int, outputs: int, kernel: tuple[int, ...], stride: tuple[int, ...]) -> None:
        self.layers[name] = Normalised(Convolution(inputs, outputs, kernel, stride, bias=False), outputs, _EPS)

    def forward(self, picture: Tensor, sound: Tensor, spectrum: Tensor) -> tuple[Tensor, Tensor]:
        """Spectra of what is heard from the picture, and of the rest, as the network scales them.

        picture: (B, T, 224, 224, 3) uint8. sound: (B, 2, N). spectrum: (B, 2, L, 1024). Returns (B, 2, L, 1024) twice.
        """
        return self.separate(spectrum, [scale.mean((-2, -1)) for scale in self.watch(picture, sound)])

    def watch(self, picture: Tensor, sound: Tensor) -> list[Tensor]:
        """The three scales: (B, 64, T/4, 28, 28), (B, 128, T/4, 28, 28), (B, 512, T/8, 7, 7)."""
        # A view: the colours of a pixel stay together in memory, which is fastest for convolutions on a CPU.
        x = picture.permute(0, 4, 1, 2, 3) * (2 / 255) - 1  # (B, 3, T, 224, 224)
        x = self._cbr("im/conv1", x)  # (B, 64, T/2, 112, 112)
        x = max_pool(x, (1, 3, 3), (1, 2, 2))  # (B, 64, T/2, 56, 56)
        x = self._block("im/conv2_1", x)
        x = self._block("im/conv2_2", x)  # (B, 64, T/4, 28, 28)
        scales = [x]
        heard = fractional_max_pool(self._listen(sound), x.shape[2])  # (B, 256, T/4)
        heard = self._cbr("sf/conv5_1", heard)[..., None, None]  # (B, 128, T/4, 1, 1)
        x = torch.cat([x, heard.expand(-1, -1, -1, *x.shape[3:])], 1)  # (B, 192, T/4, 28, 28)
        short = torch.cat([x[:, :64], x[:, -64:]], 1)  # (B, 128, T/4, 28, 28)
        merged = self.layers["im/merge2"](self._cbr("im/merge1", x))
        x = F.relu(self.layers["im/merge_block_bn"](merged + short))
        x = self._block("im/conv3_2", self._block("im/conv3_1", x))
        scales.append(x)
        x = self._block("im/conv4_2", self._block("im/conv4_1", x))  # (B, 256, T/8, 14, 14)
        x = self._block("im/conv5_2", self._block("im/conv5_1", x))  # (B, 512, T/8, 7, 7)
        return [*scales, x]

    def _listen(self, sound: Tensor) -> Tensor:
        """(B, 2, N) -> (B, 256, N / 1024)."""
        x = sound.sign() * torch.log1p(255 * sound.abs()) / math.log(256)  # loud and soft alike
        x = F.max_pool1d(self._cbr("sf/conv1_1", x), 4)
        for name in ("sf/conv2_1", "sf/conv3_1", "sf/conv4_1"):
            x = self._block(name, x)
        return x

    def separate(self, spectrum: Tensor, seen: list[Tensor]) -> tuple[Tensor, Tensor]:
        """The U-net: a mixture (B, 2, L, 1024) and three scales (B, C, time) -> two spectra (B, 2, L, 1024)."""
        x, skips = spectrum, []
        for number in range(1, 10):
            x = self.layers[f"gen/conv{number}"](x)
            skips.append(x)
            x = F.leaky_relu(x, _LEAK)
            if 3 <= number <= 5:
                shown = stretch(seen[number - 3], x.shape[-2])[..., None]  # (B, C, rows, 1)
                x = torch.cat([x, shown.expand(-1, -1, -1, x.shape[-1])], 1)
                skips[-1] = x  # here the skip is what the next layer gets, not what came out of the normalisation
        for number in range(1, 9):
            if number > 1:
                x = torch.cat([x, skips[9 - number]], 1)
            x = self.layers[f"gen/deconv{number}"](F.relu(x))
        x = F.relu(torch.cat([x, skips[0]], 1))  # (B, 128, L, 512)
        return self.layers["gen/fg"](x), self.layers["gen/bg"](x)

    def _cbr(self, name: str, x: Tensor) -> Tensor:
        return F.relu(self.layers[name](x))

    def _block(self, name: str, x: Tensor) -> Tensor:
        """A residual block, normalised after the sum."""
        first = self.layers[f"{name}_1"]
        assert isinstance(first, Normalised)
        if f"{name}_short" in self.layers:
            short = self.layers[f"{name}_short"](x)
        else:
            steps = [slice(None, None, step) for step in first.convolution.stride]
            short = x[(slice(None), slice(None), *steps)]
        changed = self.layers[f"{name}_2"](F.relu(first(x)))
        return F.relu(self.layers[f"{name}_bn"](changed + short))


def variables(network: Multisensory) -> dict[str, tuple[str, tuple[int, ...]]]:
    """For each parameter of the network, the checkpoint's variable: its name and its shape there."""
    found = {}
    for name, value in network.state_dict().items():
        variable = name.removeprefix("layers.").replace(".convolution", "").replace(".", "/")
        shape = tuple(value.shape)
        if len(shape) > 1:
            # Sound is a picture of width 1 there.
            kernel = (*shape[2:], 1) if len(shape) == 3 else shape[2:]
            shape = (*kernel, shape[1], shape[0])  # for transposed convolutions (kernel, out, in), the same turn
        found[name] = variable, shape
    return found


def load(checkpoint: TFCheckpoint) -> Multisensory:
    """The network with the checkpoint's weights. Raises UserError naming a variable that is missing or does not fit."""
    with torch.device("meta"):  # no memory and no numbers yet
        network = Multisensory()
    wanted = variables(network)
    arrays = checkpoint.read(dict(wanted.values()))
    parameters = network.state_dict()
    for name, (variable, _) in wanted.items():
        array = arrays.pop(variable)
        if array.ndim > 1:
            array = np.moveaxis(array, (-1, -2), (0, 1)).reshape(tuple(parameters[name].shape))
        order = torch.channels_last_3d if array.ndim == 5 else torch.contiguous_format  # see `watch`
        parameters[name] = torch.from_numpy(array).float().contiguous(memory_format=order)
    network.load_state_dict(parameters, assign=True)
    return network.requires_grad_(False)
