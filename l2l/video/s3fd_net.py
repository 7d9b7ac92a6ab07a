"""S3FD: the face detector of SyncNet's pipeline, a VGG-16 that looks for faces at six scales.

Names and shapes are those of the published weights (Zhang et al. 2017, `sfd_face.pth` of syncnet_python).
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_TRUNK = (64, 64, "pool", 128, 128, "pool", 256, 256, 256, "up", 512, 512, 512, "pool", 512, 512, 512, "pool")
_TAPS = {14: 0, 21: 1, 28: 2}  # layer of the trunk: scale that it feeds, before its ReLU
_CHANNELS = (256, 512, 512, 1024, 512, 256)  # of the six scales


class L2Norm(nn.Module):
    """Each cell's channels at length one, times a weight per channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        return x / (x.norm(dim=1, keepdim=True) + 1e-10) * self.weight[:, None, None]


def _trunk() -> nn.ModuleList:
    layers: list[nn.Module] = []
    channels = 3
    for entry in _TRUNK:
        if isinstance(entry, int):
            layers += [nn.Conv2d(channels, entry, 3, padding=1), nn.ReLU()]
            channels = entry
        else:
            layers.append(nn.MaxPool2d(2, 2, ceil_mode=entry == "up"))
    layers += [nn.Conv2d(channels, 1024, 3, padding=6, dilation=6), nn.ReLU(), nn.Conv2d(1024, 1024, 1), nn.ReLU()]
    return nn.ModuleList(layers)


class S3fd(nn.Module):
    """Where faces may be, cell by cell."""

    def __init__(self) -> None:
        super().__init__()
        self.vgg = _trunk()
        self.L2Norm3_3, self.L2Norm4_3, self.L2Norm5_3 = L2Norm(256), L2Norm(512), L2Norm(512)
        narrow, wide = nn.Conv2d(1024, 256, 1), nn.Conv2d(256, 512, 3, stride=2, padding=1)
        self.extras = nn.ModuleList([narrow, wide, nn.Conv2d(512, 128, 1), nn.Conv2d(128, 256, 3, 2, padding=1)])
        self.loc = nn.ModuleList([nn.Conv2d(n, 4, 3, padding=1) for n in _CHANNELS])
        self.conf = nn.ModuleList([nn.Conv2d(n, 2 if k else 4, 3, padding=1) for k, n in enumerate(_CHANNELS)])

    def forward(self, pictures: Tensor) -> list[tuple[Tensor, Tensor]]:
        """(N, 3, H, W) -> per scale, offsets (N, h, w, 4) and scores (N, h, w, 2): background, face."""
        norms = (self.L2Norm3_3, self.L2Norm4_3, self.L2Norm5_3)
        taps = []
        x = pictures
        for number, layer in enumerate(self.vgg):
            x = layer(x)
            if number - 1 in _TAPS:
                taps.append(norms[_TAPS[number - 1]](x))
        taps.append(x)
        for number, layer in enumerate(self.extras):
            x = F.relu(layer(x))
            if number % 2:
                taps.append(x)
        return [self._head(k, tap) for k, tap in enumerate(taps)]

    def _head(self, k: int, tap: Tensor) -> tuple[Tensor, Tensor]:
        score = self.conf[k](tap)
        if k == 0:  # three kinds of background; the most likely one counts
            score = torch.cat([score[:, :3].amax(1, keepdim=True), score[:, 3:]], 1)
        return self.loc[k](tap).permute(0, 2, 3, 1), score.permute(0, 2, 3, 1)
