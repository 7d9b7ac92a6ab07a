"""diarize, backend `syncnet`: who speaks, by SyncNet (Chung & Zisserman 2016), which the paper's data were made with.

- Per face track: face crops and MFCC, distances of lips to sound over shifts, offset and confidence; speaking.json gets
  them as LSE-C and LSE-D.
- The original only colours each face by its score; it never says who speaks. Here the person with the higher score
  speaks, where there is voice activity and the score is above `floor`; so "nobody" exists, "both" does not.
- The embedded tracker's boxes serve unless `detector` is s3fd, and crops stay in memory: the original sends them
  through a lossy video and JPEG.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from l2l import config
from l2l.inference import inference
from l2l.sides import SIDES
from l2l.speech.speaking import Speaking
from l2l.speech.synchrony import Synchrony, distances, synchrony
from l2l.speech.syncnet_net import WINDOW, SyncNet, windows_of_lips, windows_of_sound
from l2l.speech.track_sound import SAMPLES_PER_FRAME, track_mfcc
from l2l.speech.vad import voice_activity
from l2l.video.face_crops import crop_blocks
from l2l.video.face_tracks import RATE, FaceTrack, at_30
from l2l.video.footage import Footage
from l2l.video.person_tracks import person_tracks
from l2l.video.tracks import PEOPLE, load_tracks
from l2l.weights import catalogue as weights
from l2l.weights.state_dicts import load_into, read_torch

_BLOCK = 200  # windows whose distances are computed at a time


def load_syncnet() -> SyncNet:
    """The network with its published weights. Raises UserError when they are missing or another network's."""
    path = weights.find("syncnet", "syncnet/syncnet_v2.model")
    net = SyncNet()
    load_into(net, read_torch(path), path)
    net.netcnnlip.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    return net


def diarize(footage: Footage, settings: config.DiarizationSettings) -> Speaking:
    """Who speaks, with offset, LSE-C and LSE-D of every face track in the report."""
    chosen = settings.syncnet
    net = load_syncnet()
    tracks = load_tracks(footage.tracks)
    faces = person_tracks(footage.video, tracks, chosen, "diarization.syncnet")
    speech = voice_activity(footage.audio, len(tracks))
    with inference(chosen.threads):
        found = [synchrony(distance) for distance in track_distances(net, footage, len(tracks), faces, chosen)]
    score = np.full((len(tracks), PEOPLE), -np.inf)
    for face, measured in zip(faces, found, strict=True):
        frames, values = at_30(measured.score[: len(face)], face.first, len(tracks))
        score[frames, face.person] = np.maximum(score[frames, face.person], values)
    report = {"tracks": [_report(face, measured) for face, measured in zip(faces, found, strict=True)]}
    return Speaking(who_speaks(score, speech, settings.speech, chosen.floor), speech, report)


def track_distances(
    net: SyncNet, footage: Footage, frames: int, faces: list[FaceTrack], settings: config.SyncNetSettings
) -> list[np.ndarray]:
    """(K, 2 shift + 1) distances of lips to sound for each face track, K five fewer than it has frames."""
    counts = [window_count(len(face), len(face) * SAMPLES_PER_FRAME) for face in faces]
    found = [np.empty((count, 2 * settings.shift + 1), np.float32) for count in counts]
    sounds = [torch.from_numpy(track_mfcc(footage.audio, face)) for face in faces]
    shared = WINDOW - 1
    for number, first, crops in crop_blocks(footage.video, frames, faces, _BLOCK + shared, shared, _as_trained):
        last = min(first + len(crops) - shared, counts[number])
        if first < last:
            lips = lip_embeddings(net, torch.from_numpy(crops), last - first, settings.batch_size)
            sound = sound_embeddings(net, sounds[number], first, last, counts[number], settings.shift)
            found[number][first:last] = distances(lips, sound).numpy()
    return found


def window_count(frames: int, samples: int) -> int:
    """Windows in so many frames and samples: one fewer than would fit, as in the original."""
    return min(frames, samples // SAMPLES_PER_FRAME) - WINDOW


def _as_trained(crop: np.ndarray) -> np.ndarray:
    """Blue, green, red: the order of OpenCV, in which the network was trained."""
    return crop[:, :, ::-1]


def lip_embeddings(net: SyncNet, crops: Tensor, count: int, batch: int) -> Tensor:
    """(count, 1024) of the first windows of crops (n, 224, 224, 3)."""
    found = torch.empty(count, 1024)
    for start in range(0, count, batch):
        stop = min(start + batch, count)
        found[start:stop] = net.lips(windows_of_lips(crops[start : stop + WINDOW - 1]))
    return found


def sound_embeddings(net: SyncNet, mfcc: Tensor, first: int, last: int, count: int, shift: int) -> Tensor:
    """(last - first + 2 shift, 1024) from window first - shift on; zeros outside the `count` windows that there are."""
    start, stop = max(first - shift, 0), min(last + shift, count)
    inside = net.sound(windows_of_sound(mfcc, start, stop))
    return F.pad(inside, (0, 0, start - (first - shift), last + shift - stop))


def who_speaks(score: np.ndarray, speech: np.ndarray, threshold: float, floor: float) -> np.ndarray:
    """(T, 2) float32 probability, from scores (T, 2), -inf where a person is not seen, and voice activity (T,)."""
    best = score.argmax(1)
    high, low = score.max(1), score.min(1)
    seen = np.isfinite(high)
    margin = np.where(np.isfinite(low), high - np.where(seen, low, 0), np.inf)
    sure = 1 / (1 + np.exp(-margin))  # at least one half
    # speech / (2 threshold) puts the decision at one half whatever the threshold is.
    voiced = np.clip(speech / (2 * max(threshold, 1e-6)), 0, 1) * seen
    speaks = (speech > threshold) & (high > floor)
    probability = np.empty((len(speech), PEOPLE), np.float32)
    rows = np.arange(len(speech))
    probability[rows, best] = np.where(speaks, np.maximum(sure * voiced, 0.5), np.minimum(sure * voiced, 0.499))
    probability[rows, 1 - best] = np.minimum((1 - sure) * voiced, 0.499)
    return probability


def _report(face: FaceTrack, measured: Synchrony) -> dict[str, object]:
    return {
        "person": SIDES[face.person],
        "start": face.first / RATE,
        "seconds": len(face) / RATE,
        "offset": measured.offset,
        "lse_c": measured.lse_c,
        "lse_d": measured.lse_d,
    }
