"""What is heard during a face track."""

from pathlib import Path

import numpy as np

from l2l.speech.mfcc import mfcc
from l2l.speech.vad import read_wav
from l2l.units import SAMPLE_RATE
from l2l.video.face_tracks import RATE, FaceTrack

SAMPLES_PER_FRAME = SAMPLE_RATE // RATE


def track_mfcc(wav: Path, track: FaceTrack) -> np.ndarray:
    """(4 n - 1, 13) float32 MFCC of the sound from the beginning of the track's first frame to the end of its last."""
    with read_wav(wav) as file:
        file.seek(min(track.first * SAMPLES_PER_FRAME, len(file)))
        samples = file.read(len(track) * SAMPLES_PER_FRAME, dtype="int16", fill_value=0)
    return mfcc(samples).astype(np.float32)
