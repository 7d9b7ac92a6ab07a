"""What SyncNet and Light-ASD share: face tracks are scored against the sound, and the scores go to the two people."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from l2l import config
from l2l.inference import inference
from l2l.sides import SIDES
from l2l.speech.mfcc import mfcc
from l2l.speech.vad import read_wav
from l2l.units import SAMPLE_RATE
from l2l.video.face_tracks import ASD_FPS, FaceTrack, at_30
from l2l.video.footage import Footage
from l2l.video.person_tracks import person_tracks
from l2l.video.tracks import PEOPLE, Tracks

SAMPLES_PER_ASD_FRAME = SAMPLE_RATE // ASD_FPS
# One face track: a score per frame (n,), and what speaking.json says about it.
Scored = tuple[np.ndarray, dict[str, object]]


def person_scores(
    footage: Footage,
    tracks: Tracks,
    settings: config.FaceCropsSettings,
    section: str,
    score_tracks: Callable[[list[FaceTrack]], Iterable[Scored]],
) -> tuple[np.ndarray, dict[str, object]]:
    """(T, 2) score of each person, -inf where they are not seen, and the report on the face tracks.

    `section` is the name of the settings, for messages. Raises UserError when no face is followed long enough.
    """
    faces = person_tracks(footage.video, tracks, settings, section)
    score = np.full((len(tracks), PEOPLE), -np.inf)
    report: list[dict[str, object]] = []
    with inference(settings.threads):
        for face, (values, about) in zip(faces, score_tracks(faces), strict=True):
            frames, values = at_30(values, face.first, len(tracks))
            score[frames, face.person] = np.maximum(score[frames, face.person], values)
            place = {"person": SIDES[face.person], "start": face.first / ASD_FPS, "seconds": len(face) / ASD_FPS}
            report.append(place | about)
    return score, {"tracks": report}


def track_mfcc(wav: Path, track: FaceTrack) -> np.ndarray:
    """(4 n - 1, 13) float32 MFCC of the sound from the beginning of the track's first frame to the end of its last."""
    with read_wav(wav) as file:
        file.seek(min(track.first * SAMPLES_PER_ASD_FRAME, len(file)))
        samples = file.read(len(track) * SAMPLES_PER_ASD_FRAME, dtype="int16", fill_value=0)
    return mfcc(samples).astype(np.float32)
