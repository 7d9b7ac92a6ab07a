"""One video with a microphone for each person, as lapel microphones give it: a voice in each of its two channels.

- normalise looks whether levels say so: while somebody speaks, one channel or the other is clearly louder.
- track asks the lips which channel is whose: usually the left channel is the left person's, but nobody promises it.
- From then on it is like a conversation in two files: who speaks comes from the levels.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from l2l.files import atomic, save_json
from l2l.recordings.recordings import Recording
from l2l.speech.channels import heaps
from l2l.speech.lip_motion import fit_and_motion, loudness, mouth_opening
from l2l.units import FPS
from l2l.video.footage import VOICES
from l2l.video.media import media_input, run_ffmpeg
from l2l.video.normalise import SOUND, filled, mixed, samples_for
from l2l.video.tracks import Tracks

_LOUD = 0.1  # of a sound's loud frames, above which a frame is compared
_SILENCE = 1e-5  # of full scale: digital silence counts as this
_LOUDER = 3.0  # dB by which each channel is louder in its person's frames
_APART = 10.0  # dB between the frames of one person and those of the other
_SHARE = 0.1  # of the loud frames, that each of them has at least
_BETWEEN = 0.25  # share of the loud frames that may lie in the middle half between both
_WINDOW = 0.4  # seconds over which lips and sound are compared
_BLOCK = 5 * FPS  # frames
_SURE = 2.0  # standard errors


def split_voices(recording: Recording, folder: Path) -> bool:
    """Write voice_left.wav and voice_right.wav of a normalised recording whose channels hold a person each.

    Says in probe.json whether they do. Raises UserError where the file cannot be read.
    """
    report = json.loads((folder / "probe.json").read_text(encoding="utf-8"))
    found, part = report["probe"], {}
    for name, value in (("ss", recording.start), ("to", recording.end)):
        if value is not None:
            part[name] = value
    wavs = [folder / name for name in VOICES]
    several = found["audio_channels"] == 1 and found["audio_streams"] == 2
    if several or found["audio_channels"] == 2:
        for number, wav in enumerate(wavs):
            with atomic(wav) as partial:
                stream = _channel(recording.file, part, number, several)
                run_ffmpeg(recording.file, filled(stream, samples_for(report["frames"])), partial, **SOUND)
        report["voices"] = a_person_each(wavs, report["frames"])
    if not report.get("voices"):
        for wav in wavs:
            wav.unlink(missing_ok=True)
    elif several:  # the first one alone is not the sound of both
        with atomic(folder / "audio.wav") as partial:
            run_ffmpeg(recording.file, mixed(wavs), partial, **SOUND)
    save_json(folder / "probe.json", report)
    return bool(report.get("voices"))


def _channel(source: Path, part: dict[str, float], number: int, several: bool) -> Any:
    stream = media_input(source, **part)
    return stream[f"a:{number}"] if several else stream["a:0"].filter("channelmap", str(number), "mono")


def a_person_each(wavs: list[Path], frames: int) -> bool:
    """Whether two sounds hold the voice of one person each."""
    level = np.stack([loudness(wav, frames) for wav in wavs], 1)  # (T, 2)
    loud = level.max(1) > _LOUD * np.quantile(level.max(1), 0.95)
    if not loud.any():
        return False
    difference = 20 * np.log10((level[loud, 0] + _SILENCE) / (level[loud, 1] + _SILENCE))
    low, high = heaps(difference)
    if high - low < _APART or low > -_LOUDER or high < _LOUDER:
        return False
    middle, half = (low + high) / 2, (high - low) / 4
    between = float((np.abs(difference - middle) < half).mean())
    return between <= _BETWEEN and _SHARE <= float((difference > middle).mean()) <= 1 - _SHARE


def whose(tracks: Tracks, wavs: list[Path]) -> str:
    """ "kept" where the first sound is the left person's, "swapped" where it is the right one's, else "unknown"."""
    opening, sums = mouth_opening(tracks), []
    seen = tracks.found.all(1)
    level = np.stack([loudness(wav, len(tracks)) for wav in wavs], 1)
    for number in range(2):
        fit, _ = fit_and_motion(opening, level[:, number], _WINDOW)  # (T, 2)
        own = level[:, number] > 2 * level[:, 1 - number]  # frames in which this channel is the louder one
        advantage = np.where(own & seen, (fit[:, number] - fit[:, 1 - number]), 0)
        sums.append(np.bincount(np.arange(len(tracks)) // _BLOCK, advantage))
    blocks = np.sum(sums, 0)
    error = blocks.std(ddof=1) / np.sqrt(len(blocks)) if len(blocks) > 1 else np.inf
    if abs(blocks.mean()) < _SURE * error or not blocks.any():
        return "unknown"
    return "kept" if blocks.mean() > 0 else "swapped"
