"""A live conversation: what it costs, whether it keeps time, whether it is the listener of the files, and whether it
answers.

    python -m benchmarks.live results/demo --minutes 10
    python -m benchmarks.live results/demo --browser 600     # seconds, in a headless Chromium

Without a browser, test recordings are played to an `l2l.Session` one after another, as fast as it goes, for so many
minutes of conversation: CPU-seconds per second of it, memory at the beginning and the end, what differs from the files
of the recordings (`benchmarks.live_again`), and how often a nod begins within a second after the speaker falls silent,
beside the same at other moments of silence and speech (shifted pauses).

With one, `l2l live` is served, and the browser's camera and microphone play the test recordings one after another
(`benchmarks.live_browser`): milliseconds from a picture taken until the answer to it is drawn, without the look-ahead,
while the first minutes are recorded and after; the server's share of a core; whether memory (the server's, and what the
page's scripts hold after their rubbish is collected) or delay grow. Then what was recorded is compared with what
`l2l listen` makes of the same recordings, and nods are counted as above (`benchmarks.live_again`). Everything else that
the machine does counts too, so its load is said beside them.
"""

import argparse
import itertools
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

import l2l
from benchmarks.live_again import Answered, compare
from benchmarks.live_browser import converse, report
from l2l.dataset.layout import ROTATION
from l2l.files import save_npz
from l2l.live.session import Answer, Session
from l2l.patches.checkpoint import load_codebook
from l2l.recordings.table import with_pictures
from l2l.sides import Side, other
from l2l.units import FPS, PATCH, SAMPLE_RATE
from l2l.video.media import read_frames


def half(picture: np.ndarray, side: str) -> np.ndarray:
    """Where one person of a recording sits."""
    middle = picture.shape[1] // 2
    return np.ascontiguousarray(picture[:, :middle] if side == "left" else picture[:, middle:])


def play(session: Session, folder: Path, side: str, frame: int) -> tuple[list[Answer], np.ndarray]:
    """Play one recording from this frame of the session on: what is answered, and the sound (n,) that was heard."""
    sound, _ = soundfile.read(folder / f"speech_{side}.wav", dtype="float32")
    answers: list[Answer] = []
    for number, picture in enumerate(read_frames(folder / "video.mp4")):
        session.see(half(picture, side), (frame + number) / FPS)
        session.hear(sound[number * SAMPLE_RATE // FPS : (number + 1) * SAMPLE_RATE // FPS])
        answers += session.answers()
    return answers, sound


def without_browser(results: Path, recordings: list[Path], side: Side, minutes: float) -> None:
    session = l2l.Session.load(results)
    session.warm()
    spent, answers, sounds, first = time.process_time(), list[Answer](), list[np.ndarray](), 0
    for folder in itertools.cycle(recordings):
        more, sound = play(session, folder, side, round(session.seconds * FPS))
        first = first or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        answers += more
        sounds.append(sound)
        if session.seconds >= 60 * minutes:
            break
    spent, last = time.process_time() - spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{session.seconds / 60:.1f} minutes of conversation: {spent / session.seconds:.2f} CPU-s per second")
    print(f"memory after the first recording {first // 1024} MB, at most {last // 1024} MB", flush=True)
    motion, speaks, speaker = (
        np.concatenate([getattr(one, name) for one in answers]) for name in ("motion", "speaks", "speaker")
    )
    with tempfile.TemporaryDirectory() as temporary:
        numbers = Path(temporary) / "live.npz"
        shown = np.concatenate([np.zeros_like(motion[:PATCH]), motion])[: len(speaker)]  # as a recording has it
        save_npz(numbers, faces=shown, speaker=speaker)
        for line in compare(results, numbers, np.concatenate(sounds), recordings[: len(sounds)], side):
            print(line, flush=True)
    answered = Answered()
    answered.add(motion[PATCH:, ROTATION.start], speaks[:-PATCH] >= 0.5)
    print(answered.said())


def with_browser(results: Path, recordings: list[Path], side: Side, seconds: float, chromium: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        talk = converse(results, recordings, side, seconds, chromium, Path(folder))
        report(talk)
        (numbers,) = talk.recorded.glob("*.npz")
        for line in compare(results, numbers, talk.sent, recordings, side):
            print(line, flush=True)
    answered, told = Answered(), [one for one in talk.noticed if one["frame"] >= 0]
    # Frame f of the motion answers frame f of the speaker, which came with the answer before.
    pitch = np.concatenate([one["pitch"] for one in told])
    speaks = np.concatenate([one["speaks"] for one in talk.noticed[: len(told)]]) >= 0.5
    answered.add(pitch, speaks)
    print(answered.said())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--browser", type=float, metavar="SECONDS")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    args = parser.parse_args()
    side = other(load_codebook(args.results / "codebook.pt")[2]["listener"])
    rows = with_pictures(args.results)
    tests = [row for row in rows if row.split == "test"] or rows
    recordings = [args.results / "videos" / row.name for row in tests]
    if args.browser:
        with_browser(args.results, recordings, side, args.browser, args.chromium)
    else:
        without_browser(args.results, recordings, side, args.minutes)


if __name__ == "__main__":
    main()
