"""diarize, where each person has a microphone: who speaks, from the levels of the two channels.

- A voice is louder in its own channel than in the other, by the cross-talk between them; two at once lie between.
- How loud cross-talk is follows from the recording itself: frames with speech make two heaps of level differences.
- Voice activity of a person's own channel shows when they speak.
"""

import numpy as np
import scipy  # what is used of it is loaded when it is used: each part takes some tenths of a second

from l2l import config
from l2l.speech.lip_motion import loudness
from l2l.speech.speaking import Speaking
from l2l.speech.vad import voice_activity
from l2l.video.footage import Footage
from l2l.video.tracks import load_tracks

_MARGIN = 8.0  # dB that a level may differ from that of cross-talk alone
_FARTHEST = 25.0  # dB: quieter cross-talk counts as this
_APART = 6.0  # dB between the two heaps; nearer ones are one
_FAINTEST = 40.0  # dB below a person's loud speech
_HOLE, _BLIP = 4, 2  # frames: shorter holes are filled, shorter speech is dropped
_EDGE = 5  # frames that a voice may begin before voice activity shows it, and end after
_SILENCE = 1e-5  # of full scale: digital silence counts as this
_QUIET = 0.05  # share of the frames that are no louder than the room
_ABOVE = 3.0  # dB that a voice is louder than the room


def diarize(footage: Footage, settings: config.DiarizationSettings) -> Speaking:
    """Who speaks, from the sound of the left and of the right person's microphone."""
    frames = len(load_tracks(footage.tracks))
    activity = np.stack([voice_activity(voice, frames) for voice in footage.voices], 1)  # (T, 2)
    level = np.stack([loudness(voice, frames) for voice in footage.voices], 1)  # (T, 2)
    speaks, report = who_speaks(level, activity, settings.speech)
    scaled = np.clip(activity / (2 * settings.speech), 0, 1)
    probability = np.where(speaks, np.maximum(scaled, 0.5), np.minimum(scaled, 0.499) * ~speaks.any(1, keepdims=True))
    return Speaking(probability.astype(np.float32), activity.max(1), {"backend": "channels", "channels": report})


def who_speaks(level: np.ndarray, activity: np.ndarray, threshold: float) -> tuple[np.ndarray, dict[str, float]]:
    """(T, 2) bool, and the cross-talk that was found, in dB.

    From each channel's root mean square (T, 2) and voice activity (T, 2); speech has an activity above `threshold`.
    """
    voiced = activity >= threshold
    if not voiced.any():
        return voiced, {}
    power = np.maximum(level.astype(np.float64), _SILENCE) ** 2
    noise = np.quantile(power, _QUIET, axis=0)
    levels = _decibels(np.maximum(power - noise, noise / 10))  # (T, 2)
    loud = np.array([_loud(levels[:, person], voiced[:, person]) for person in range(2)])
    difference = levels[:, 0] - levels[:, 1]  # > 0: the left channel is louder
    low, high = heaps((difference - loud[0] + loud[1])[voiced.any(1)])
    if high - low < _APART:  # one person speaks in all: their own channel is the louder one
        low, high = -2 * _MARGIN, 2 * _MARGIN
    else:
        difference += loud[1] - loud[0]
    low, high = max(low, -_FARTHEST), min(high, _FARTHEST)
    margin = min(_MARGIN, (high - low) / 2)
    own = np.stack([difference > low + margin, difference < high - margin], 1)
    own &= (levels > loud - _FAINTEST) & (levels > _decibels(noise) + _ABOVE)
    # The faint end of a word is nobody's by its level.
    near = own | (voiced & ~own.any(1, keepdims=True))
    speaks = np.stack([_steady(own[:, k] & voiced[:, k], near[:, k]) for k in range(2)], 1)
    return speaks, {"left_in_right_db": -high, "right_in_left_db": low}


def _decibels(power: np.ndarray) -> np.ndarray:
    return 10 * np.log10(power)


def _loud(level: np.ndarray, voiced: np.ndarray) -> float:
    """dB of a channel's loud speech."""
    return float(np.quantile(level[voiced] if voiced.any() else level, 0.9))


def heaps(values: np.ndarray) -> tuple[float, float]:
    """Medians of the lower and of the higher values, divided where two means fit best."""
    low, high = np.quantile(values, [0.02, 0.98])
    for _ in range(20):
        upper = values > (low + high) / 2
        if upper.all() or not upper.any():
            break
        low, high = np.median(values[~upper]), np.median(values[upper])
    return float(low), float(high)


def _steady(speaks: np.ndarray, near: np.ndarray) -> np.ndarray:
    """(T,) bool without short holes and blips, and with the edges of speech that are `near` (T,) its own voice."""
    speaks = scipy.ndimage.binary_closing(np.pad(speaks, _HOLE), np.ones(_HOLE + 1))
    speaks = scipy.ndimage.binary_opening(speaks, np.ones(_BLIP + 1))
    speaks = scipy.ndimage.binary_dilation(speaks, iterations=_EDGE, mask=np.pad(near, _HOLE) | speaks)
    return np.asarray(speaks[_HOLE:-_HOLE])
