"""How a face looks, whatever its pose and place: its picture, unfolded onto an average face (`l2l.video.unfolding`).

- The pattern describes brows, eyes, nose, mouth and beard by the directions of their edges (histograms of oriented
  gradients, Dalal & Triggs 2005), after the light is taken out: each point is compared with its surroundings.
- Several looks at one face are averaged, so expressions and the noise of the camera average out.
"""

import cv2
import numpy as np

from l2l.video.markings import Markings
from l2l.video.tracks import extent
from l2l.video.unfolding import SIDE, unfold

CELLS, BINS = 8, 8  # cells of the pattern along each side; directions of edges
PATTERN = (CELLS, CELLS, BINS + 1)  # in the last column how well a cell was seen
_FINE, _COARSE, _LIGHT = 1.0, 6.0, 8.0  # pixels: details from here to there are kept; over which contrast is evened out
_BLACK_AND_WHITE = 0.03  # variety of colours below which a picture has none
# Of a camera's picture in one tone: pixels across in which it is looked at; the largest difference of hue; the head's
# size, in boxes of the face; the least surroundings of that tone, in boxes too; how much their brightness varies.
_ACROSS, _SAME_HUE, _HEAD, _AROUND, _VARIED = 96, 0.02, 2.1, 0.5, 0.08


class Appearance:
    """What several looks at one face have shown."""

    def __init__(self) -> None:
        self.looks = 0
        self._colours = np.zeros((SIDE, SIDE, 3), np.float32)
        self._seen = np.zeros((SIDE, SIDE), np.float32)
        self._pattern = np.zeros((CELLS, CELLS, BINS), np.float32)
        self._weight = np.zeros((CELLS, CELLS), np.float32)
        self.markings = Markings()
        self._colour = 0.0  # the largest variety of colours of a picture that it was seen in
        self._in_one_tone = 0  # looks in which all around had the tone of the face

    def look(self, picture: np.ndarray, landmarks: np.ndarray) -> None:
        """See the face with landmarks (468, 3) px in an RGB picture (H, W, 3) uint8."""
        colours, seen = unfold(picture, landmarks)
        pattern, weight = edges(colours, seen)
        self.looks += 1
        self._colours += colours * seen[..., None]
        self._seen += seen
        self._pattern += pattern * weight[..., None]
        self._weight += weight
        self.markings.look(colours, seen, landmarks)
        self._colour = max(self._colour, variety(picture))
        self._in_one_tone += shares_tone(picture, landmarks)

    @property
    def one_tone(self) -> bool:
        """Whether colours say nothing of it: the picture has none, or the camera of this part of it."""
        return self._colour < _BLACK_AND_WHITE or 2 * self._in_one_tone > self.looks

    @property
    def colours(self) -> np.ndarray:
        """(64, 64, 3) float32, 0..255: the mean of all looks; black where it was never seen."""
        return self._colours / np.maximum(self._seen, 1e-3)[..., None]

    @property
    def seen(self) -> np.ndarray:
        """(64, 64) float32, 0..1: how well each point was seen in the mean."""
        return self._seen / max(1, self.looks)

    @property
    def pattern(self) -> np.ndarray:
        """(8, 8, 9) float32: edges by cell and direction, and how well each cell was seen."""
        edges = self._pattern / np.maximum(self._weight, 1e-3)[..., None]
        return np.concatenate([edges, self._weight[..., None] / max(1, self.looks)], 2)


def edges(colours: np.ndarray, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(8, 8, 8) float32: the edges of an unfolded face by cell and direction, and (8, 8) how well each cell is seen."""
    light = np.log(colours.astype(np.float32).mean(2) + 4)
    detail = _blurred(light, seen, _FINE) - _blurred(light, seen, _COARSE)
    detail *= seen / (np.sqrt(np.maximum(_blurred(detail**2, seen, _LIGHT), 0)) + 0.02)
    across, down = (cv2.Sobel(detail, cv2.CV_32F, *order, ksize=3) for order in ((1, 0), (0, 1)))
    strength = np.hypot(across, down) * seen
    angle = np.arctan2(down, across) % (2 * np.pi) * (BINS / (2 * np.pi))
    lower = angle.astype(np.int32) % BINS
    share = angle - np.floor(angle)
    found = np.zeros((SIDE, SIDE, BINS), np.float32)
    rows, columns = np.indices(lower.shape)
    found[rows, columns, lower] = strength * (1 - share)
    found[rows, columns, (lower + 1) % BINS] += strength * share
    cell = SIDE // CELLS
    found = found.reshape(CELLS, cell, CELLS, cell, BINS).sum((1, 3))
    around = cv2.boxFilter((found**2).sum(2), -1, (3, 3))
    return found / np.sqrt(around + 1e-3)[..., None], seen.reshape(CELLS, cell, CELLS, cell).mean((1, 3))


def _blurred(values: np.ndarray, seen: np.ndarray, width: float) -> np.ndarray:
    """The mean of what is seen around each point."""
    return cv2.GaussianBlur(values * seen, (0, 0), width) / (cv2.GaussianBlur(seen, (0, 0), width) + 1e-3)


def hues(colours: np.ndarray) -> np.ndarray:
    """The shares (..., 3) of red, green and blue; of grey, a third each. Nearly black is grey."""
    lifted = colours.astype(np.float32) + 3
    return lifted / lifted.sum(-1, keepdims=True)


def variety(picture: np.ndarray) -> float:
    """How much the hues of a picture differ: 0 where it is black and white, or in one tone."""
    coarse = hues(cv2.resize(picture, (48, 27), interpolation=cv2.INTER_AREA)).reshape(-1, 3)
    return float(np.linalg.norm(coarse.std(0)))


def shares_tone(picture: np.ndarray, landmarks: np.ndarray) -> bool:
    """Whether what is around a face has its tone, and is a camera's picture: a panel behind a rendering is flat."""
    scale = _ACROSS / picture.shape[1]
    coarse = cv2.resize(picture, (_ACROSS, max(8, round(picture.shape[0] * scale))), interpolation=cv2.INTER_AREA)
    low, high = (corner * scale for corner in extent(landmarks))
    middle, size = (low + high) / 2, high - low
    rows, columns = np.indices(coarse.shape[:2])
    away = np.maximum(np.abs(columns - middle[0]) / size[0], np.abs(rows - middle[1]) / size[1])  # 0.5: the face's edge
    inside = away < 0.25
    if not inside.any():
        return False
    hue = hues(coarse)
    alike = np.linalg.norm(hue - np.median(hue[inside], 0), axis=2) < _SAME_HUE
    parts = cv2.connectedComponents(alike.astype(np.uint8), connectivity=4)[1]
    own = int(np.bincount(parts[inside & alike], minlength=2)[1:].argmax()) + 1 if (inside & alike).any() else 0
    around = (parts == own) & (away > _HEAD / 2)
    if not own or around.sum() < _AROUND * size.prod() or (inside & (parts == own)).sum() < 0.9 * inside.sum():
        return False
    light = np.log(coarse[around].astype(np.float32).sum(1) + 9)
    plane = np.column_stack([rows[around], columns[around], np.ones(len(light))])
    return bool((light - plane @ np.linalg.lstsq(plane, light, rcond=None)[0]).std() > _VARIED)


def likeness(pattern: np.ndarray, other: np.ndarray) -> float:
    """-1..1: how alike two faces are by their patterns (8, 8, 9), where both are seen."""
    both = (pattern[..., -1:] * other[..., -1:]).astype(np.float64)
    one, two = pattern[..., :-1], other[..., :-1]
    size = np.sqrt((one**2 * both).sum() * (two**2 * both).sum())
    return float((one * two * both).sum() / size) if size > 0 else 0.0
