"""Light-ASD: a network of a million weights that says whether a face is the one that is heard (Liao et al. 2023).

Names, shapes and their order are those of the published weights. Every block looks at a small and a large neighbourhood
side by side, first across the picture (or the coefficients), then across time; two recurrent passes, one in each
direction, join sound and face.
"""

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

FACE_SIDE = 112  # pixels of a grey face crop
COLUMNS = 4  # columns of MFCC per frame
MEAN, STD = 0.4161, 0.1688  # of grey values 0..1
_SIZES = (3, 5)  # of the two neighbourhoods


class Block(nn.Module):
    """Pictures (N, inputs, T, H, W) -> (N, outputs, T, H / stride, W / stride); MFCC (N, inputs, 13, T) alike."""

    def __init__(self, inputs: int, outputs: int, pictures: bool, stride: int = 1) -> None:
        super().__init__()
        self._across = "s" if pictures else "m"
        conv: Any = nn.Conv3d if pictures else nn.Conv2d
        norm = nn.BatchNorm3d if pictures else nn.BatchNorm2d

        def add(name: str, channels: int, kernel: tuple[int, ...], strides: int | tuple[int, ...] = 1) -> None:
            padding = tuple(size // 2 for size in kernel)
            self.add_module(name, conv(channels, outputs, kernel, strides, padding, bias=False))
            self.add_module(f"bn_{name}", norm(outputs, eps=1e-3))

        for size in _SIZES:
            add(
                f"{self._across}_{size}",
                inputs,
                (1, size, size) if pictures else (size, 1),
                (1, stride, stride) if pictures else 1,
            )
            add(f"t_{size}", outputs, (size, 1, 1) if pictures else (1, size))
        add("last", outputs, (1,) * (3 if pictures else 2))

    def forward(self, x: Tensor) -> Tensor:
        small, large = (self._step(f"t_{size}", self._step(f"{self._across}_{size}", x)) for size in _SIZES)
        return self._step("last", small + large)

    def _step(self, name: str, x: Tensor) -> Tensor:
        return F.relu(self.get_submodule(f"bn_{name}")(self.get_submodule(name)(x)), inplace=True)


class Encoder(nn.Module):
    """Grey faces (N, 1, T, 112, 112) or MFCC (N, 1, 13, 4 T) -> (N, T, 128)."""

    def __init__(self, pictures: bool) -> None:
        super().__init__()
        self.block1 = Block(1, 32, pictures, stride=2 if pictures else 1)
        self.block2, self.block3 = Block(32, 64, pictures), Block(64, 128, pictures)
        # Across the picture, or across time: MFCC have four columns for each frame.
        self.pool = nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)) if pictures else nn.MaxPool2d((1, 3), (1, 2), (0, 1))

    def forward(self, x: Tensor) -> Tensor:
        x = self.block3(self.pool(self.block2(self.pool(self.block1(x)))))  # (N, 128, T, 14, 14) or (N, 128, 13, T)
        return (x.amax((3, 4)) if x.ndim == 5 else x.mean(2)).transpose(1, 2)


class BothWays(nn.Module):
    """(N, T, 128) -> (N, T, 128): forward in time, then backward."""

    def __init__(self) -> None:
        super().__init__()
        self.gru_forward = nn.GRU(128, 128, batch_first=True)
        self.gru_backward = nn.GRU(128, 128, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        x = F.gelu(self.gru_forward(x)[0])
        return F.gelu(self.gru_backward(x.flip(1))[0].flip(1))


class LightAsd(nn.Module):
    """A score per frame: above 0 the face is the one that is heard."""

    def __init__(self) -> None:
        super().__init__()
        encoders = {"visualEncoder": Encoder(pictures=True), "audioEncoder": Encoder(pictures=False)}
        self.model = nn.ModuleDict(encoders | {"GRU": BothWays()})
        self.lossAV = nn.ModuleDict({"FC": nn.Linear(128, 2)})
        self.lossV = nn.ModuleDict({"FC": nn.Linear(128, 2)})  # only for training; the published file has it

    def forward(self, faces: Tensor, mfcc: Tensor) -> Tensor:
        """Grey faces (N, T, 112, 112) 0..255 and MFCC (N, 4 T, 13) -> (N, T)."""
        return self.score(self.see(faces) + self.hear(mfcc))

    def score(self, both: Tensor) -> Tensor:
        """The sum of what is seen and heard (N, T, 128) -> (N, T)."""
        return self.lossAV["FC"](self.join(both))[..., 1]

    def see(self, faces: Tensor) -> Tensor:
        """(N, T, 112, 112), 0..255 -> (N, T, 128)."""
        return self.model["visualEncoder"](((faces.float() / 255 - MEAN) / STD)[:, None])

    def hear(self, mfcc: Tensor) -> Tensor:
        """(N, 4 T, 13) -> (N, T, 128)."""
        return self.model["audioEncoder"](mfcc.transpose(1, 2)[:, None])

    def join(self, both: Tensor) -> Tensor:
        """(N, T, 128) -> (N, T, 128)."""
        return self.model["GRU"](both)
