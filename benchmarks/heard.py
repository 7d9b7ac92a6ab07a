"""What is heard in the demo: lips against shifted sound, how sure the answer to who speaks is, a microphone for each.

Called by benchmarks/footage.py. Of each recording that is in `videos`, the tracks are taken as they are there.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import ffmpeg
import numpy as np
import soundfile
from scipy.signal import fftconvolve

from benchmarks.two_files import microphones, who_speaks
from l2l.config import Settings
from l2l.demo import motion, voices
from l2l.demo.dialogue import write_score
from l2l.recordings.recordings import Recording
from l2l.recordings.steps import Work, run
from l2l.speech import lip_motion, sync
from l2l.speech.speaking import load_speaking
from l2l.units import FPS, SAMPLE_RATE
from l2l.video.footage import REPORT, Footage, said
from l2l.video.media import run_ffmpeg
from l2l.video.tracks import load_tracks

SHIFTS, _STRETCH = 12, 30 * FPS  # frames
SOUNDS = ("as it is", "noise 10 dB", "noise 0 dB", "music 5 dB", "reverb")


def spoilt(sound: np.ndarray, how: str) -> np.ndarray:
    """A sound (n,) with noise or music of so many dB below it, or in a room that echoes for 0.8 s."""
    random, power = np.random.default_rng(0), np.sqrt(np.mean(sound**2))
    if how == "as it is":
        return sound
    time = np.arange(len(sound)) / SAMPLE_RATE
    if how == "reverb":
        short = time[: round(0.8 * SAMPLE_RATE)]
        room = random.standard_normal(len(short)) * 10 ** (-3 * short / 0.8)
        room[0] += 8
        wet = fftconvolve(sound, room)[: len(sound)]
        return wet * power / np.sqrt(np.mean(wet**2))
    kind, level, _ = how.split()
    other = random.standard_normal(len(sound))
    if kind == "music":  # three notes of a scale every half second, each with its overtones
        other = np.zeros(len(sound))
        for start in range(0, len(sound), SAMPLE_RATE // 2):
            part = slice(start, start + SAMPLE_RATE // 2)
            own = time[part] - time[start]
            for note in random.choice([220, 261.6, 329.6, 392, 440, 523.3], 3):
                other[part] += sum(np.sin(2 * np.pi * note * k * own) * np.exp(-3 * own) / k for k in range(1, 5))
    return sound + other * power * 10 ** (-float(level) / 20) / other.std()


def _recordings(demo: Path, videos: Path) -> Iterator[tuple[str, Footage, np.ndarray]]:
    for truth in sorted(demo.glob("*.truth.npz")):
        name = truth.name.removesuffix(".truth.npz")
        if (videos / name / "tracks.npz").exists():
            with np.load(truth) as file:
                yield name, Footage.of(videos / name), file["speaking"]


def shifted(demo: Path, videos: Path) -> None:
    """Print how often the shift of a stretch of 30 s is found within a frame."""
    print("\nsound shifted by -12 to 12 frames, 30 s each\n   within a frame  certain  certain and wrong  stretches")
    for how in SOUNDS:
        right = certain = wrong = count = 0
        for _, footage, _ in _recordings(demo, videos):
            tracks, (sound, _) = load_tracks(footage.tracks), soundfile.read(footage.audio)
            opening, sound = lip_motion.mouth_opening(tracks), spoilt(sound, how)
            first = (len(tracks) - _STRETCH) // 2
            part = slice(first, first + _STRETCH)
            for shift in range(-SHIFTS, SHIFTS + 1, 1 if how == "as it is" else 4):
                start = round((first - shift) * SAMPLE_RATE / FPS)
                with TemporaryDirectory() as scratch:
                    wav = Path(scratch) / "sound.wav"
                    heard = np.clip(sound[start : start + SAMPLE_RATE * _STRETCH // FPS], -1, 1)
                    soundfile.write(wav, heard, SAMPLE_RATE, subtype="PCM_16")
                    levels = sync.band_levels(wav, _STRETCH)
                found = sync.best_lag(opening[part], tracks.found[part], levels)
                near = abs(found.late - shift) <= 1
                count, right, certain = count + 1, right + near, certain + found.certain
                wrong += found.certain and not near
        print(f"   {right / count:14.3f} {certain / count:8.3f} {wrong:18d} {count:10d}  {how}", flush=True)


def reliability(demo: Path, videos: Path) -> None:
    """Print how often a person speaks of whom a probability says so, by tenths of probability."""
    print("\nprobability of speaking, and how often they do: share of the frames in which a person speaks, by tenths")
    settings = Settings().diarization
    for how in SOUNDS:
        found, truth, named = [], [], []
        for _, footage, speaking in _recordings(demo, videos):
            with TemporaryDirectory() as scratch:
                wav = Path(scratch) / "audio.wav"
                sound = np.clip(spoilt(soundfile.read(footage.audio)[0], how), -1, 1)
                soundfile.write(wav, sound, SAMPLE_RATE, subtype="PCM_16")
                probability = lip_motion.diarize(Footage(footage.video, wav, footage.tracks), settings).probability
            found.append(probability.ravel())
            truth.append(speaking.ravel())
            named.append(who_speaks(probability, speaking, 0.0))
        said_, does = np.concatenate(found), np.concatenate(truth)
        tenth = np.minimum((said_ * 10).astype(int), 9)
        rows = [(said_[tenth == k].mean(), does[tenth == k].mean(), (tenth == k).mean()) for k in range(10)]
        error = sum(abs(p - t) * share for p, t, share in rows)
        curve = " ".join(f"{p:.2f}:{t:.2f}" for p, t, _ in rows)
        print(f"   {curve}  error {error:.3f}, who speaks {np.mean(named):.3f}  {how}", flush=True)


def lapel(demo: Path, videos: Path, out: Path, recordings: int = 2) -> None:
    """Print who speaks where a video has a microphone for each person in its two channels, in order and swapped."""
    print("\na microphone for each person in two channels, cross-talk at -15 dB")
    settings = Settings()
    for index, (name, footage, speaking) in enumerate(_recordings(demo, videos)):
        if index >= recordings:
            return
        score = write_score(settings, int(name[-2:]), voices.say)
        if not np.array_equal(speaking, motion.speaking(score)):
            raise SystemExit(f"{demo}/{name}.mp4 was made with other settings or another version; make the demo again.")
        heard = microphones(score.voice(0), score.voice(1))
        for order in (heard, heard[::-1]):
            folder = out / "lapel"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            soundfile.write(folder / "both.wav", np.clip(np.stack(order, 1), -1, 1), SAMPLE_RATE, subtype="PCM_16")
            streams = [ffmpeg.input(str(footage.video)).video, ffmpeg.input(str(folder / "both.wav")).audio]
            run_ffmpeg(footage.video, streams, folder / "a.mp4", vcodec="copy", acodec="aac", audio_bitrate="160k")
            found = [Recording("a", str(folder / "a.mp4"))]
            for step in ("normalise", "track", "diarize"):
                found = run(step, [Work(found[0], folder / "made", settings)])
            probability = load_speaking(folder / "made/speaking.npz")
            whose = said(folder / "made" / REPORT).get("voices", "mixed")
            print(f"   {name}: {whose:8} who speaks {who_speaks(probability, speaking, 0.0):.4f}", flush=True)
