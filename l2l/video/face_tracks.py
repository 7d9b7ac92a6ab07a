"""Face tracks: boxes that belong to one face, from frame to frame at 25 per second, as SyncNet's pipeline makes them.

- A box that overlaps the last one continues the track; short gaps are interpolated, short or small tracks dropped.
- Boxes are those that the tracker wrote, or S3FD's as in SyncNet's own pipeline. Either way tracks.npz says who is on
  the left and where scenes end; the original finds scenes with PySceneDetect.
- The place to crop is smoothed over half a second.
- SyncNet and Light-ASD were trained on 25 frames per second. Our recordings have 30: of six frames five are taken, each
  the nearest to its moment, and a recording that had 25 gets its own frames back. The original's `ffmpeg -r 25` on 30
  gives frames that are up to two too early, so offsets of such recordings differ by as much.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from scipy.signal import medfilt

from l2l import config
from l2l.errors import UserError
from l2l.inference import inference
from l2l.progress import progress
from l2l.units import FPS
from l2l.video import s3fd
from l2l.video.media import read_frames
from l2l.video.tracks import PEOPLE, Tracks, overlap, runs

ASD_FPS = 25  # frames per second that SyncNet and Light-ASD look at
_SAME = 0.5  # overlap of two boxes, over their union, above which they are one face
_GAP = 25  # frames after which a face is another one
_SMOOTH = 13  # frames of the median filter over where to crop
_SAME_PERSON = 0.2  # mean overlap with a person's box above which a track is that person's


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


def pictures_at_25(video: Path, frames: int, message: str) -> Iterator[np.ndarray]:
    """The RGB pictures of `video`, which has `frames` at 30 per second, that a copy at 25 per second has."""
    wanted = frames_at_25(frames)
    chosen = np.zeros(frames, bool)
    chosen[wanted] = True
    pictures = (picture for picture, taken in zip(read_frames(video), chosen, strict=False) if taken)
    return progress(pictures, message, unit="frame", total=len(wanted))


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


def person_tracks(video: Path, tracks: Tracks, settings: config.FaceCropsSettings, section: str) -> list[FaceTrack]:
    """Face tracks of both people at 25 frames per second. Raises UserError when there are none.

    `section` is the name of the settings, for messages.
    """
    frames = frames_at_25(len(tracks))
    box, found = tracks.box[frames], tracks.found[frames]  # (n, 2, 4), (n, 2)
    detected = None
    if settings.detector == "s3fd":
        net = s3fd.load_s3fd()
        with inference(settings.threads):
            pictures = pictures_at_25(video, len(tracks), f"detect {video.parent.name}")
            detected = [s3fd.detect(net, picture) for picture in pictures]
    follow = partial(face_tracks, min_frames=settings.min_frames, min_size=settings.min_size)
    people: list[FaceTrack] = []
    for first, last in runs(tracks.segment[frames]):
        scene, known = box[first:last], found[first:last]
        if detected is not None:
            seen = [(_person(track, scene, known), track) for track in follow(detected[first:last])]
        else:
            boxes = [[one[[p]][there[[p]]] for one, there in zip(scene, known, strict=True)] for p in range(PEOPLE)]
            seen = [(person, track) for person in range(PEOPLE) for track in follow(boxes[person])]
        people += [replace(track, first=track.first + first, person=p) for p, track in seen if p is not None]
    if not people:
        raise UserError(
            f"{video}: no face is followed for more than {settings.min_frames} frames (25 per second) and larger than "
            f"{settings.min_size:g} pixels; lower {section}.min_frames or {section}.min_size, or use "
            "diarization.backend: vad_lips."
        )
    return people


def _person(track: FaceTrack, box: np.ndarray, found: np.ndarray) -> int | None:
    """Whose face it is, by the boxes (n, 2, 4) of both people where found (n, 2); None when it is nobody's."""
    inside = slice(track.first, track.first + len(track))
    shared = np.where(found[inside], overlap(track.box[:, None], box[inside]), 0.0).mean(0)  # (2,)
    best = int(shared.argmax())
    return best if shared[best] > _SAME_PERSON else None
