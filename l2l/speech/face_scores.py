"""What SyncNet and Light-ASD share: face tracks are scored against the sound, and the scores say who speaks."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from l2l import config
from l2l.inference import inference
from l2l.sides import SIDES
from l2l.speech.mfcc import mfcc
from l2l.speech.speaking import Speaking
from l2l.speech.vad import read_wav, voice_activity
from l2l.units import SAMPLE_RATE
from l2l.video.face_tracks import ASD_FPS, FaceTrack, at_30, person_tracks
from l2l.video.footage import Footage
from l2l.video.tracks import PEOPLE, Tracks, load_tracks

SAMPLES_PER_ASD_FRAME = SAMPLE_RATE // ASD_FPS
# One face track: a score per frame (n,), and what speaking.json says about it.
Scored = tuple[np.ndarray, dict[str, object]]


def diarize_faces(
    footage: Footage,
    settings: config.FaceCropsSettings,
    section: str,
    score_tracks: Callable[[Tracks, list[FaceTrack]], Iterable[Scored]],
    who_speaks: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> Speaking:
    """Who speaks, with a report on every face track.

    `section` is the name of the settings, for messages. `who_speaks` gives probabilities (T, 2) of the people's scores
    (T, 2), -inf where a person is not seen, and voice activity (T,). Raises UserError when no face is followed long
    enough.
    """
    tracks = load_tracks(footage.tracks)
    faces = person_tracks(footage.video, tracks, settings, section)
    score = np.full((len(tracks), PEOPLE), -np.inf)
    report: list[dict[str, object]] = []
    with inference(settings.threads):
        for face, (values, about) in zip(faces, score_tracks(tracks, faces), strict=True):
            frames, values = at_30(values, face.first, len(tracks))
            score[frames, face.person] = np.maximum(score[frames, face.person], values)
            place = {"person": SIDES[face.person], "start": face.first / ASD_FPS, "seconds": len(face) / ASD_FPS}
            report.append(place | about)
    speech = voice_activity(footage.audio, len(tracks))
    return Speaking(who_speaks(score, speech), speech, {"tracks": report})


def track_mfcc(wav: Path, track: FaceTrack) -> np.ndarray:
    """(4 n - 1, 13) float32 MFCC of the sound from the beginning of the track's first frame to the end of its last."""
    with read_wav(wav) as file:
        file.seek(min(track.first * SAMPLES_PER_ASD_FRAME, len(file)))
        samples = file.read(len(track) * SAMPLES_PER_ASD_FRAME, dtype="int16", fill_value=0)
    return mfcc(samples).astype(np.float32)
