"""diarize, backend `syncnet`: who speaks, by SyncNet (Chung & Zisserman 2016), which the paper's data were made with.

- Per face track: face crops and MFCC, distances of lips to sound over shifts, offset and confidence.
- speaking.json gets the two common measures of talking faces: LSE-D, the least mean distance over all shifts, and
  LSE-C, the median over the shifts minus that.
- The original only colours each face by its score; it never says who speaks. Here the person with the higher score
  speaks, where there is voice activity and the score is above `floor`; so "nobody" exists, "both" does not.
- The network's names and shapes are those of the published weights (the `S` network of syncnet_python).
- The embedded tracker's boxes serve unless `detector` is s3fd, and crops stay in memory: the original sends them
  through a lossy video and JPEG.
"""

import functools
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from scipy.signal import medfilt
from torch import Tensor, nn

from l2l import config
from l2l.speech.face_scores import SAMPLES_PER_ASD_FRAME, Scored, diarize_faces, track_mfcc
from l2l.speech.speaking import Speaking
from l2l.video.face_crops import crop_blocks
from l2l.video.face_tracks import FaceTrack
from l2l.video.footage import Footage
from l2l.video.tracks import PEOPLE, Tracks
from l2l.weights.state_dicts import load_published

WINDOW = 5  # frames of a mouth in one look
COLUMNS = 20  # columns of MFCC in one look: 0.2 s too
# In order: convolutions (channels in and out, kernel, stride, padding) and pooling (kernel, stride, padding).
_SOUND = (
    ("conv", 1, 64, (3, 3), 1, 1),
    ("pool", 1, 1, 0),
    ("conv", 64, 192, (3, 3), 1, 1),
    ("pool", 3, (1, 2), 0),
    ("conv", 192, 384, (3, 3), 1, 1),
    ("conv", 384, 256, (3, 3), 1, 1),
    ("conv", 256, 256, (3, 3), 1, 1),
    ("pool", 3, 2, 0),
    ("conv", 256, 512, (5, 4), 1, 0),
)
_MOUTH = (
    ("conv", 3, 96, (WINDOW, 7, 7), (1, 2, 2), 0),
    ("pool", (1, 3, 3), (1, 2, 2), 0),
    ("conv", 96, 256, (1, 5, 5), (1, 2, 2), (0, 1, 1)),
    ("pool", (1, 3, 3), (1, 2, 2), (0, 1, 1)),
    ("conv", 256, 256, (1, 3, 3), 1, (0, 1, 1)),
    ("conv", 256, 256, (1, 3, 3), 1, (0, 1, 1)),
    ("conv", 256, 256, (1, 3, 3), 1, (0, 1, 1)),
    ("pool", (1, 3, 3), (1, 2, 2), 0),
    ("conv", 256, 512, (1, 6, 6), 1, 0),
)
_BLOCK = 200  # windows whose distances are computed at a time
_SMOOTH = 9  # frames of the median filter over scores
_EDGE, _FAR = 3, 10.0  # windows added at both ends of a track, and the distance they get


def _layers(table: tuple[tuple[Any, ...], ...], conv: type, norm: type, pool: type) -> nn.Sequential:
    layers: list[nn.Module] = []
    for kind, *sizes in table:
        layers += [pool(*sizes)] if kind == "pool" else [conv(*sizes), norm(sizes[1]), nn.ReLU()]
    return nn.Sequential(*layers)


def _head() -> nn.Sequential:
    return nn.Sequential(nn.Linear(512, 512), nn.BatchNorm1d(512), nn.ReLU(), nn.Linear(512, 1024))


class SyncNet(nn.Module):
    """`lips` and `sound` map windows of 0.2 s to 1024 numbers each, near each other when they belong together."""

    def __init__(self) -> None:
        super().__init__()
        self.netcnnaud = _layers(_SOUND, nn.Conv2d, nn.BatchNorm2d, nn.MaxPool2d)
        self.netfcaud, self.netfclip = _head(), _head()
        self.netcnnlip = _layers(_MOUTH, nn.Conv3d, nn.BatchNorm3d, nn.MaxPool3d)

    def sound(self, columns: Tensor) -> Tensor:
        """(N, 1, 13, 20) MFCC, coefficient by time -> (N, 1024)."""
        return self.netfcaud(self.netcnnaud(columns).flatten(1))

    def lips(self, frames: Tensor) -> Tensor:
        """(N, 3, 5, 224, 224) float face crops, blue green red, 0..255 -> (N, 1024)."""
        return self.netfclip(self.netcnnlip(frames).flatten(1))


def windows_of_lips(crops: Tensor) -> Tensor:
    """Crops (n + 4, 224, 224, 3) uint8, blue green red -> (n, 3, 5, 224, 224) float32."""
    windows = crops.unfold(0, WINDOW, 1).permute(0, 3, 4, 1, 2)
    return windows.contiguous(memory_format=torch.channels_last_3d).float()  # channels last: half as fast again


def load_syncnet() -> SyncNet:
    """The network with its published weights. Raises UserError when they are missing or another network's."""
    net = load_published(SyncNet(), "syncnet", "syncnet/syncnet_v2.model")
    net.netcnnlip.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    return net


def diarize(footage: Footage, settings: config.DiarizationSettings) -> Speaking:
    """Who speaks, with offset, LSE-C and LSE-D of every face track in the report."""
    chosen, net = settings.syncnet, load_syncnet()

    def score_tracks(tracks: Tracks, faces: list[FaceTrack]) -> Iterator[Scored]:
        for face, distance in zip(faces, track_distances(net, footage, len(tracks), faces, chosen), strict=True):
            found = synchrony(distance)
            yield found.score[: len(face)], {"offset": found.offset, "lse_c": found.lse_c, "lse_d": found.lse_d}

    decide = functools.partial(who_speaks, threshold=settings.speech, floor=chosen.floor)
    return diarize_faces(footage, chosen, "diarization.syncnet", score_tracks, decide)


def track_distances(
    net: SyncNet, footage: Footage, frames: int, faces: list[FaceTrack], settings: config.SyncNetSettings
) -> list[np.ndarray]:
    """(K, 2 shift + 1) distances of lips to sound for each face track, K five fewer than it has frames."""
    counts = [window_count(len(face), len(face) * SAMPLES_PER_ASD_FRAME) for face in faces]
    found = [np.empty((count, 2 * settings.shift + 1), np.float32) for count in counts]
    sounds = [torch.from_numpy(track_mfcc(footage.audio, face)) for face in faces]
    shared, size = WINDOW - 1, _BLOCK + WINDOW - 1
    # Blue, green, red: the order of OpenCV, in which the network was trained.
    for number, first, crops in crop_blocks(footage.video, frames, faces, size, shared, lambda crop: crop[:, :, ::-1]):
        last = min(first + len(crops) - shared, counts[number])
        if first < last:
            lips = lip_embeddings(net, torch.from_numpy(crops), last - first, settings.batch_size)
            sound = sound_embeddings(net, sounds[number], first, last, counts[number], settings.shift)
            found[number][first:last] = distances(lips, sound).numpy()
    return found


def window_count(frames: int, samples: int) -> int:
    """Windows in so many frames and samples: one fewer than would fit, as in the original."""
    return min(frames, samples // SAMPLES_PER_ASD_FRAME) - WINDOW


def lip_embeddings(net: SyncNet, crops: Tensor, count: int, batch: int) -> Tensor:
    """(count, 1024) of the first windows of crops (n, 224, 224, 3)."""
    stops = [(start, min(start + batch, count)) for start in range(0, count, batch)]
    return torch.cat([net.lips(windows_of_lips(crops[start : stop + WINDOW - 1])) for start, stop in stops])


def sound_embeddings(net: SyncNet, mfcc: Tensor, first: int, last: int, count: int, shift: int) -> Tensor:
    """(last - first + 2 shift, 1024) from window first - shift on; zeros outside the `count` windows that there are."""
    start, stop = max(first - shift, 0), min(last + shift, count)
    windows = torch.stack([mfcc[4 * i : 4 * i + COLUMNS].T[None] for i in range(start, stop)])  # (n, 1, 13, 20)
    return F.pad(net.sound(windows), (0, 0, start - (first - shift), last + shift - stop))


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


class Synchrony(NamedTuple):
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
    offset, least = (distance.shape[1] - 1) // 2 - best, float(mean[best])
    return Synchrony(offset, lse_c=median - least, lse_d=least, score=medfilt(median - padded, _SMOOTH))
