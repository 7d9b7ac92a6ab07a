"""Made-up dyads in parameter space: a speaker, and a listener that depends on the speaker in a known random way.

- A nod answers a speaker's pause within 0.5 s with probability 0.6, else nods are rare; a speaker's smile is returned
  0.8 s later with probability 0.8, and some smiles have no reason. Pauses inside a phrase are too short to be answered.
- All else of the listener is its own: drifting head and expression, blinks, chewing, sensor noise.
- The same speaker can be listened to again: other true futures (`listen` with another seed). Nothing of the listener's
  is kept between them, neither posture nor drift.
- Everything follows from (seed, recording, future).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.ndimage import gaussian_filter1d

from l2l.units import AUDIO_PER_FRAME, FPS, MEL_BANDS, MODEL_DIM

PITCH = 50  # channel of the head rotation that nods
NOD_PROBABILITY, NOD_DELAY, NOD_LENGTH, NOD_DEPTH = 0.6, (0.05, 0.45), (0.6, 1.0), (0.12, 0.2)  # s, s, radians
STRAY_NODS = 0.06  # per second
SMILE_PROBABILITY, SMILE_LAG, SMILE_LENGTH = 0.8, 0.8, (1.6, 2.6)  # seconds
STRAY_SMILES = 0.02  # per second
NOISE = 0.05  # of the sensor, in stds of each channel's signal
LATENTS = 6  # slow processes behind an expression
LONG_PAUSE = 3.0, 12.0  # seconds, beyond the length of any pause
_PHRASE, _PAUSE, _BREATH = (1.5, 4.5), (0.5, 0.9), (0.08, 0.2)  # seconds


@dataclass(frozen=True)
class Speaker:
    """What a speaker does in T frames, and when."""

    motion: np.ndarray  # (T, 56)
    audio: np.ndarray  # (4 T, 128) mel power
    pauses: np.ndarray  # (n,) frame at which each pause begins
    smiles: np.ndarray  # (n, 2) first and last frame of each smile
    smile: np.ndarray  # (T,) how much the speaker smiles

    @property
    def frames(self) -> int:
        return len(self.motion)


@dataclass(frozen=True)
class Habits:
    """How one person listens; others differ (benchmarks/people.py)."""

    nods: float = NOD_PROBABILITY  # probability of a nod after a pause
    nod_delay: tuple[float, float] = NOD_DELAY  # seconds, from and to
    stray_nods: float = STRAY_NODS  # per second
    smiles: float = SMILE_PROBABILITY  # probability that a smile is returned
    smile_lag: float = SMILE_LAG  # seconds
    posture: tuple[float, float, float] = (0.0, 0.0, 0.0)  # radians that the head is held away from straight ahead


USUAL = Habits()


@cache
def axes(who: str) -> np.ndarray:
    """(2 + LATENTS, 50) directions of smile, blink and the slow processes, in units of very different channels."""
    random = np.random.default_rng([7, who == "speaker"])
    directions = np.linalg.qr(random.standard_normal((50, 2 + LATENTS)))[0].T  # orthonormal rows
    scales = np.exp(random.uniform(np.log(0.15), np.log(1.0), 50))
    return directions * scales


def smooth_noise(random: np.random.Generator, frames: int, seconds: float, count: int) -> np.ndarray:
    """(frames, count) Gaussian processes of std 1 that change over so many seconds."""
    margin = int(4 * seconds * FPS)
    white = random.standard_normal((frames + 2 * margin, count))
    kept = gaussian_filter1d(white, seconds * FPS, axis=0)[margin : margin + frames]
    return kept * np.sqrt(2 * np.sqrt(np.pi) * seconds * FPS)  # the filter divides the std by this


def bump(frames: int, start: float, length: float, cycles: int = 1) -> np.ndarray:
    """(frames,) sin^2 from `start`, both in frames: from rest to rest."""
    progress = np.clip((np.arange(frames) - start) / length, 0, 1)
    return np.sin(np.pi * cycles * progress) ** 2


def plateau(frames: int, start: float, length: float) -> np.ndarray:
    """(frames,) 0 to 1, a while, and back."""
    progress = np.clip((np.arange(frames) - start) / length, 0, 1)
    return np.sin(np.pi / 2 * np.clip(4 * np.minimum(progress, 1 - progress), 0, 1)) ** 2


def blinks(random: np.random.Generator, frames: int) -> np.ndarray:
    closed, start = np.zeros(frames), random.uniform(0, 5)
    while start * FPS < frames:
        closed = np.maximum(closed, bump(frames, start * FPS, 0.27 * FPS))
        start += random.uniform(2.5, 5)
    return closed


def with_noise(random: np.random.Generator, motion: np.ndarray) -> np.ndarray:
    noise = NOISE * motion.std(axis=0) * random.standard_normal(motion.shape)
    return (motion + noise).astype(np.float32)


def syllables(
    random: np.random.Generator,
    seconds: float,
    silences: Sequence[tuple[float, float]] = (),
    long_pauses: float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Level of a voice (4 T,), one value per row of mel, and the frames (n,) at which its pauses begin.

    `silences`: from, to, in seconds, in order: nothing is said between, but for the end of a syllable. `long_pauses`:
    share of the pauses that take `LONG_PAUSE` seconds.
    """
    rate = FPS * AUDIO_PER_FRAME
    level = np.zeros(round(seconds * FPS) * AUDIO_PER_FRAME)
    now, pauses = random.uniform(0.2, 1.0), []
    while now < seconds:
        if silence := next(((start, end) for start, end in silences if start <= now < end), None):
            now = silence[1]
            continue
        end = min([now + random.uniform(*_PHRASE), *(start for start, _ in silences if start > now)])
        while now < end:  # syllables, with a breath now and then
            length = random.uniform(0.14, 0.3)
            rows = np.arange(int(now * rate), min(int((now + length) * rate), len(level)))
            level[rows] = random.uniform(0.3, 1.0) * np.sin(np.pi * np.arange(len(rows)) / (length * rate)) ** 0.5
            now += length + (random.uniform(*_BREATH) if random.random() < 0.12 else 0)
        pauses.append(now)
        now += random.uniform(*_PAUSE)
        if long_pauses and random.random() < long_pauses:
            now += random.uniform(*LONG_PAUSE)
    # A pause so late that its nod has no room says nothing about nodding.
    return level, np.array([round(p * FPS) for p in pauses if p + 1.6 < seconds], int)


def mel(random: np.random.Generator, level: np.ndarray) -> np.ndarray:
    """Mel power (4 T, 128) of a voice of this level (4 T,)."""
    bands = np.arange(MEL_BANDS)
    colour = 1.5 * smooth_noise(random, len(level), 0.03 * AUDIO_PER_FRAME, 6)  # (4T, 6) what is being said
    formants = np.stack([np.exp(-(((bands - centre) / 9) ** 2)) for centre in np.linspace(8, 110, 6)])
    loud = random.normal(0, 0.6)  # this recording's microphone
    power = np.exp(loud + colour @ formants - bands / 30) * level[:, None] ** 2
    floor = 10 ** random.uniform(-4.5, -3.5)
    audio = (power + floor) * random.gamma(4, 0.25, (len(level), MEL_BANDS))
    return audio.astype(np.float32)


def speaker_motion(random: np.random.Generator, level: np.ndarray, smile: np.ndarray) -> np.ndarray:
    """(T, 56) of one who speaks at this level (4 T,) and smiles so much (T,)."""
    frames = len(smile)
    envelope = gaussian_filter1d(level.reshape(frames, -1).mean(1), 1.0)  # (T,)
    mouth = envelope[:, None] * smooth_noise(random, frames, 0.08, LATENTS)
    drive = np.column_stack([1.2 * smile, 0.8 * blinks(random, frames), 0.5 * mouth])
    head = 0.06 * smooth_noise(random, frames, 1.0, 3) + 0.05 * smooth_noise(random, frames, 5.0, 3)
    head[:, 0] += 0.08 * gaussian_filter1d(envelope, 4)
    jaw = np.column_stack([0.25 * envelope, 0.01 * smooth_noise(random, frames, 0.5, 2)])
    return with_noise(random, np.column_stack([drive @ axes("speaker") + 0.3 * axes("speaker")[0], head, jaw]))


def nodding(random: np.random.Generator, frames: int, starts: list[float]) -> np.ndarray:
    """(T,) radians of pitch, with a nod from each of these frames on."""
    pitch = np.zeros(frames)
    for start in starts:
        length = random.uniform(*NOD_LENGTH)
        cycles = 2 if length > 0.8 and random.random() < 0.5 else 1
        pitch += random.uniform(*NOD_DEPTH) * bump(frames, start, length * FPS, cycles)
    return pitch


def listener_motion(random: np.random.Generator, pitch: np.ndarray, smile: np.ndarray) -> np.ndarray:
    """(T, 56) of one who nods (T,) and smiles (T,) like this; all else is the listener's own."""
    frames = len(smile)
    jaw = 0.012 * smooth_noise(random, frames, 0.8, 3)
    for start in random.uniform(0, frames, random.poisson(0.03 * frames / FPS)):
        length = random.uniform(2, 4)
        jaw[:, 0] += 0.06 * bump(frames, start, length * FPS, round(1.6 * length))  # chewing
    head = 0.025 * smooth_noise(random, frames, 1.0, 3) + 0.03 * smooth_noise(random, frames, 5.0, 3)
    head[:, 0] += pitch
    slow = smooth_noise(random, frames, 1.0, LATENTS) * [0.4, 0.3, 0.3, 0.2, 0.2, 0.2]
    drive = np.column_stack([smile, 0.6 * blinks(random, frames), slow])
    motion = np.column_stack([drive @ axes("listener"), head, jaw])
    assert motion.shape == (frames, MODEL_DIM)
    return with_noise(random, motion)


def speak(
    seed: int,
    recording: int,
    seconds: float,
    silences: Sequence[tuple[float, float]] = (),
    long_pauses: float = 0.0,
) -> Speaker:
    """One speaker for the whole of a recording; `silences` and `long_pauses` as in `syllables`."""
    random = np.random.default_rng([seed, recording])
    return speaker(random, *syllables(random, seconds, silences, long_pauses), smiling)


def speaker(
    random: np.random.Generator,
    level: np.ndarray,
    pauses: np.ndarray,
    smiling: Callable[[np.random.Generator, float], tuple[np.ndarray, np.ndarray]],
) -> Speaker:
    """One of this level and these pauses (`syllables`), who smiles as `smiling` of a generator and the seconds says:
    `smiles` and `smile` of `Speaker`."""
    audio = mel(random, level)
    smiles, smile = smiling(random, len(level) / AUDIO_PER_FRAME / FPS)
    return Speaker(speaker_motion(random, level, smile), audio, pauses, smiles, smile)


def smiling(random: np.random.Generator, seconds: float) -> tuple[np.ndarray, np.ndarray]:
    """Smiles (n, 2), first and last frame of each, and how much is smiled in each frame (T,)."""
    frames, smiles, now = round(seconds * FPS), [], random.uniform(1, 6)
    while now + SMILE_LAG + SMILE_LENGTH[1] < seconds:
        length = random.uniform(*SMILE_LENGTH)
        smiles.append((round(now * FPS), round((now + length) * FPS)))
        now += length + random.uniform(3.0, 9.0)
    smile = sum((random.uniform(0.75, 1) * plateau(frames, a, b - a) for a, b in smiles), start=np.zeros(frames))
    return np.array(smiles, int).reshape(-1, 2), smile


def listen(seed: int, recording: int, speaker: Speaker, future: int = 0, habits: Habits = USUAL) -> np.ndarray:
    """(T, 56): how the listener moves; every `future` is another true answer to the same speaker."""
    random = np.random.default_rng([seed, recording, 1 + future])
    frames = speaker.frames
    nods: list[float] = []
    for pause in speaker.pauses:
        if random.random() < habits.nods:
            nods.append(pause + FPS * random.uniform(*habits.nod_delay))
    for start in random.uniform(0, frames, random.poisson(habits.stray_nods * frames / FPS)):
        # None that could pass for an answer, so that an unanswered pause is one.
        after = start - speaker.pauses
        if not ((after > -0.5 * FPS) & (after < 1.2 * FPS)).any() and np.all(
            np.abs(np.array(nods) - start) > 1.5 * FPS
        ):
            nods.append(start)
    pitch = nodding(random, frames, nods)
    smiling = [a + FPS * habits.smile_lag for a, _ in speaker.smiles if random.random() < habits.smiles]
    smiling += list(random.uniform(0, frames, random.poisson(STRAY_SMILES * frames / FPS)))
    smile = np.zeros(frames)
    for start in smiling:
        length = FPS * random.uniform(*SMILE_LENGTH)
        smile = np.maximum(smile, random.uniform(0.75, 1) * plateau(frames, start, length))
    motion = listener_motion(random, pitch, smile)
    motion[:, PITCH : PITCH + 3] += np.float32(habits.posture)
    return motion


def oracle(speaker: Speaker) -> np.ndarray:
    """(T, 40) float32 of what a listener answers to: hat functions of the time since an event began, 0.1 s apart.

    15 of the last pause, until 1.5 s; 25 of the last smile, until 2.5 s; 0 outside.
    """
    found = []
    for starts, reach in ((speaker.pauses, 45), (speaker.smiles[:, 0], 75)):
        since = np.full(speaker.frames, -np.inf)
        for start in starts:
            end = min(int(start) + reach, speaker.frames)
            since[start:end] = np.arange(end - start)
        hats = np.maximum(0, 1 - np.abs(since[:, None] - np.arange(0, reach, 3)) / 3)
        found.append(hats * (since >= 0)[:, None])
    return np.concatenate(found, axis=1).astype(np.float32)


def smile_of(motion: np.ndarray) -> np.ndarray:
    """How much a listener smiles, 0..1, from motion (..., 56): least squares over the true directions."""
    return motion[..., :50] @ np.linalg.pinv(axes("listener"))[:, 0]


def nod_peaks(motion: np.ndarray) -> np.ndarray:
    """Frames at which a head is deepest in a nod, from motion (T, 56)."""
    pitch = gaussian_filter1d(motion[:, PITCH].astype(float), 2.0)
    fast = pitch - gaussian_filter1d(pitch, 0.5 * FPS)
    peak = (fast[1:-1] > fast[:-2]) & (fast[1:-1] >= fast[2:]) & (fast[1:-1] > 0.28 * np.mean(NOD_DEPTH))
    return np.flatnonzero(peak) + 1


def nods(motion: np.ndarray) -> np.ndarray:
    """Frames of the nods of a head, from motion (T, 56); a nod that goes down twice is one."""
    peaks = nod_peaks(motion)
    return peaks[np.diff(peaks, prepend=-FPS) > 0.7 * FPS]


def nod_window(habits: Habits) -> tuple[int, int]:
    """Frames from a pause to the deepest point of the nod that answers it, at least and at most."""
    return round((habits.nod_delay[0] + 0.05) * FPS), round((habits.nod_delay[1] + 0.7) * FPS)


def answered(motion: np.ndarray, speaker: Speaker, habits: Habits = USUAL) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What a listener (T, 56) did: for each pause whether a nod followed, for each moment far from pauses as well, and
    for each smile of the speaker whether it was returned. All bool."""
    peaks, window = nod_peaks(motion), nod_window(habits)

    def nodded(starts: np.ndarray) -> np.ndarray:
        after = peaks[None, :] - starts[:, None]
        return ((after >= window[0]) & (after <= window[1])).any(axis=1)

    moments = np.arange(0, speaker.frames - 2 * FPS, 10)
    after = moments[:, None] - speaker.pauses[None, :]
    away = moments[((after < -1.2 * FPS) | (after > 1.3 * FPS)).all(axis=1)]
    smile = gaussian_filter1d(smile_of(motion), 2.0)
    returned = []
    for start, _ in speaker.smiles:
        begin = int(start + habits.smile_lag * FPS)
        returned.append(smile[begin + 8 : begin + 36].mean() - smile[max(begin - 12, 0) : begin].mean() > 0.4)
    return nodded(speaker.pauses), nodded(away), np.array(returned, bool)
