"""A second kind of made-up dyads: nothing is answered, but two persons' smiles go up and down together, slowly.

- As real smiling does. In 45 real conversations (ICMI '24, Diao, Arboleda and Raake; 30 fps, AU12) the smiles of two
  persons correlate by .21 at lag 0, .195 at 1 s, .16 at 2 s and .10 at 4 s, mean of both directions; with a person of
  another pair by .02. Here: .21, .20, .16 and .10, and 0 (tests/benchmarks/test_dyads.py).
- The speaker's smile is a slow Gaussian process. The listener's is the listener's own, but for a small share of its
  variance: the speaker's smile until now, smoothed and delayed.
- Such a coupling is faint: a small model that is told what the listener follows (`oracle`), trained on 60 recordings on
  top of an unconditional model of 20, gained .001 nats per frame over the same model told nothing, and its error grew
  by .006 with a shifted speaker.
- Nods are the listener's own: they are as frequent in pauses as elsewhere. Voice, head, blinks and jaw are those of
  `benchmarks.dyads`, with the same functions.
"""

from collections.abc import Sequence

import numpy as np
from scipy.signal import lfilter

from benchmarks.dyads import (
    STRAY_NODS,
    Speaker,
    listener_motion,
    nodding,
    smooth_noise,
    speaker,
    syllables,
)
from l2l.units import FPS

LEVEL, SPREAD = 0.5, 0.6  # mean and std of both persons' smiles
SLOW, SLOWER, SHARE_SLOW = 1.2, 4.5, 0.55  # seconds of the two processes of a speaker's smile; variance of the first
DELAY, SMOOTHING = 0.4, 0.4  # seconds until the listener follows; time constant of an exponential mean
COUPLED = 0.05  # share of the variance of the listener's smile
MOOD, FLICKER, SHARE_FLICKER = 10.0, 0.25, 0.01  # seconds of the listener's own processes; variance of the second


def speak(
    seed: int,
    recording: int,
    seconds: float,
    silences: Sequence[tuple[float, float]] = (),
    long_pauses: float = 0.0,
) -> Speaker:
    """One speaker for the whole of a recording, as `benchmarks.dyads.speak`; there are no smiles with an end."""
    random = np.random.default_rng([seed, recording])
    return speaker(random, *syllables(random, seconds, silences, long_pauses), smiling)


def smiling(random: np.random.Generator, seconds: float) -> tuple[np.ndarray, np.ndarray]:
    """No smile with an end, and how much is smiled in each frame (T,)."""
    return np.zeros((0, 2), int), speaker_smile(random, round(seconds * FPS))


def speaker_smile(random: np.random.Generator, frames: int) -> np.ndarray:
    """(T,) how much a speaker smiles."""
    slow, slower = (smooth_noise(random, frames, length, 1)[:, 0] for length in (SLOW, SLOWER))
    return LEVEL + SPREAD * (np.sqrt(SHARE_SLOW) * slow + np.sqrt(1 - SHARE_SLOW) * slower)


def followed(smile: np.ndarray) -> np.ndarray:
    """(T,) the speaker's smile (T,) as a listener follows it, of std 1 or a little less: smoothed and delayed."""
    smile = (smile - LEVEL) / SPREAD
    delay, keep = round(DELAY * FPS), np.exp(-1 / (SMOOTHING * FPS))
    late = np.concatenate([np.repeat(smile[:1], delay), smile[: len(smile) - delay]])
    return lfilter([1 - keep], [1, -keep], late, zi=keep * late[:1])[0]


def listener_smile(random: np.random.Generator, smile: np.ndarray) -> np.ndarray:
    """(T,) how much a listener smiles at a speaker who smiles like this (T,)."""
    mood, flicker = (smooth_noise(random, len(smile), length, 1)[:, 0] for length in (MOOD, FLICKER))
    own = np.sqrt(1 - SHARE_FLICKER) * mood + np.sqrt(SHARE_FLICKER) * flicker
    return LEVEL + SPREAD * (np.sqrt(COUPLED) * followed(smile) + np.sqrt(1 - COUPLED) * own)


def listen(seed: int, recording: int, speaker: Speaker, future: int = 0) -> np.ndarray:
    """(T, 56): how the listener moves; every `future` is another true listener of the same speaker."""
    random = np.random.default_rng([seed, recording, 1 + future])
    frames = speaker.frames
    starts = list(random.uniform(0, frames, random.poisson(STRAY_NODS * frames / FPS)))
    smile = listener_smile(random, speaker.smile)
    return listener_motion(random, nodding(random, frames, starts), smile)


def oracle(speaker: Speaker) -> np.ndarray:
    """(T, 3) float32: what a listener follows, now, and how it has changed in the last 8 and 30 frames."""
    now = followed(speaker.smile)
    changes = [now - np.concatenate([np.repeat(now[:1], lag), now[:-lag]]) for lag in (8, 30)]
    return np.column_stack([now, *changes]).astype(np.float32)


def correlation(first: np.ndarray, second: np.ndarray, lag: float) -> float:
    """Of (N, T) and (N, T), all recordings together, `lag` seconds apart: mean of the second later and the first later.

    Both persons of a conversation are speaker and listener in turn, so real correlations have no direction.
    """
    frames = round(lag * FPS)
    end = first.shape[1] - frames
    later = np.corrcoef(first[:, :end].ravel(), second[:, frames:].ravel())[0, 1]
    earlier = np.corrcoef(first[:, frames:].ravel(), second[:, :end].ravel())[0, 1]
    return float(later + earlier) / 2
