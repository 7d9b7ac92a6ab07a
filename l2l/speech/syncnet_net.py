"""SyncNet: two networks that put 0.2 s of a mouth and 0.2 s of sound near each other when they belong together.

Names and shapes are those of the published weights (Chung & Zisserman 2016, the `S` network of syncnet_python), so that
`syncnet_v2.model` fits as it is.
"""

from typing import Any

import torch
from torch import Tensor, nn

WINDOW = 5  # frames of a mouth in one look
COLUMNS = 20  # columns of MFCC in one look: 0.2 s too
# In order: convolutions (channels in and out, kernel, stride, padding) and pooling (kernel, stride, padding).
_SOUND = (
    ("conv", 1, 64, (3, 3), 1, 1),
    ("pool", 1, 1, 0),
    ("conv", 64, 192, (3, 3), 1, 1),
    ("pool", 3, (1, 2), 0),
    ("conv", 192, 384, (3, 3), 1, 1),
    ("conv", 384, 256, (3, 3), 1, 1),
    ("conv", 256, 256, (3, 3), 1, 1),
    ("pool", 3, 2, 0),
    ("conv", 256, 512, (5, 4), 1, 0),
)
_MOUTH = (
    ("conv", 3, 96, (WINDOW, 7, 7), (1, 2, 2), 0),
    ("pool", (1, 3, 3), (1, 2, 2), 0),
    ("conv", 96, 256, (1, 5, 5), (1, 2, 2), (0, 1, 1)),
    ("pool", (1, 3, 3), (1, 2, 2), (0, 1, 1)),
    ("conv", 256, 256, (1, 3, 3), 1, (0, 1, 1)),
    ("conv", 256, 256, (1, 3, 3), 1, (0, 1, 1)),
    ("conv", 256, 256, (1, 3, 3), 1, (0, 1, 1)),
    ("pool", (1, 3, 3), (1, 2, 2), 0),
    ("conv", 256, 512, (1, 6, 6), 1, 0),
)


def _layers(table: tuple[tuple[Any, ...], ...], conv: type, norm: type, pool: type) -> nn.Sequential:
    layers: list[nn.Module] = []
    for kind, *sizes in table:
        layers += [pool(*sizes)] if kind == "pool" else [conv(*sizes), norm(sizes[1]), nn.ReLU()]
    return nn.Sequential(*layers)


def _head() -> nn.Sequential:
    return nn.Sequential(nn.Linear(512, 512), nn.BatchNorm1d(512), nn.ReLU(), nn.Linear(512, 1024))


class SyncNet(nn.Module):
    """`lips` and `sound` map windows to 1024 numbers each."""

    def __init__(self) -> None:
        super().__init__()
        self.netcnnaud = _layers(_SOUND, nn.Conv2d, nn.BatchNorm2d, nn.MaxPool2d)
        self.netfcaud, self.netfclip = _head(), _head()
        self.netcnnlip = _layers(_MOUTH, nn.Conv3d, nn.BatchNorm3d, nn.MaxPool3d)

    def sound(self, columns: Tensor) -> Tensor:
        """(N, 1, 13, 20) MFCC, coefficient by time -> (N, 1024)."""
        return self.netfcaud(self.netcnnaud(columns).flatten(1))

    def lips(self, frames: Tensor) -> Tensor:
        """(N, 3, 5, 224, 224) float face crops, blue green red, 0..255 -> (N, 1024)."""
        return self.netfclip(self.lip_feature(frames))

    def lip_feature(self, frames: Tensor) -> Tensor:
        """(N, 3, 5, 224, 224) -> (N, 512), what the lips' head gets."""
        return self.netcnnlip(frames).flatten(1)


def windows_of_sound(mfcc: Tensor, first: int, last: int) -> Tensor:
    """Windows [first, last) of MFCC (T, 13): window i is columns 4 i to 4 i + 19 -> (n, 1, 13, 20)."""
    return torch.stack([mfcc[4 * i : 4 * i + COLUMNS].T[None] for i in range(first, last)])


def windows_of_lips(crops: Tensor) -> Tensor:
    """Crops (n + 4, 224, 224, 3) uint8, blue green red -> (n, 3, 5, 224, 224) float32."""
    windows = crops.unfold(0, WINDOW, 1).permute(0, 3, 4, 1, 2)
    return windows.contiguous(memory_format=torch.channels_last_3d).float()  # channels last: half as fast again
