"""Face tracks: boxes that belong to one face, from frame to frame at 25 per second, as SyncNet's pipeline makes them.

- A box that overlaps the last one continues the track; short gaps are interpolated, short or small tracks dropped.
- The place to crop is smoothed over half a second.
- SyncNet and Light-ASD were trained on 25 frames per second. Our recordings have 30: of six frames five are taken, each
  the nearest to its moment, and a recording that had 25 gets its own frames back. The original's `ffmpeg -r 25` on 30
  gives frames that are up to two too early, so offsets of such recordings differ by as much.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.signal import medfilt

from l2l.units import FPS

ASD_FPS = 25  # frames per second that SyncNet and Light-ASD look at
_SAME = 0.5  # overlap of two boxes, over their union, above which they are one face
_GAP = 25  # frames after which a face is another one
_SMOOTH = 13  # frames of the median filter over where to crop


@dataclass(frozen=True)
class FaceTrack:
    """One face in frames `first` to `first + len - 1`."""

    first: int
    box: np.ndarray  # (n, 4) pixels: x0, y0, x1, y1
    person: int = 0

    def __len__(self) -> int:
        return len(self.box)

    def where(self) -> np.ndarray:
        """(n, 3) centre x, centre y and half a side of the face, smoothed."""
        low, high = self.box[:, :2], self.box[:, 2:]
        half = (high - low).max(1, keepdims=True) / 2
        return np.stack([medfilt(column, _SMOOTH) for column in np.hstack([(low + high) / 2, half]).T], 1)


def frames_at_25(frames: int) -> np.ndarray:
    """The numbers of the frames, out of `frames` at 30 per second, that a copy at 25 per second has."""
    count = frames * ASD_FPS // FPS
    return np.floor(np.arange(count) * FPS / ASD_FPS + 0.5).astype(np.int64)


def at_30(values: np.ndarray, first: int, frames: int) -> tuple[slice, np.ndarray]:
    """(frames at 30 per second, values there) of values (n,) per frame at 25 per second, the first one in `first`."""
    # Frames whose moment is nearest to one of these; beyond the middle of the outermost one, its value holds.
    start = -((1 - 2 * first) * FPS // (2 * ASD_FPS))
    end = min(frames, (2 * (first + len(values)) - 1) * FPS // (2 * ASD_FPS) + 1)
    moment = np.arange(start, end) * ASD_FPS / FPS - first
    return slice(start, max(end, start)), np.interp(moment, np.arange(len(values)), values)


def face_tracks(boxes: Sequence[np.ndarray], min_frames: int = 100, min_size: float = 100.0) -> list[FaceTrack]:
    """Tracks with more than `min_frames` detections and a mean side above `min_size` pixels.

    `boxes` has one array (k, 4 or more) per frame: x0, y0, x1, y1 in pixels. The defaults are SyncNet's.
    """
    waiting = {frame: list(found[:, :4].astype(np.float64)) for frame, found in enumerate(boxes) if len(found)}
    tracks = []
    while waiting:
        seen = _follow(waiting)
        if len(seen) <= min_frames:
            continue
        known = np.array([frame for frame, _ in seen])
        corners = np.array([box for _, box in seen])  # (k, 4)
        every = np.arange(known[0], known[-1] + 1)
        track = FaceTrack(int(known[0]), np.stack([np.interp(every, known, side) for side in corners.T], 1))
        if (track.box[:, 2:] - track.box[:, :2]).mean(0).max() > min_size:
            tracks.append(track)
    return tracks


def _follow(waiting: dict[int, list[np.ndarray]]) -> list[tuple[int, np.ndarray]]:
    """(frame, box) of the first waiting face and of all that continue it; removes them from `waiting`."""
    frame, end = min(waiting), max(waiting)
    seen: list[tuple[int, np.ndarray]] = []
    while frame <= end and (not seen or frame - seen[-1][0] <= _GAP):
        faces = waiting.get(frame, [])
        match = next((i for i, box in enumerate(faces) if not seen or overlap(seen[-1][1], box) > _SAME), None)
        if match is not None:
            seen.append((frame, faces.pop(match)))
            if not faces:
                del waiting[frame]
        frame += 1
    return seen


def overlap(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union of boxes (..., 4)."""
    inner = np.clip(np.minimum(a[..., 2:4], b[..., 2:4]) - np.maximum(a[..., :2], b[..., :2]), 0, None).prod(-1)
    area = (a[..., 2:4] - a[..., :2]).prod(-1) + (b[..., 2:4] - b[..., :2]).prod(-1)
    return inner / np.maximum(area - inner, 1e-12)
