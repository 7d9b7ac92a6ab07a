"""Face crops: the squares around faces, the input of SyncNet and Light-ASD, block by block in one pass over the video.

A crop is 1.4 times as large as the face's box, with the face in its upper part; what lies outside the picture is grey.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from l2l.video.face_tracks import FaceTrack, pictures_at_25

CROP_SIDE = 224  # pixels of a crop
_MARGIN = 0.40  # of half a face around it
_GREY = (110, 110, 110)


def crop_face(picture: np.ndarray, x: float, y: float, half: float) -> np.ndarray:
    """(224, 224, 3) of a picture (H, W, 3) uint8, around a face with this centre and half side, in pixels."""
    pad = int(half * (1 + 2 * _MARGIN))
    # Whole numbers are taken in the padded picture, as the original does: rounding is towards its corner.
    top, bottom = int(y + pad - half) - pad, int(y + pad + half * (1 + 2 * _MARGIN)) - pad
    left, right = int(x + pad - half * (1 + _MARGIN)) - pad, int(x + pad + half * (1 + _MARGIN)) - pad
    size, shift = (max(right - left, 1), max(bottom - top, 1)), np.array([[1.0, 0, left], [0, 1, top]])
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    square = cv2.warpAffine(picture, shift, size, flags=flags, borderMode=cv2.BORDER_CONSTANT, borderValue=_GREY)
    return cv2.resize(square, (CROP_SIDE, CROP_SIDE))


def crop_blocks(
    video: Path,
    frames: int,
    tracks: Sequence[FaceTrack],
    size: int,
    shared: int,
    prepare: Callable[[np.ndarray], np.ndarray],
) -> Iterator[tuple[int, int, np.ndarray]]:
    """(track number, first frame within it, prepared crops (n, ...)) in the order in which blocks are full.

    A block has at most `size` crops and begins with the last `shared` of the one before; its memory is used again for
    the next one. `prepare` is applied to each crop (224, 224, 3) RGB. Memory holds one block per track in the picture.
    """
    centres = [track.where() for track in tracks]
    blocks: dict[int, np.ndarray] = {}  # one array each, filled in place: many small ones would fragment the memory
    filled = [0] * len(tracks)
    for frame, picture in enumerate(pictures_at_25(video, frames, f"faces {video.parent.name}")):
        for number, track in enumerate(tracks):
            at = frame - track.first
            if not 0 <= at < len(track):
                continue
            crop = prepare(crop_face(picture, *centres[number][at]))
            if number not in blocks:
                blocks[number] = np.empty((min(size, len(track)), *crop.shape), crop.dtype)
            block = blocks[number]
            block[filled[number]] = crop
            filled[number] += 1
            if filled[number] == len(block) or at == len(track) - 1:
                yield number, at + 1 - filled[number], block[: filled[number]]
                block[:shared] = block[filled[number] - shared : filled[number]].copy()
                filled[number] = shared
        for number in [n for n in blocks if frame >= tracks[n].first + len(tracks[n]) - 1]:
            del blocks[number]
