"""A decoded picture that becomes RGB only where it is looked at: a face that is followed is a small part of it.

- Nothing is opened here: `l2l.video.media` decodes, and looks at sizes first.
- Until it is looked at it is what the decoder wrote, YUV 4:2:0 as a rule: half as many bytes as RGB, and nothing is
  copied.
- `rgb` is the whole picture by swscale, `part` a rectangle by OpenCV, which is quicker: always by ITU-R BT.601, and up
  to a few of 255 away from the other. Networks that find landmarks do not mind; what asks for colours takes `rgb`.
"""

import math
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange

from l2l.video.media import converted, decoded

_BLACK, _WHITE = 16, 235  # the brightness of video, unless its head says that all 256 steps are used


class Picture:
    """H by W pixels; `shape` is (H, W, 3), as of an array."""

    def __init__(self, frame: av.VideoFrame) -> None:
        self._frame = frame
        self.shape = frame.height, frame.width, 3
        odd = frame.height % 2 or frame.width % 2
        self._usual = frame.format.name == "yuv420p" and frame.color_range != ColorRange.JPEG and not odd

    @classmethod
    def of(cls, rgb: np.ndarray) -> "Picture":
        """A picture of RGB (H, W, 3) uint8, which is what `rgb` gives."""
        found = cls(av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24"))
        found.rgb = rgb
        return found

    @cached_property
    def rgb(self) -> np.ndarray:
        """(H, W, 3) uint8."""
        return converted(self._frame)

    def brightness(self, width: int, height: int) -> np.ndarray:
        """(height, width) float32, 0 to 255: scaled down."""
        if not self._usual:
            return scaled_down(converted(self._frame, "gray"), width, height).astype(np.float32)
        small = scaled_down(self._plane(0), width, height).astype(np.float32)
        return (small - _BLACK) * np.float32(255 / (_WHITE - _BLACK))

    def part(self, left: float, top: float, right: float, bottom: float) -> tuple[np.ndarray, int, int]:
        """RGB (h, w, 3) uint8 of a rectangle, px, that holds all of the picture between these; its left, its top.

        Where nothing of the picture lies between them, two pixels of its edge.
        """
        high, wide, _ = self.shape
        (x, right), (y, bottom) = _even(left, right, wide), _even(top, bottom, high)
        if not self._usual or "rgb" in self.__dict__:
            return self.rgb[y:bottom, x:right], x, y
        rows, columns = bottom - y, right - x
        planes = np.empty((rows * 3 // 2, columns), np.uint8)  # as OpenCV wants them: one below the other
        planes[:rows] = self._plane(0)[y:bottom, x:right]
        colours = planes[rows:].reshape(2, rows // 2, columns // 2)
        for number, plane in enumerate(colours, start=1):
            plane[:] = self._plane(number)[y // 2 : bottom // 2, x // 2 : right // 2]
        return cv2.cvtColor(planes, cv2.COLOR_YUV2RGB_I420), x, y

    def _plane(self, number: int) -> np.ndarray:
        """Brightness (H, W), or one of the two colours (H / 2, W / 2), uint8; nothing is copied."""
        plane = self._frame.planes[number]
        return np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width]


def _even(first: float, last: float, size: int) -> tuple[int, int]:
    """[begin, end) of at least two pixels out of `size`, at even places: colours are stored for two by two."""
    begin = 2 * math.floor(min(max(first, 0), size - 2) / 2)
    return begin, min(max(2 * math.ceil((last + 1) / 2), begin + 2), size)


def scaled_down(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    """A picture (H, W[, 3]) uint8 of which each pixel is about the mean of all that falls into it.

    Halved as often as possible, for OpenCV is quick at that and slow at uneven steps. Of odd pictures the last row or
    column is left out.
    """
    while picture.shape[0] >= 2 * height and picture.shape[1] >= 2 * width:
        rows, columns = picture.shape[0] // 2, picture.shape[1] // 2
        picture = cv2.resize(picture[: 2 * rows, : 2 * columns], (columns, rows), interpolation=cv2.INTER_AREA)
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)


def read_pictures(path: str | Path) -> Iterator[Picture]:
    """The pictures of a normalised recording."""
    return map(Picture, decoded(path))
