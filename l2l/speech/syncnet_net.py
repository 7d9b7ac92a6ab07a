"""SyncNet: two networks that put 0.2 s of a mouth and 0.2 s of sound near each other when they belong together.

Names and shapes are those of the published weights (Chung & Zisserman 2016, the `S` network of syncnet_python), so that
`syncnet_v2.model` fits as it is.
"""

import torch
from torch import Tensor, nn

WINDOW = 5  # frames of a mouth in one look
COLUMNS = 20  # columns of MFCC in one look: 0.2 s too
SIDE = 224  # pixels of a face crop


def _block(conv: nn.Module, norm: nn.Module) -> list[nn.Module]:
    return [conv, norm, nn.ReLU()]


def _sound(inputs: int, outputs: int, kernel: tuple[int, int] = (3, 3), padding: int = 1) -> list[nn.Module]:
    return _block(nn.Conv2d(inputs, outputs, kernel, padding=padding), nn.BatchNorm2d(outputs))


def _mouth(inputs: int, outputs: int, kernel: tuple[int, int, int], stride: int = 1, pad: int = 0) -> list[nn.Module]:
    conv = nn.Conv3d(inputs, outputs, kernel, stride=(1, stride, stride), padding=(0, pad, pad))
    return _block(conv, nn.BatchNorm3d(outputs))


def _head() -> nn.Sequential:
    return nn.Sequential(nn.Linear(512, 512), nn.BatchNorm1d(512), nn.ReLU(), nn.Linear(512, 1024))


class SyncNet(nn.Module):
    """`lips` and `sound` map windows to 1024 numbers each."""

    def __init__(self) -> None:
        super().__init__()
        self.netcnnaud = nn.Sequential(
            *_sound(1, 64),
            nn.MaxPool2d(1, 1),
            *_sound(64, 192),
            nn.MaxPool2d(3, (1, 2)),
            *_sound(192, 384),
            *_sound(384, 256),
            *_sound(256, 256),
            nn.MaxPool2d(3, 2),
            *_sound(256, 512, kernel=(5, 4), padding=0),
        )
        self.netfcaud = _head()
        self.netfclip = _head()
        self.netcnnlip = nn.Sequential(
            *_mouth(3, 96, (WINDOW, 7, 7), stride=2),
            nn.MaxPool3d((1, 3, 3), (1, 2, 2)),
            *_mouth(96, 256, (1, 5, 5), stride=2, pad=1),
            nn.MaxPool3d((1, 3, 3), (1, 2, 2), padding=(0, 1, 1)),
            *_mouth(256, 256, (1, 3, 3), pad=1),
            *_mouth(256, 256, (1, 3, 3), pad=1),
            *_mouth(256, 256, (1, 3, 3), pad=1),
            nn.MaxPool3d((1, 3, 3), (1, 2, 2)),
            *_mouth(256, 512, (1, 6, 6)),
        )

    def sound(self, columns: Tensor) -> Tensor:
        """(N, 1, 13, 20) MFCC, coefficient by time -> (N, 1024)."""
        return self.netfcaud(self.netcnnaud(columns).flatten(1))

    def lips(self, frames: Tensor) -> Tensor:
        """(N, 3, 5, 224, 224) float face crops, blue green red, 0..255 -> (N, 1024)."""
        return self.netfclip(self.lip_feature(frames))

    def lip_feature(self, frames: Tensor) -> Tensor:
        """(N, 3, 5, 224, 224) -> (N, 512), what the lips' head sees."""
        return self.netcnnlip(frames).flatten(1)


def windows_of_sound(mfcc: Tensor, first: int, last: int) -> Tensor:
    """Windows [first, last) of MFCC (T, 13): window i is columns 4 i to 4 i + 19 -> (n, 1, 13, 20)."""
    return torch.stack([mfcc[4 * i : 4 * i + COLUMNS].T[None] for i in range(first, last)])


def windows_of_lips(crops: Tensor) -> Tensor:
    """Crops (n + 4, 224, 224, 3) uint8, blue green red -> (n, 3, 5, 224, 224) float32."""
    windows = crops.unfold(0, WINDOW, 1).permute(0, 3, 4, 1, 2)
    return windows.contiguous(memory_format=torch.channels_last_3d).float()  # channels last: half as fast again
