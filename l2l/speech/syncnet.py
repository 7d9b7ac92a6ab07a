"""diarize, backend `syncnet`: who speaks, by SyncNet (Chung & Zisserman 2016), which the paper's data were made with.

- Per face track: face crops and MFCC, distances of lips to sound over shifts, offset and confidence.
- speaking.json gets the two common measures of talking faces: LSE-D, the least mean distance over all shifts, and
  LSE-C, the median over the shifts minus that.
- The original only colours each face by its score; it never says who speaks. Here the person with the higher score
  speaks, where there is voice activity and the score is above `floor`; so "nobody" exists, "both" does not.
- The embedded tracker's boxes serve unless `detector` is s3fd, and crops stay in memory: the original sends them
  through a lossy video and JPEG.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from scipy.signal import medfilt
from torch import Tensor

from l2l import config
from l2l.speech.face_scores import SAMPLES_PER_ASD_FRAME, Scored, person_scores, track_mfcc
from l2l.speech.speaking import Speaking
from l2l.speech.syncnet_net import WINDOW, SyncNet, windows_of_lips, windows_of_sound
from l2l.speech.vad import voice_activity
from l2l.video.face_crops import crop_blocks
from l2l.video.face_tracks import FaceTrack
from l2l.video.footage import Footage
from l2l.video.tracks import PEOPLE, load_tracks
from l2l.weights.state_dicts import load_published

_BLOCK = 200  # windows whose distances are computed at a time
_SMOOTH = 9  # frames of the median filter over scores
_EDGE, _FAR = 3, 10.0  # windows added at both ends of a track, and the distance they get


def load_syncnet() -> SyncNet:
    """The network with its published weights. Raises UserError when they are missing or another network's."""
    net = load_published(SyncNet(), "syncnet", "syncnet/syncnet_v2.model")
    net.netcnnlip.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    return net


def diarize(footage: Footage, settings: config.DiarizationSettings) -> Speaking:
    """Who speaks, with offset, LSE-C and LSE-D of every face track in the report."""
    chosen, net = settings.syncnet, load_syncnet()
    tracks = load_tracks(footage.tracks)

    def score_tracks(faces: list[FaceTrack]) -> Iterator[Scored]:
        for face, distance in zip(faces, track_distances(net, footage, len(tracks), faces, chosen), strict=True):
            found = synchrony(distance)
            yield found.score[: len(face)], {"offset": found.offset, "lse_c": found.lse_c, "lse_d": found.lse_d}

    score, report = person_scores(footage, tracks, chosen, "diarization.syncnet", score_tracks)
    speech = voice_activity(footage.audio, len(tracks))
    return Speaking(who_speaks(score, speech, settings.speech, chosen.floor), speech, report)


def track_distances(
    net: SyncNet, footage: Footage, frames: int, faces: list[FaceTrack], settings: config.SyncNetSettings
) -> list[np.ndarray]:
    """(K, 2 shift + 1) distances of lips to sound for each face track, K five fewer than it has frames."""
    counts = [window_count(len(face), len(face) * SAMPLES_PER_ASD_FRAME) for face in faces]
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
    return min(frames, samples // SAMPLES_PER_ASD_FRAME) - WINDOW


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


def distances(lips: Tensor, sound: Tensor) -> Tensor:
    """(n, 2 V + 1) distances of lips (n, 1024) to sound (n + 2 V, 1024): row i, column j is sound i + j."""
    shifts = len(sound) - len(lips) + 1
    return torch.stack([F.pairwise_distance(lips, sound[j : j + len(lips)]) for j in range(shifts)], 1)


@dataclass(frozen=True)
class Synchrony:
    """How well one face track goes with the sound."""

    offset: int  # frames at 25 per second that the sound comes too early
    lse_c: float  # confidence
    lse_d: float  # distance
    score: np.ndarray  # (K + 6,) what the original shows for each frame of the track


def synchrony(distance: np.ndarray) -> Synchrony:
    """Of a matrix of distances (K, 2 V + 1)."""
    mean = torch.from_numpy(distance).mean(0)
    best = int(mean.argmin())
    median = float(mean.median())
    padded = np.pad(distance[:, best], _EDGE, constant_values=_FAR)
    return Synchrony(
        offset=(distance.shape[1] - 1) // 2 - best,
        lse_c=median - float(mean[best]),
        lse_d=float(mean[best]),
        score=medfilt(median - padded, _SMOOTH),
    )
