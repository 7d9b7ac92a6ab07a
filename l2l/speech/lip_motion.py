"""diarize, embedded backend `vad_lips`: who speaks, from voice activity and lip motion.

- Voice activity shows when somebody speaks; the lips show who.
- Per person and frame, the evidence is how much the mouth moves and how well it moves with the loudness: a listener who
  chews moves the mouth too, but not with the sound.
- A change of speaker has a cost that the evidence must exceed (Viterbi over two speakers).
- While only one face is seen, that person is named where the lips alone are sure. Nobody who is not seen is named.
"""

from pathlib import Path

import numpy as np
import scipy  # what is used of it is loaded when it is used: each part takes some tenths of a second

from l2l import config
from l2l.speech.speaking import Speaking
from l2l.speech.vad import read_wav, voice_activity
from l2l.units import FPS, SAMPLE_RATE
from l2l.video import mesh
from l2l.video.footage import Footage
from l2l.video.tracks import PEOPLE, Tracks, fill_short_gaps, load_tracks, runs

_MAX_LAG = 4  # frames by which lips and sound may be apart
_MOTION = 0.8  # weight of how much a mouth moves, beside how well it moves with the sound
_FLICKER = 2  # frames: holes in voice activity of up to twice this are filled
_PAUSE_COST = 0.2  # a change of speaker in a pause, over one while somebody speaks
_HIDDEN = FPS // 2  # frames for which a face may be lost and its person still be compared
# Of one face alone: fit at which speaking is as likely as not, how fast it becomes likely, and when it is sure.
_ALONE, _SLOPE, _SURE = 0.75, 8.0, 0.8


def diarize(footage: Footage, settings: config.DiarizationSettings) -> Speaking:
    """Who speaks, from the tracks and the sound."""
    tracks = load_tracks(footage.tracks)
    speech = voice_activity(footage.audio, len(tracks))
    opening = mouth_opening(tracks)
    fit, motion = fit_and_motion(opening, loudness(footage.audio, len(tracks)), settings.window)  # (T, 2) each
    probability = speaking_probability(fit + motion, speech, settings)
    there = seen(tracks)
    few = ~there.all(1)
    probability[few] = of_few(fit, there, speech, settings)[few]
    return Speaking(probability, speech)


def seen(tracks: Tracks) -> np.ndarray:
    """(T, 2) whether each person is in the picture: their face is found within half a second, in the same scene."""
    there = np.zeros_like(tracks.found)
    for first, last in runs(tracks.segment):
        there[first:last] = scipy.ndimage.binary_dilation(tracks.found[first:last], np.ones((2 * _HIDDEN + 1, 1)))
    return there


def mouth_opening(tracks: Tracks) -> np.ndarray:
    """(T, 2) distance of the inner lips over the outer-eye distance; missing frames are interpolated."""
    opening = np.zeros((len(tracks), PEOPLE))
    for frames, block in tracks.blocks():
        opening[frames] = lip_gap(block)
    for person in range(PEOPLE):
        known = tracks.found[:, person]
        fill_short_gaps(opening[:, person : person + 1], known, np.zeros(len(tracks), np.int32), len(tracks))
        opening[:, person][: np.argmax(known)] = opening[np.argmax(known), person]
    return opening


def lip_gap(landmarks: np.ndarray) -> np.ndarray:
    """Landmarks (..., 468, 3) -> (...) distance of the inner lips over the outer-eye distance."""
    upper, lower = np.array(mesh.INNER_LIP_PAIRS).T
    gap = np.linalg.norm(landmarks[..., upper, :] - landmarks[..., lower, :], axis=-1).mean(-1)
    eyes = np.linalg.norm(landmarks[..., mesh.RIGHT_EYE_OUTER, :] - landmarks[..., mesh.LEFT_EYE_OUTER, :], axis=-1)
    return gap / np.maximum(eyes, 1e-6)


def loudness(wav: str | Path, frames: int) -> np.ndarray:
    """(frames,) root mean square of the sound around each video frame."""
    energy = np.zeros(frames)
    with read_wav(wav) as file:
        for frame in range(frames):
            file.seek(min(frame * SAMPLE_RATE // FPS, len(file)))
            sound = file.read(SAMPLE_RATE // FPS, dtype="float32")
            energy[frame] = np.sqrt(np.mean(sound**2)) if len(sound) else 0.0
    return energy


def running_mean(values: np.ndarray, size: int, axis: int = -1) -> np.ndarray:
    """Mean of the `size` values around each."""
    found: np.ndarray = scipy.ndimage.uniform_filter1d(values, size, axis)
    return found


def lip_evidence(opening: np.ndarray, energy: np.ndarray, window: float) -> np.ndarray:
    """(T, 2) evidence that each person's mouth makes the sound, from openings (T, 2) and loudness (T,)."""
    fit, motion = fit_and_motion(opening, energy, window)
    return fit + motion


def fit_and_motion(opening: np.ndarray, energy: np.ndarray, window: float) -> tuple[np.ndarray, np.ndarray]:
    """(T, 2) how well each mouth moves with the sound, and (T, 2) how much it moves, as parts of the evidence."""
    size = max(3, round(window * FPS) | 1)
    loud = scipy.ndimage.gaussian_filter1d(energy / (np.percentile(energy, 98) + 1e-9), 1.0)
    change = np.abs(np.gradient(loud)) * FPS
    fit, moving = np.zeros_like(opening), np.zeros_like(opening)

    def best(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.max([_correlation(a, np.roll(b, lag), size) for lag in range(-_MAX_LAG, _MAX_LAG + 1)], 0)

    for person in range(opening.shape[1]):
        mouth = scipy.ndimage.gaussian_filter1d(opening[:, person], 1.0)
        speed = np.abs(np.gradient(mouth)) * FPS
        motion = np.log(running_mean(speed, size) + 0.05)  # in eye distances per second; below 0.05 it is noise
        fit[:, person] = best(mouth, loud) + 0.5 * best(speed, change)
        moving[:, person] = _MOTION * motion
    return fit, moving


def _correlation(a: np.ndarray, b: np.ndarray, size: int) -> np.ndarray:
    """(T,) correlation of two series in a window of `size` frames around each frame; 0 where one of them is still."""
    mean_a, mean_b = running_mean(a, size), running_mean(b, size)
    variance_a = np.maximum(running_mean(a * a, size) - mean_a**2, 0)
    variance_b = np.maximum(running_mean(b * b, size) - mean_b**2, 0)
    covariance = running_mean(a * b, size) - mean_a * mean_b
    # A mouth at rest trembles by about 0.01 of the eye distance: that must not count as agreement.
    return covariance / np.sqrt((variance_a + 1e-4) * (variance_b + 1e-4))


def speaking_probability(evidence: np.ndarray, speech: np.ndarray, settings: config.DiarizationSettings) -> np.ndarray:
    """(T, 2) float32: voice activity, given to the person who speaks by the evidence (T, 2)."""
    advantage = evidence[:, 1] - evidence[:, 0]  # > 0: the right person
    voiced = np.pad(speech > settings.speech, _FLICKER)
    voiced = scipy.ndimage.binary_closing(voiced, np.ones(2 * _FLICKER + 1))[_FLICKER:-_FLICKER]
    # Turns change in the pauses: there a change costs less.
    cost = settings.switch_cost * np.where(voiced, 1.0, _PAUSE_COST)
    path = _viterbi(np.where(voiced, advantage, 0.0), cost)
    # How sure the choice is: the advantage of the chosen side over a second, never below one half.
    share = np.maximum(1 / (1 + np.exp(-2 * running_mean(advantage, FPS) * np.where(path == 1, 1, -1))), 0.5)
    probability = np.empty((len(speech), PEOPLE), np.float32)
    # speech / (2 threshold) puts the decision at one half whatever the threshold is.
    scaled = np.clip(speech / (2 * settings.speech), 0, 1)
    probability[np.arange(len(path)), path] = np.where(voiced, np.maximum(share * scaled, 0.5), share * scaled)
    probability[np.arange(len(path)), 1 - path] = np.minimum((1 - share) * scaled, 0.499)
    return probability


def of_few(fit: np.ndarray, seen: np.ndarray, speech: np.ndarray, settings: config.DiarizationSettings) -> np.ndarray:
    """(T, 2) float32 that each person speaks where not both are in the picture.

    From how well lips fit the sound (T, 2), who is seen (T, 2) and voice activity (T,).
    """
    scaled = np.clip(speech / (2 * settings.speech), 0, 1)[:, None]
    own = 1 / (1 + np.exp(-_SLOPE * (running_mean(fit, FPS, axis=0) - _ALONE)))  # (T, 2) by itself
    own = np.where(own >= _SURE, own, np.minimum(own, 0.499)) * scaled
    # One who is not seen may be silent, or somebody else may speak.
    return np.where(seen, own, np.minimum(0.5 * scaled, 0.499)).astype(np.float32)


def _viterbi(advantage: np.ndarray, cost: np.ndarray) -> np.ndarray:
    """(T,) the person, 0 or 1, with the most evidence in all, when a change at frame t costs `cost[t]`."""
    gain = np.stack([-advantage, advantage], 1) / 2  # (T, 2)
    total = np.zeros(2)
    came_from = np.zeros((len(gain), 2), np.int8)
    for frame, here in enumerate(gain):
        switched = total[::-1] - cost[frame] > total
        came_from[frame] = np.where(switched, [1, 0], [0, 1])
        total = np.where(switched, total[::-1] - cost[frame], total) + here
    path = np.zeros(len(gain), np.int64)
    state = int(total.argmax())
    for frame in range(len(gain) - 1, -1, -1):
        path[frame] = state
        state = int(came_from[frame, state])
    return path
