"""diarize, backend `light_asd`: who speaks, by Light-ASD (Liao et al. 2023), trained for that question.

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

import math

import cv2
import numpy as np
import torch
from scipy.ndimage import uniform_filter1d
from torch import Tensor

from l2l import config
from l2l.speech.face_scores import Scored, person_scores, track_mfcc
from l2l.speech.light_asd_net import COLUMNS, FACE_SIDE, LightAsd
from l2l.speech.speaking import Speaking
from l2l.speech.vad import voice_activity
from l2l.video.face_crops import CROP_SIDE, crop_blocks
from l2l.video.face_tracks import ASD_FPS, FaceTrack
from l2l.video.footage import Footage
from l2l.video.tracks import load_tracks
from l2l.weights.state_dicts import load_published

_REACH = 6  # frames that the visual encoder looks at on either side: three blocks of kernel 5
_SMOOTH = 5  # frames


def load_light_asd() -> LightAsd:
    """The network with its published weights. Raises UserError when they are missing or another network's."""
    return load_published(LightAsd(), "light_asd", "light_asd/finetuning_TalkSet.model")


def diarize(footage: Footage, settings: config.DiarizationSettings) -> Speaking:
    """Who speaks; each person is judged alone."""
    chosen, net = settings.light_asd, load_light_asd()
    tracks = load_tracks(footage.tracks)

    def score_tracks(faces: list[FaceTrack]) -> list[Scored]:
        found = track_scores(net, footage, len(tracks), faces, chosen)
        smoothed = [smooth(values) for values in found]
        return [
            (even, {"mean_score": float(values.mean()), "speaks": float((even > 0).mean())})
            for values, even in zip(found, smoothed, strict=True)
        ]

    score, report = person_scores(footage, tracks, chosen, "diarization.light_asd", score_tracks)
    speech = voice_activity(footage.audio, len(tracks))
    return Speaking(who_speaks(score, speech, settings.speech, chosen.margin), speech, report)


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
    whole, seconds = _seen_whole(net, faces, batch), _seen_by_seconds(net, faces, batch)
    total = torch.zeros(len(faces))
    for length in sorted(set(windows)):
        total += windows.count(length) * _cut_into(net, faces, mfcc, whole, seconds, length * ASD_FPS, batch)
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
    found = torch.empty(len(faces), 128)
    for start in range(0, len(faces), batch * ASD_FPS):
        begin, stop = max(start - _REACH, 0), min(start + batch * ASD_FPS, len(faces))
        found[start:stop] = net.see(faces[None, begin : stop + _REACH])[0, start - begin : stop - begin]
    return found


def _seen_by_seconds(net: LightAsd, faces: Tensor, batch: int) -> Tensor:
    """(n, 128) in windows of one second; what is left over at the end is not looked at."""
    full = len(faces) // ASD_FPS
    pieces, found = (
        faces[: full * ASD_FPS].reshape(full, ASD_FPS, FACE_SIDE, FACE_SIDE),
        torch.empty(full, ASD_FPS, 128),
    )
    for start in range(0, full, batch):
        found[start : start + batch] = net.see(pieces[start : start + batch])
    return found.flatten(0, 1)


def smooth(score: np.ndarray) -> np.ndarray:
    """(n,) mean over five frames; at the ends, over those there are."""
    there = uniform_filter1d(np.ones(len(score)), _SMOOTH, mode="constant")
    return uniform_filter1d(score.astype(np.float64), _SMOOTH, mode="constant") / there
