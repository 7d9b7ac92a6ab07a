"""diarize, backend `light_asd`: who speaks, by Light-ASD (Liao et al. 2023), trained for that question.

- The network has a million weights, with names, shapes and order of the published ones. Every block looks at a small
  and a large neighbourhood side by side, first across the picture (or the coefficients), then across time; two
  recurrent passes, one in each direction, join sound and face.
- Face crops and MFCC are SyncNet's; each person gets a score of their own per frame, above 0 when they speak: nobody
  and both exist.
- The original stops there. It looks at one face at a time, and beside a clear voice a resting face often scores a
  little above 0; pauses get the score of what surrounds them. So here a person speaks only where there is voice
  activity, and not where the other's score is higher by more than `margin`. Without: diarization.speech 0, margin 100.
- As in the original's demonstration, scores are means over cuts into windows of several lengths, then smoothed over
  five frames. We do not round them to a tenth. The probability is the score's logistic function.
- Only frames near a window's end look different from window to window (the picture is looked at 6 frames around), so
  every frame is seen twice, not once per length: in one piece, and in pieces of a second for the ends.
"""

import functools
import math
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from scipy.ndimage import uniform_filter1d
from torch import Tensor, nn

from l2l import config
from l2l.speech.face_scores import Scored, diarize_faces, track_mfcc
from l2l.speech.speaking import Speaking
from l2l.video.face_crops import CROP_SIDE, crop_blocks
from l2l.video.face_tracks import ASD_FPS, FaceTrack
from l2l.video.footage import Footage
from l2l.video.tracks import Tracks
from l2l.weights.state_dicts import load_published

FACE_SIDE = 112  # pixels of a grey face crop
COLUMNS = 4  # columns of MFCC per frame
MEAN, STD = 0.4161, 0.1688  # of grey values 0..1
_SIZES = (3, 5)  # of the two neighbourhoods
_REACH = 6  # frames that the visual encoder looks at on either side: three blocks of kernel 5
_SMOOTH = 5  # frames


class Block(nn.Module):
    """Pictures (N, inputs, T, H, W) -> (N, outputs, T, H / stride, W / stride); MFCC (N, inputs, 13, T) alike."""

    def __init__(self, inputs: int, outputs: int, pictures: bool, stride: int = 1) -> None:
        super().__init__()
        self._across = "s" if pictures else "m"
        conv: Any = nn.Conv3d if pictures else nn.Conv2d
        norm = nn.BatchNorm3d if pictures else nn.BatchNorm2d

        def add(name: str, channels: int, kernel: tuple[int, ...], strides: int | tuple[int, ...] = 1) -> None:
            padding = tuple(size // 2 for size in kernel)
            self.add_module(name, conv(channels, outputs, kernel, strides, padding, bias=False))
            self.add_module(f"bn_{name}", norm(outputs, eps=1e-3))

        for size in _SIZES:
            across = (1, size, size) if pictures else (size, 1)
            add(f"{self._across}_{size}", inputs, across, (1, stride, stride) if pictures else 1)
            add(f"t_{size}", outputs, (size, 1, 1) if pictures else (1, size))
        add("last", outputs, (1,) * (3 if pictures else 2))

    def forward(self, x: Tensor) -> Tensor:
        small, large = (self._step(f"t_{size}", self._step(f"{self._across}_{size}", x)) for size in _SIZES)
        return self._step("last", small + large)

    def _step(self, name: str, x: Tensor) -> Tensor:
        return F.relu(self.get_submodule(f"bn_{name}")(self.get_submodule(name)(x)), inplace=True)


class Encoder(nn.Module):
    """Grey faces (N, 1, T, 112, 112) or MFCC (N, 1, 13, 4 T) -> (N, T, 128)."""

    def __init__(self, pictures: bool) -> None:
        super().__init__()
        self.block1 = Block(1, 32, pictures, stride=2 if pictures else 1)
        self.block2, self.block3 = Block(32, 64, pictures), Block(64, 128, pictures)
        # Across the picture, or across time: MFCC have four columns for each frame.
        self.pool = nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)) if pictures else nn.MaxPool2d((1, 3), (1, 2), (0, 1))

    def forward(self, x: Tensor) -> Tensor:
        x = self.block3(self.pool(self.block2(self.pool(self.block1(x)))))  # (N, 128, T, 14, 14) or (N, 128, 13, T)
        return (x.amax((3, 4)) if x.ndim == 5 else x.mean(2)).transpose(1, 2)


class BothWays(nn.Module):
    """(N, T, 128) -> (N, T, 128): forward in time, then backward."""

    def __init__(self) -> None:
        super().__init__()
        self.gru_forward = nn.GRU(128, 128, batch_first=True)
        self.gru_backward = nn.GRU(128, 128, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        x = F.gelu(self.gru_forward(x)[0])
        return F.gelu(self.gru_backward(x.flip(1))[0].flip(1))


class LightAsd(nn.Module):
    """A score per frame: above 0 the face is the one that is heard."""

    def __init__(self) -> None:
        super().__init__()
        encoders = {"visualEncoder": Encoder(pictures=True), "audioEncoder": Encoder(pictures=False)}
        self.model = nn.ModuleDict(encoders | {"GRU": BothWays()})
        self.lossAV = nn.ModuleDict({"FC": nn.Linear(128, 2)})
        self.lossV = nn.ModuleDict({"FC": nn.Linear(128, 2)})  # only for training; the published file has it

    def score(self, both: Tensor) -> Tensor:
        """The sum of what is seen and heard (N, T, 128) -> (N, T)."""
        return self.lossAV["FC"](self.model["GRU"](both))[..., 1]

    def see(self, faces: Tensor) -> Tensor:
        """(N, T, 112, 112), 0..255 -> (N, T, 128)."""
        return self.model["visualEncoder"](((faces.float() / 255 - MEAN) / STD)[:, None])

    def hear(self, mfcc: Tensor) -> Tensor:
        """(N, 4 T, 13) -> (N, T, 128)."""
        return self.model["audioEncoder"](mfcc.transpose(1, 2)[:, None])


def load_light_asd() -> LightAsd:
    """The network with its published weights. Raises UserError when they are missing or another network's."""
    return load_published(LightAsd(), "light_asd", "light_asd/finetuning_TalkSet.model")


def diarize(footage: Footage, settings: config.DiarizationSettings) -> Speaking:
    """Who speaks; each person is judged alone."""
    chosen, net = settings.light_asd, load_light_asd()

    def score_tracks(tracks: Tracks, faces: list[FaceTrack]) -> Iterator[Scored]:
        for values in track_scores(net, footage, len(tracks), faces, chosen):
            even = smooth(values)
            yield even, {"mean_score": float(values.mean()), "speaks": float((even > 0).mean())}

    decide = functools.partial(who_speaks, threshold=settings.speech, margin=chosen.margin)
    return diarize_faces(footage, chosen, "diarization.light_asd", score_tracks, decide)


def who_speaks(score: np.ndarray, speech: np.ndarray, threshold: float, margin: float) -> np.ndarray:
    """(T, 2) float32 probability, from scores (T, 2), -inf where a person is not seen, and voice activity (T,)."""
    probability = 1 / (1 + np.exp(-score))
    speaks = (score > 0) & (speech > threshold)[:, None] & (score[:, ::-1] <= score + margin)
    return np.where(speaks, np.maximum(probability, 0.5), np.minimum(probability, 0.499)).astype(np.float32)


def track_scores(
    net: LightAsd, footage: Footage, frames: int, faces: list[FaceTrack], settings: config.LightAsdSettings
) -> list[np.ndarray]:
    """(n,) score of each frame of each face track, before smoothing."""
    found = [np.empty(len(face), np.float32) for face in faces]
    sounds = [torch.from_numpy(track_mfcc(footage.audio, face)) for face in faces]
    # All cuts begin anew after so many seconds: blocks of that length can be looked at one by one.
    block = math.lcm(*settings.windows) * ASD_FPS
    for number, first, crops in crop_blocks(footage.video, frames, faces, block, 0, grey_face):
        # The sound of a track ends a column early, so its last frame has no score of its own.
        count = min(len(crops), len(sounds[number]) // COLUMNS - first)
        values = found[number][first : first + len(crops)]
        if count > 0:
            heard = sounds[number][COLUMNS * first : COLUMNS * (first + count)]
            looked = torch.from_numpy(crops[:count])
            values[:count] = window_scores(net, looked, heard, settings.windows, settings.batch_size).numpy()
        values[max(count, 0) :] = found[number][first + count - 1]
    return found


def grey_face(crop: np.ndarray) -> np.ndarray:
    """(112, 112) uint8, the middle of a crop (224, 224, 3) RGB."""
    edge = (CROP_SIDE - FACE_SIDE) // 2
    return cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)[edge : edge + FACE_SIDE, edge : edge + FACE_SIDE]


def window_scores(net: LightAsd, faces: Tensor, mfcc: Tensor, windows: list[int], batch: int) -> Tensor:
    """(n,) scores of grey faces (n, 112, 112) and MFCC (4 n, 13), means over cuts into `windows` seconds.

    `batch` is the number of seconds looked at together.
    """
    whole = _seen_whole(net, faces, batch)
    # In windows of one second; what is left over at the end is not looked at.
    full = len(faces) // ASD_FPS
    seconds = faces[: full * ASD_FPS].unflatten(0, (full, ASD_FPS)).split(batch)
    by_seconds = torch.cat([net.see(some) for some in seconds]).flatten(0, 1)
    total = torch.zeros(len(faces))
    for length in sorted(set(windows)):
        total += windows.count(length) * _cut_into(net, faces, mfcc, whole, by_seconds, length * ASD_FPS, batch)
    return total / len(windows)


def _cut_into(
    net: LightAsd, faces: Tensor, mfcc: Tensor, whole: Tensor, seconds: Tensor, size: int, batch: int
) -> Tensor:
    """(n,) scores in windows of `size` frames, the last one shorter."""
    full = len(faces) // size
    parts = []
    if full:
        seen = whole[: full * size].reshape(full, size, -1).clone()
        ends = seconds[: full * size].reshape(full, size, -1)
        seen[:, :_REACH], seen[:, -_REACH:] = ends[:, :_REACH], ends[:, -_REACH:]
        heard = net.hear(mfcc[: COLUMNS * full * size].reshape(full, COLUMNS * size, -1))
        parts.append(net.score(seen + heard).flatten())
    if rest := len(faces) - full * size:
        seen = _seen_whole(net, faces[-rest:], batch)[None]
        parts.append(net.score(seen + net.hear(mfcc[None, -COLUMNS * rest :]))[0])
    return torch.cat(parts)


def _seen_whole(net: LightAsd, faces: Tensor, batch: int) -> Tensor:
    """(n, 128) as if all frames were one window, computed in overlapping pieces."""
    found = []
    for start in range(0, len(faces), batch * ASD_FPS):
        begin, stop = max(start - _REACH, 0), min(start + batch * ASD_FPS, len(faces))
        found.append(net.see(faces[None, begin : stop + _REACH])[0, start - begin : stop - begin])
    return torch.cat(found)


def smooth(score: np.ndarray) -> np.ndarray:
    """(n,) mean over five frames; at the ends, over those there are."""
    there = uniform_filter1d(np.ones(len(score)), _SMOOTH, mode="constant")
    return uniform_filter1d(score.astype(np.float64), _SMOOTH, mode="constant") / there
