"""Light-ASD: a network of a million weights that says whether a face is the one that is heard.

Names and shapes are those of the published weights (Liao et al. 2023). Every block sees a small and a large
neighbourhood side by side, first across the picture (or the coefficients), then across time; two recurrent passes,
one in each direction, join sound and face.
"""

import torch.nn.functional as F
from torch import Tensor, nn

SIDE = 112  # pixels of a grey face crop
COLUMNS = 4  # columns of MFCC per frame
MEAN, STD = 0.4161, 0.1688  # of grey values 0..1
_EPSILON = 1e-3  # of every batch normalisation


class VisualBlock(nn.Module):
    """(N, inputs, T, H, W) -> (N, outputs, T, H / stride, W / stride)."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        for size in (3, 5):
            half = size // 2
            across = nn.Conv3d(
                inputs, outputs, (1, size, size), (1, stride, stride), padding=(0, half, half), bias=False
            )
            self.add_module(f"s_{size}", across)
            self.add_module(f"bn_s_{size}", nn.BatchNorm3d(outputs, eps=_EPSILON))
            along = nn.Conv3d(outputs, outputs, (size, 1, 1), padding=(half, 0, 0), bias=False)
            self.add_module(f"t_{size}", along)
            self.add_module(f"bn_t_{size}", nn.BatchNorm3d(outputs, eps=_EPSILON))
        self.last = nn.Conv3d(outputs, outputs, 1, bias=False)
        self.bn_last = nn.BatchNorm3d(outputs, eps=_EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        return _joined(self, x, "s")


class AudioBlock(nn.Module):
    """(N, inputs, 13, T) -> (N, outputs, 13, T)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        for size in (3, 5):
            half = size // 2
            across = nn.Conv2d(inputs, outputs, (size, 1), padding=(half, 0), bias=False)
            self.add_module(f"m_{size}", across)
            self.add_module(f"bn_m_{size}", nn.BatchNorm2d(outputs, eps=_EPSILON))
            along = nn.Conv2d(outputs, outputs, (1, size), padding=(0, half), bias=False)
            self.add_module(f"t_{size}", along)
            self.add_module(f"bn_t_{size}", nn.BatchNorm2d(outputs, eps=_EPSILON))
        self.last = nn.Conv2d(outputs, outputs, 1, bias=False)
        self.bn_last = nn.BatchNorm2d(outputs, eps=_EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        return _joined(self, x, "m")


def _joined(block: nn.Module, x: Tensor, across: str) -> Tensor:
    """Both neighbourhoods of a block, summed and mixed."""

    def step(name: str, value: Tensor) -> Tensor:
        return F.relu(block.get_submodule(f"bn_{name}")(block.get_submodule(name)(value)), inplace=True)

    small, large = (step(f"t_{size}", step(f"{across}_{size}", x)) for size in (3, 5))
    return step("last", small + large)


class VisualEncoder(nn.Module):
    """(N, 1, T, 112, 112) -> (N, T, 128)."""

    def __init__(self) -> None:
        super().__init__()
        self.block1 = VisualBlock(1, 32, stride=2)
        self.block2 = VisualBlock(32, 64)
        self.block3 = VisualBlock(64, 128)
        self.pool = nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.block1(x))  # (N, 32, T, 28, 28)
        x = self.block3(self.pool(self.block2(x)))  # (N, 128, T, 14, 14)
        return x.amax((3, 4)).transpose(1, 2)


class AudioEncoder(nn.Module):
    """(N, 1, 13, 4 T) -> (N, T, 128)."""

    def __init__(self) -> None:
        super().__init__()
        self.block1 = AudioBlock(1, 32)
        self.block2 = AudioBlock(32, 64)
        self.block3 = AudioBlock(64, 128)
        self.pool = nn.MaxPool2d((1, 3), (1, 2), (0, 1))

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.block1(x))  # (N, 32, 13, 2 T)
        x = self.block3(self.pool(self.block2(x)))  # (N, 128, 13, T)
        return x.mean(2).transpose(1, 2)


class BothWays(nn.Module):
    """(N, T, 128) -> (N, T, 128): forward in time, then backward."""

    def __init__(self) -> None:
        super().__init__()
        self.gru_forward = nn.GRU(128, 128, batch_first=True)
        self.gru_backward = nn.GRU(128, 128, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        x = F.gelu(self.gru_forward(x)[0])
        x = self.gru_backward(x.flip(1))[0]
        return F.gelu(x.flip(1))


class _Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.visualEncoder = VisualEncoder()
        self.audioEncoder = AudioEncoder()
        self.GRU = BothWays()


class _Scores(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.FC = nn.Linear(128, 2)


class LightAsd(nn.Module):
    """A score per frame: above 0 the face is the one that is heard."""

    def __init__(self) -> None:
        super().__init__()
        self.model = _Model()
        self.lossAV = _Scores()
        self.lossV = _Scores()  # only for training; the published file has it

    def forward(self, faces: Tensor, mfcc: Tensor) -> Tensor:
        """Grey faces (N, T, 112, 112) 0..255 and MFCC (N, 4 T, 13) -> (N, T)."""
        return self.score(self.see(faces) + self.hear(mfcc))

    def score(self, both: Tensor) -> Tensor:
        """The sum of what is seen and heard (N, T, 128) -> (N, T)."""
        return self.lossAV.FC(self.join(both))[..., 1]

    def see(self, faces: Tensor) -> Tensor:
        """(N, T, 112, 112), 0..255 -> (N, T, 128)."""
        return self.model.visualEncoder(((faces.float() / 255 - MEAN) / STD)[:, None])

    def hear(self, mfcc: Tensor) -> Tensor:
        """(N, 4 T, 13) -> (N, T, 128)."""
        return self.model.audioEncoder(mfcc.transpose(1, 2)[:, None])

    def join(self, both: Tensor) -> Tensor:
        """(N, T, 128) -> (N, T, 128)."""
        return self.model.GRU(both)
