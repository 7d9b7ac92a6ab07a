"""S3FD's detections: from a picture to boxes of faces."""

import cv2
import numpy as np
import torch
from torch import Tensor

from l2l.video.s3fd_net import S3fd
from l2l.weights.state_dicts import load_published

_MEAN = (123.0, 117.0, 104.0)  # red, green, blue
_UNLIKELY = 0.05  # candidates below are dropped
_CANDIDATES, _KEPT = 5000, 750
_OVERLAP, _OVERLAP_LAST = 0.3, 0.1  # above which two boxes are one face: among the candidates, and at the end


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
    """(N, 3, H, W) -> offsets (N, P, 4), scores (N, P, 2) before the softmax, priors (P, 4) of all scales."""
    scales = net(pixels)
    height, width = pixels.shape[2:]
    priors = torch.cat([_priors(k, loc, height, width) for k, (loc, _) in enumerate(scales)])
    offsets = torch.cat([loc.flatten(1, 2) for loc, _ in scales], 1)
    return offsets, torch.cat([conf.flatten(1, 2) for _, conf in scales], 1), priors


def _priors(k: int, offsets: Tensor, height: int, width: int) -> Tensor:
    """(rows * columns, 4) centre and size of the cells of scale k (N, rows, columns, 4), as shares of the picture."""
    step, size = 4 * 2**k, 16 * 2**k
    rows, columns = offsets.shape[1:3]
    y, x = torch.meshgrid(torch.arange(rows) + 0.5, torch.arange(columns) + 0.5, indexing="ij")
    full = torch.ones_like(x)
    cells = torch.stack([x * step / width, y * step / height, full * size / width, full * size / height], -1)
    return cells.flatten(0, 1)


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
    area = (boxes[:, 2:4] - boxes[:, :2]).prod(1)
    kept = []
    while len(order):
        best, others = order[0], order[1:]
        kept.append(best)
        low, high = np.maximum(boxes[best, :2], boxes[others, :2]), np.minimum(boxes[best, 2:4], boxes[others, 2:4])
        inner = np.clip(high - low, 0, None).prod(1)
        order = others[inner / (area[best] + area[others] - inner) <= most]
    return np.array(kept, np.int64)
