"""The demo's conversations as two files, each with its own microphone: is the offset found, and who speaks?

    python -m benchmarks.two_files data/raw/demo work/two_files --recordings 3
    python -m benchmarks.two_files data/raw/demo work/two_files --recordings 3 --results results/demo

Both microphones catch the other voice, quieter, and the right file starts later. It prints a line for each recording.
With `--results`, what was measured of the side-by-side videos is compared: how often the same is said of who speaks,
the correlation and mean difference of faces, which windows both give; and accuracy.json of both, over the same frames.
"""

import argparse
import json
import logging
from pathlib import Path
from tempfile import TemporaryDirectory

import ffmpeg
import numpy as np
import soundfile

from l2l.config import Settings
from l2l.dataset.chunks import plan
from l2l.dataset.layout import WINDOW
from l2l.demo import motion, voices
from l2l.demo.accuracy import write_accuracy
from l2l.demo.dialogue import write_score
from l2l.faces.store import load_faces
from l2l.recordings.recordings import Recording
from l2l.recordings.steps import Work, run
from l2l.sides import SIDES
from l2l.speech.speaking import SPEAKS, load_speaking
from l2l.units import FPS, SAMPLE_RATE
from l2l.video.media import run_ffmpeg

CROSS_TALK, LATE, WAY = -15.0, 0.37, 0.003  # dB; seconds that right starts late; seconds of the way between the two
NOISE = 0.0015  # of full scale


def microphones(own: np.ndarray, other: np.ndarray, cross_talk: float = CROSS_TALK) -> tuple[np.ndarray, np.ndarray]:
    """What two microphones record of two voices (n,) at 16 kHz: (n,) each."""
    random, way = np.random.default_rng(0), round(WAY * SAMPLE_RATE)
    heard = []
    for near, far in ((own, other), (other, own)):
        caught = 10 ** (cross_talk / 20) * np.concatenate([np.zeros(way), far[:-way]])
        heard.append(near + caught + NOISE * random.standard_normal(len(near)))
    return heard[0], heard[1]


def write_pair(
    video: Path, own: np.ndarray, other: np.ndarray, folder: Path, cross_talk: float = CROSS_TALK, late: float = LATE
) -> Path:
    """Write left.mp4 and right.mp4 into `folder`: the halves of a picture, with the voices (n,) of the two people."""
    folder.mkdir(parents=True, exist_ok=True)
    sides = zip(("left", "right"), microphones(own, other, cross_talk), (0.0, late), ("0", "iw/2"), strict=True)
    for side, sound, start, edge in sides:
        wav = folder / f"{side}.wav"
        soundfile.write(wav, np.clip(sound[round(start * SAMPLE_RATE) :], -1, 1), SAMPLE_RATE, subtype="PCM_16")
        picture = ffmpeg.input(str(video), ss=start).video.filter("crop", "iw/2", "ih", edge, 0)
        coding = {"vcodec": "libx264", "preset": "ultrafast", "crf": 18, "acodec": "aac", "audio_bitrate": "96k"}
        run_ffmpeg(video, [picture, ffmpeg.input(str(wav)).audio], folder / f"{side}.mp4", **coding)
        wav.unlink()
    return folder


def who_speaks(probability: np.ndarray, speaking: np.ndarray, start: float) -> float:
    """Share of the frames with speech in which one who speaks is named, as in accuracy.json.

    From probabilities (T, 2) and the truth (n, 2) bool of a recording that begins `start` seconds earlier.
    """
    frames = ((np.arange(len(probability)) + 0.5) / FPS + start) * FPS
    truth = speaking[np.minimum(frames.astype(int), len(speaking) - 1)]
    return float(((probability >= SPEAKS) & truth).any(1)[truth.any(1)].mean())


def same_frames(frames: int, total: int) -> np.ndarray:
    """Which frames of the side-by-side video are nearest to those of two files."""
    nearest = ((np.arange(frames) + 0.5) / FPS + LATE) * FPS
    return np.minimum(nearest.astype(int), total - 1)


def compared(two: Path, one: Path) -> str:
    """What a recording in two files gives, beside the same in one video."""
    speaks = [load_speaking(folder / "speaking.npz") >= SPEAKS for folder in (two, one)]
    there = same_frames(len(speaks[0]), len(speaks[1]))
    said = [f"the same is said of who speaks in {(speaks[0] == speaks[1][there]).all(1).mean():.3f} of the frames"]
    parts = {"expression": slice(0, 50), "head": slice(50, 53), "jaw": slice(53, 54)}
    for side in SIDES:
        found, plain = (load_faces(folder / f"faces_{side}.npz") for folder in (two, one))
        valid = found.valid & plain.valid[there]
        a, b = found.faces[valid].astype(float), plain.faces[there][valid].astype(float)
        for name, columns in parts.items():
            x, y = a[:, columns] - a[:, columns].mean(0), b[:, columns] - b[:, columns].mean(0)
            alike = (x * y).sum() / np.sqrt((x**2).sum() * (y**2).sum())
            error = np.abs(a[:, columns] - b[:, columns]).mean() / np.abs(y).mean()
            said.append(f"{side} {name} r {alike:.3f}, mean difference {error:.2f} of the mean deviation")
    settings = Settings().chunking.model_copy(update={"stride_train": 1})
    plans = [plan(folder, settings, "train", False) for folder in (two, one)]
    for side in SIDES:
        ours = {int(there[start]) for start in plans[0].starts[side]}
        theirs = set(plans[1].starts[side])
        theirs = {start for start in theirs if there[0] <= start <= there[-1] - WINDOW}
        both = len(ours & theirs)
        said.append(f"{side} listens in {len(ours)} windows, {len(theirs)} of one video, {both} of both")
    return "\n   ".join(said)


def accuracies(demo: Path, made: Path, results: Path, names: list[str]) -> None:
    """Print accuracy.json of the same recordings and frames, in two files and side by side."""
    for label, videos in (("two files", made), ("side by side", results / "videos")):
        with TemporaryDirectory() as folder:
            truth = Path(folder)
            for name in names:
                frames = len(load_speaking(videos / name / "speaking.npz"))
                with np.load(demo / f"{name}.truth.npz") as file:
                    there = same_frames(frames, len(file["speaking"])) if label == "two files" else np.arange(frames)
                    np.savez(
                        truth / f"{name}.truth.npz", **{key: file[key][there] for key in ("speaking", "head", "jaw")}
                    )
            write_accuracy(truth, videos, truth / "accuracy.json")
            found = json.loads((truth / "accuracy.json").read_text())
        angles = [f"{name} {found[name]['mean']:.3f}" for name in ("head_pitch", "head_yaw", "head_roll", "jaw")]
        print(
            f"{label}: who_speaks {found['who_speaks']:.4f}, {', '.join(angles)}, tracked {found['both_tracked']:.3f}"
        )


def main() -> None:
    """Print what is found of each recording."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("demo", type=Path, help="data/raw/demo, made by the workflow with the default settings")
    parser.add_argument("out", type=Path)
    parser.add_argument("--recordings", type=int, default=3)
    parser.add_argument("--seed", type=int, default=Settings().seed, help="that the demo was made with")
    parser.add_argument("--cross-talk", type=float, default=CROSS_TALK)
    parser.add_argument("--results", type=Path, help="results/demo, to compare with")
    arguments = parser.parse_args()
    logging.basicConfig(format="%(message)s")
    settings, names = Settings(seed=arguments.seed), list[str]()
    for index in range(arguments.recordings):
        name = f"demo_{index:02d}"
        score = write_score(settings, index, voices.say)
        with np.load(arguments.demo / f"{name}.truth.npz") as truth:
            speaking = truth["speaking"]
        if not np.array_equal(speaking, motion.speaking(score)):
            raise SystemExit(f"{arguments.demo}/{name}.mp4 was made with other settings; give its --seed.")
        pair = arguments.out / "raw" / name
        write_pair(arguments.demo / f"{name}.mp4", score.voice(0), score.voice(1), pair, arguments.cross_talk)
        found = [Recording(name, str(pair))]
        for step in ("normalise", "track", "diarize", "separate", "mel"):
            found = run(step, [Work(found[0], arguments.out / name, settings)])
        if found[0].status != "ok":
            raise SystemExit(found[0].reason)
        offset = json.loads((arguments.out / name / "probe.json").read_text())["offset"]
        probability = load_speaking(arguments.out / name / "speaking.npz")
        named = who_speaks(probability, speaking, LATE)
        wrong = 1000 * abs(offset["seconds"] - LATE)
        print(
            f"{name}: offset {offset['seconds']:.4f} s ({wrong:.1f} ms off), who speaks {named:.4f}, "
            f"tracked {found[0].tracked:.3f}",
            flush=True,
        )
        if arguments.results:
            run("faces", [Work(found[0], arguments.out / name, settings, basis=arguments.results / "face_basis.npz")])
            print("   " + compared(arguments.out / name, arguments.results / "videos" / name), flush=True)
            names.append(name)
    if names:
        accuracies(arguments.demo, arguments.out, arguments.results, names)


if __name__ == "__main__":
    main()
