"""DECA's encoders (Feng et al. 2021), as its checkpoint has them, and the meaning of their numbers.

- Two encoders of one shape: a face crop to 236 parameters of a face, and to 128 numbers of its detail.
- Names of layers are those of the published file, so that it can be loaded strictly.
"""

from collections import OrderedDict
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from l2l.errors import SetupError
from l2l.weights.state_dicts import load_into, read_torch

CROP = 224  # pixels, both ways
DETAIL = 128
PARAMETERS = 236
MODEL = ("deca", "deca/deca_model.tar")  # the entry and the file in l2l/weights/weights.yaml


# The columns in use of the 236 parameters; the others are texture, camera and light.
SHAPE, EXPRESSION = slice(0, 100), slice(150, 200)  # in standard deviations
POSE = slice(200, 206)  # axis-angle in radians: the head's rotation, the jaw's


class _Bottleneck(nn.Module):
    """Three convolutions around a shortcut; the stride is in the middle one (He et al. 2016, as torchvision has it)."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        outputs = 4 * width
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample: nn.Module = nn.Identity()
        if inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        return F.relu(self.bn3(self.conv3(y)) + self.downsample(x))


def _resnet50() -> nn.Sequential:
    """ResNet-50 without its last layers: pictures (N, 3, 224, 224) to features (N, 2048, 7, 7)."""
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        conv1=nn.Conv2d(3, 64, 7, 2, 3, bias=False), bn1=nn.BatchNorm2d(64), relu=nn.ReLU(), pool=nn.MaxPool2d(3, 2, 1)
    )
    inputs = 64
    for number, (width, blocks) in enumerate(((64, 3), (128, 4), (256, 6), (512, 3)), 1):
        first = _Bottleneck(inputs, width, 1 if number == 1 else 2)
        inputs = 4 * width
        layers[f"layer{number}"] = nn.Sequential(first, *(_Bottleneck(inputs, width, 1) for _ in range(blocks - 1)))
    return nn.Sequential(layers)


class Encoder(nn.Module):
    """Crops (N, 3, 224, 224), RGB in 0..1 with no other normalisation, to (N, outputs)."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.encoder = _resnet50()
        self.layers = nn.Sequential(nn.Linear(2048, 1024), nn.ReLU(), nn.Linear(1024, outputs))

    def forward(self, crops: Tensor) -> Tensor:
        return self.layers(self.encoder(crops).mean((2, 3)))


class Deca(nn.Module):
    """The encoders of a checkpoint; without `detail` the second one is left out and takes no time."""

    def __init__(self, path: Path, detail: bool = True) -> None:
        super().__init__()
        checkpoint = read_torch(path)
        self.E_flame = Encoder(PARAMETERS)
        load_into(self.E_flame, _part(checkpoint, "E_flame", path), path)
        self.E_detail = Encoder(DETAIL) if detail else None
        if self.E_detail is not None:
            load_into(self.E_detail, _part(checkpoint, "E_detail", path), path)
        self.eval().requires_grad_(False)
        # A tenth faster or more. torch's types do not know the argument.
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @torch.inference_mode()
    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Crops (N, 3, 224, 224) to parameters (N, 236) and detail (N, 128), zeros without its encoder."""
        crops = crops.to(memory_format=torch.channels_last)
        return self.E_flame(crops), self.E_detail(crops) if self.E_detail else crops.new_zeros(len(crops), DETAIL)


def _part(checkpoint: object, name: str, path: Path) -> object:
    """One network's weights in a checkpoint {name: weights}. Raises UserError when there is none of that name."""
    if not isinstance(checkpoint, dict) or name not in checkpoint:
        raise SetupError(f"{path}: {name!r} is missing; give DECA's deca_model.tar as it was published, not unpacked.")
    return checkpoint[name]
