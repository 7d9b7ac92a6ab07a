"""From the score to motion: the pose of each head in every frame.

- Heads drift slowly, nod when the score says so, and move with the emphasis of their own voice.
- Jaws follow only the loudness of their own voice and the score's chewing.
- Every gesture starts and ends at rest, so that all curves are continuous.
"""

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import gaussian_filter1d

from l2l.config import Settings
from l2l.demo.dialogue import Event, Score
from l2l.demo.rig import Pose
from l2l.units import FPS, SAMPLE_RATE

_YAW, _PITCH, _ROLL = 9.0, 3.0, 2.5  # degrees, the largest drift
_PERIOD = (6.0, 20.0)  # seconds of one swing of the drift
_NOD_DEPTH = (8.0, 12.0)  # degrees
_DIP = 0.4  # seconds that one dip of a nod takes at least
_EMPHASIS = 5.0  # degrees of pitch with the loudest words
_JAW = 15.0  # degrees at the loudest
_CHEW_OPENING, _CHEW_RATE = (6.0, 9.0), (1.5, 2.0)  # degrees, Hz
_BLINK_GAP, _BLINK_LENGTH = (3.0, 5.0), 0.27  # seconds


def frames(score: Score) -> int:
    """The number of pictures of a recording."""
    return round(score.seconds * FPS)


def speaking(score: Score, backchannels_only: bool = False) -> np.ndarray:
    """(T, 2) bool: whether any voice of a person sounds during a frame; pauses between sentences are silent."""
    heard = np.zeros((frames(score), 2), bool)
    for utterance in score.utterances:
        if utterance.backchannel or not backchannels_only:
            first = utterance.start * FPS // SAMPLE_RATE
            heard[first : -(-utterance.end * FPS // SAMPLE_RATE), utterance.person] = True
    return heard


def loudness(sound: np.ndarray, count: int) -> np.ndarray:
    """(count,) 0..1: level of `sound` (samples,) around the middle of each frame, 1 at its loudest."""
    power = np.concatenate([[0.0], np.cumsum(sound.astype(np.float64) ** 2)])
    middle = (np.arange(count) + 0.5) * SAMPLE_RATE / FPS
    half = 0.025 * SAMPLE_RATE  # as long as a syllable's onset
    low, high = (np.clip(np.round(middle + side), 0, len(sound)).astype(int) for side in (-half, half))
    level = np.sqrt(np.maximum(power[high] - power[low], 0) / np.maximum(high - low, 1))
    top = np.quantile(level[level > 0], 0.95) if np.any(level > 0) else 1.0
    return np.clip(level / top, 0, 1) ** 0.7


def move(score: Score, settings: Settings, index: int, person: int) -> Pose:
    """How `person` (0 or 1) moves in recording `index` whose score this is: poses of T frames, each value (T,)."""
    random = np.random.default_rng([settings.seed, index, person + 1])
    count = frames(score)
    time = (np.arange(count) + 0.5) / FPS  # (T,) seconds
    level = loudness(score.voice(person), count)
    talking = gaussian_filter1d(speaking(score)[:, person].astype(float), 0.4 * FPS)

    head = np.stack([_drift(random, time, largest) for largest in (_PITCH, _YAW, _ROLL)], 1)
    head *= (0.75 + 0.25 * talking)[:, None]
    emphasis = gaussian_filter1d(level, 0.12 * FPS)
    # The head lags behind its own slow mean, so that long sentences do not push it down.
    head[:, 0] += _EMPHASIS * (emphasis - gaussian_filter1d(emphasis, 1.0 * FPS))
    head[:, 1] += 0.5 * _EMPHASIS * talking * _drift(random, time / 4, 1.0)
    for nod in _of(score.nods, person):
        dips = 1 if nod.end - nod.start < 2 * _DIP else 2
        head[:, 0] += random.uniform(*_NOD_DEPTH) * np.sin(np.pi * dips * _progress(time, nod)) ** 2

    jaw = _JAW * gaussian_filter1d(level, 1.0)  # a jaw has mass: about two frames to open
    for chew in _of(score.chews, person):
        cycles = max(1, round(random.uniform(*_CHEW_RATE) * (chew.end - chew.start)))
        jaw += random.uniform(*_CHEW_OPENING) * np.sin(np.pi * cycles * _progress(time, chew)) ** 2
    smile = np.zeros(count)
    for event in _of(score.smiles, person):
        rise = np.clip(3 * np.minimum(_progress(time, event), 1 - _progress(time, event)), 0, 1)
        smile = np.maximum(smile, random.uniform(0.75, 1.0) * np.sin(np.pi / 2 * rise) ** 2)
    pitch, yaw, roll = head.T
    return Pose(pitch, yaw, roll, jaw, smile, _blinks(random, time))


def _of(events: Sequence[Event], person: int) -> list[Event]:
    return [event for event in events if event.person == person]


def _progress(time: np.ndarray, event: Event) -> np.ndarray:
    """(T,) 0 before the event, 1 after it, rising evenly in between."""
    return np.clip((time - event.start) / (event.end - event.start), 0, 1)


def _drift(random: np.random.Generator, time: np.ndarray, largest: float) -> np.ndarray:
    """(T,) three slow swings that together reach `largest` in one direction."""
    periods, phases = random.uniform(*_PERIOD, 3), random.uniform(0, 2 * np.pi, 3)
    swings = np.sin(2 * np.pi * time[:, None] / periods + phases)  # (T, 3)
    mixed = swings @ [0.55, 0.3, 0.15]
    return largest * mixed / np.abs(mixed).max()


def _blinks(random: np.random.Generator, time: np.ndarray) -> np.ndarray:
    blink = np.zeros(len(time))
    start = random.uniform(0.5, _BLINK_GAP[1])
    while len(time) and start < time[-1]:
        progress = _progress(time, Event(0, start, start + _BLINK_LENGTH))
        blink = np.maximum(blink, np.sin(np.pi * progress) ** 2)
        start += random.uniform(*_BLINK_GAP)
    return blink
