"""Face tracks of the two people: by the boxes that the tracker wrote, or by S3FD's as in SyncNet's own pipeline.

Either way tracks.npz says who is on the left and where scenes end; the original finds scenes with PySceneDetect.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from l2l import config
from l2l.errors import UserError
from l2l.inference import inference
from l2l.video.face_crops import pictures_at_25
from l2l.video.face_tracks import FaceTrack, face_tracks, frames_at_25, overlap
from l2l.video.tracks import PEOPLE, Tracks, runs

_SAME_PERSON = 0.2  # mean overlap with a person's box above which a track is that person's


def person_tracks(video: Path, tracks: Tracks, settings: config.FaceCropsSettings, section: str) -> list[FaceTrack]:
    """Face tracks of both people at 25 frames per second. Raises UserError when there are none.

    `section` is the name of the settings, for messages.
    """
    frames = frames_at_25(len(tracks))
    box, found = tracks.box[frames], tracks.found[frames]  # (n, 2, 4), (n, 2)
    detected = _detections(video, len(tracks), settings) if settings.detector == "s3fd" else None
    people: list[FaceTrack] = []
    for first, last in runs(tracks.segment[frames]):
        boxes_of: list[tuple[int | None, Sequence[np.ndarray]]] = (
            [(None, detected[first:last])]
            if detected is not None
            else [(p, [box[frame, [p]][found[frame, [p]]] for frame in range(first, last)]) for p in range(PEOPLE)]
        )
        for person, boxes in boxes_of:
            for track in face_tracks(boxes, settings.min_frames, settings.min_size):
                whose = _person(track, box[first:last], found[first:last]) if person is None else person
                if whose is not None:
                    people.append(replace(track, first=track.first + first, person=whose))
    if not people:
        raise UserError(
            f"{video}: no face is followed for more than {settings.min_frames} frames (25 per second) and larger than "
            f"{settings.min_size:g} pixels; lower {section}.min_frames or {section}.min_size, or use "
            "diarization.backend: vad_lips."
        )
    return people


def _detections(video: Path, frames: int, settings: config.FaceCropsSettings) -> list[np.ndarray]:
    """(k, 5) faces that S3FD sees in each frame at 25 per second."""
    from l2l.video.s3fd import detect, load_s3fd

    net = load_s3fd()
    with inference(settings.threads):
        return [detect(net, picture) for picture in pictures_at_25(video, frames, f"detect {video.parent.name}")]


def _person(track: FaceTrack, box: np.ndarray, found: np.ndarray) -> int | None:
    """Whose face it is, by the boxes (n, 2, 4) of both people where found (n, 2); None when it is nobody's."""
    inside = slice(track.first, track.first + len(track))
    shared = np.where(found[inside], overlap(track.box[:, None], box[inside]), 0.0).mean(0)  # (2,)
    best = int(shared.argmax())
    return best if shared[best] > _SAME_PERSON else None
