"""S3FD: the face detector of SyncNet's pipeline, a VGG-16 that looks for faces at six scales (Zhang et al. 2017).

Names and shapes are those of the published weights (`sfd_face.pth` of syncnet_python).
"""

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from l2l.video.tracks import overlap
from l2l.weights.state_dicts import load_published

_TRUNK = (64, 64, "pool", 128, 128, "pool", 256, 256, 256, "up", 512, 512, 512, "pool", 512, 512, 512, "pool")
_TAPS = {14: 0, 21: 1, 28: 2}  # layer of the trunk: scale that it feeds, before its ReLU
_CHANNELS = (256, 512, 512, 1024, 512, 256)  # of the six scales
_MEAN = (123.0, 117.0, 104.0)  # red, green, blue
_UNLIKELY = 0.05  # candidates below are dropped
_CANDIDATES, _KEPT = 5000, 750
_OVERLAP, _OVERLAP_LAST = 0.3, 0.1  # above which two boxes are one face: among the candidates, and at the end


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


def load_s3fd() -> S3fd:
    """The network with its published weights. Raises UserError when they are missing or another network's."""
    return load_published(S3fd(), "s3fd", "s3fd/sfd_face.pth")


def detect(net: S3fd, picture: np.ndarray, threshold: float = 0.9, scale: float = 0.25) -> np.ndarray:
    """(k, 5) x0, y0, x1, y1 in pixels and score of the faces in an RGB picture (H, W, 3) uint8, best first."""
    small = cv2.resize(picture, (0, 0), fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
    pixels = (small.astype(np.float32) - np.array(_MEAN, np.float32)).transpose(2, 0, 1)  # (3, h, w)
    with torch.inference_mode():
        offsets, scores, priors = answers(net, torch.from_numpy(pixels)[None])
    found = candidates(offsets[0], scores[0].softmax(-1)[:, 1], priors)
    found = found[found[:, 4] > threshold].astype(np.float64)
    height, width = picture.shape[:2]
    found[:, :4] *= [width, height, width, height]
    return found[suppress(found, _OVERLAP_LAST)]


def answers(net: S3fd, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(N, 3, H, W) -> offsets (N, P, 4), scores (N, P, 2) before the softmax, priors (P, 4) of all scales.

    A prior is the centre and the size of a cell, as shares of the picture.
    """
    scales, priors = net(pixels), []
    height, width = pixels.shape[2:]
    for k, (offsets, _) in enumerate(scales):
        step, size = 4 * 2**k, 16 * 2**k
        y, x = torch.meshgrid(*(torch.arange(n) + 0.5 for n in offsets.shape[1:3]), indexing="ij")
        full = torch.ones_like(x)
        cells = [x * step / width, y * step / height, full * size / width, full * size / height]
        priors.append(torch.stack(cells, -1).flatten(0, 1))
    offsets, scores = (torch.cat([scale[part].flatten(1, 2) for scale in scales], 1) for part in (0, 1))
    return offsets, scores, torch.cat(priors)


def candidates(offsets: Tensor, score: Tensor, priors: Tensor) -> np.ndarray:
    """(k, 5) boxes as shares of the picture, and scores, best first, from one picture's (P, 4), (P,) and (P, 4)."""
    centre = priors[:, :2] + 0.1 * offsets[:, :2] * priors[:, 2:]
    size = priors[:, 2:] * torch.exp(0.2 * offsets[:, 2:])
    every = torch.cat([centre - size / 2, centre + size / 2, score[:, None]], 1)  # (P, 5)
    boxes = every[score > _UNLIKELY].numpy()
    boxes = boxes[np.argsort(-boxes[:, 4], kind="stable")[:_CANDIDATES]]
    return boxes[suppress(boxes, _OVERLAP)[:_KEPT]]


def suppress(boxes: np.ndarray, most: float) -> np.ndarray:
    """Which of the boxes (k, 5) to keep, best first: none overlaps a better one by more than `most`."""
    order = np.argsort(-boxes[:, 4], kind="stable")
    kept = []
    while len(order):
        best, others = order[0], order[1:]
        kept.append(best)
        order = others[overlap(boxes[best], boxes[others]) <= most]
    return np.array(kept, np.int64)
