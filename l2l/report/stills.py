"""Still pictures with what was measured drawn in, as text that a page can hold."""

import base64
from collections.abc import Sequence

import cv2
import numpy as np

from l2l.sides import SIDES

WIDTH = 320  # pixels of a still
COLOURS = ((58, 134, 220), (226, 112, 44))  # RGB of left and right, on dark and on light pictures
_INK = (255, 255, 255)


def annotated(
    picture: np.ndarray, faces: Sequence[np.ndarray | None], names: Sequence[str] = SIDES, width: int = WIDTH
) -> np.ndarray:
    """An RGB picture (H, W, 3) at this width with each face's landmarks (468, at least 2) px and name, where seen."""
    scale = width / picture.shape[1]
    size = (width, round(picture.shape[0] * scale))
    shown = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    for number, (face, name) in enumerate(zip(faces, names, strict=True)):
        if face is None:
            continue
        colour = COLOURS[number] if number < len(COLOURS) else (150, 150, 150)
        placed = face[:, :2] * scale
        for x, y in np.round(placed[::8] * 8).astype(int).tolist():
            cv2.circle(shown, (x, y), 12, (0, 0, 0), -1, cv2.LINE_AA, 3)  # seen on any skin
            cv2.circle(shown, (x, y), 8, colour, -1, cv2.LINE_AA, 3)
        left, top = placed.min(0)
        (wide, high), _ = cv2.getTextSize(name, cv2.FONT_HERSHEY_SIMPLEX, 0.42, 1)
        corner = (int(np.clip(left, 0, max(0, width - wide - 6))), max(high + 6, int(top) - 4))
        cv2.rectangle(shown, (corner[0], corner[1] - high - 6), (corner[0] + wide + 6, corner[1]), colour, -1)
        at = (corner[0] + 3, corner[1] - 4)
        cv2.putText(shown, name, at, cv2.FONT_HERSHEY_SIMPLEX, 0.42, _INK, 1, cv2.LINE_AA)
    return shown


def jpeg(picture: np.ndarray, quality: int = 72) -> str:
    """An RGB picture as a data URI."""
    fine, data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert fine
    return uri("image/jpeg", data.tobytes())


def uri(kind: str, data: bytes) -> str:
    """A file as the address of itself."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def clock(seconds: float) -> str:
    """1:05 of 65 seconds."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
