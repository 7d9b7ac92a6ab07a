"""A live conversation: what it costs, whether it keeps time, and whether the listener answers.

    python -m benchmarks.live results/demo --minutes 10
    python -m benchmarks.live results/demo --browser 600     # seconds, in a headless Chromium

Without a browser, test recordings are played to an `l2l.Session` one after another, as fast as it goes, for so many
minutes of conversation: CPU-seconds per second of it, memory at the beginning and the end, and how often a nod begins
within a second after the speaker falls silent, beside the same at other moments of silence and speech (shifted pauses).

With one, `l2l live` is served, and the browser's camera and microphone play the first test recording: milliseconds from
a picture taken until the answer to it is drawn, without the look-ahead; the server's share of a core; and whether
memory (the server's, and what the page's scripts hold after their rubbish is collected) or delay grow. Everything else
that the machine does counts too, so its load is said beside them.
"""

import argparse
import contextlib
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import ffmpeg
import numpy as np
import soundfile
from scipy.stats import linregress

import l2l
from l2l.evaluation.events import detect
from l2l.live.session import Session
from l2l.patches.checkpoint import load_codebook
from l2l.recordings.table import with_pictures
from l2l.sides import other
from l2l.speech.intervals import intervals
from l2l.units import FPS, SAMPLE_RATE
from l2l.video.media import ffmpeg_path, read_frames

AFTER = 1.0  # seconds after a pause began, in which a nod answers it
PAUSE = 0.3  # seconds that a pause takes, at least
SHIFTS = range(60, 600, 60)  # frames by which pauses are shifted, for chance
EVERY = 20.0  # seconds between two looks at memory and delay


def half(picture: np.ndarray, side: str) -> np.ndarray:
    """Where one person of a recording sits."""
    middle = picture.shape[1] // 2
    return np.ascontiguousarray(picture[:, :middle] if side == "left" else picture[:, middle:])


def play(session: Session, folder: Path, side: str) -> tuple[np.ndarray, np.ndarray]:
    """The listener (T, 56) of one recording, and whether the speaker speaks (T,), both by frames of the session."""
    session.reset()
    sound, _ = soundfile.read(folder / f"speech_{side}.wav", dtype="float32")
    answers = []
    for frame, picture in enumerate(read_frames(folder / "video.mp4")):
        session.see(half(picture, side), frame / FPS)
        session.hear(sound[frame * SAMPLE_RATE // FPS : (frame + 1) * SAMPLE_RATE // FPS])
        answers += session.answers()
    motion, speaks = (np.concatenate([getattr(one, name) for one in answers]) for name in ("motion", "speaks"))
    return motion[8:], speaks[:-8] >= 0.5


def pauses_of(speaks: np.ndarray) -> np.ndarray:
    """Frames at which the speaker falls silent for a while."""
    return np.array([start for start, end in intervals(~speaks) if start and end - start >= PAUSE * FPS], int)


def answered(nods: np.ndarray, pauses: np.ndarray, frames: int) -> float:
    """Share of pauses after which a nod comes soon."""
    after = (nods[None] - pauses[:, None] % frames) / FPS
    return float(((after > 0) & (after <= AFTER)).any(1).mean()) if len(pauses) else np.nan


def without_browser(results: Path, recordings: list[Path], side: str, minutes: float) -> None:
    session = l2l.Session.load(results)
    session.warm()
    heard, spent, hits, chance = 0.0, time.process_time(), [], []
    first = None
    while heard < 60 * minutes:
        for folder in recordings:
            motion, speaks = play(session, folder, side)
            first = first or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            nods = detect([motion], [0], None)["nod"].time
            pauses = pauses_of(speaks)
            hits += [answered(nods, pauses, len(motion))] * len(pauses)
            chance += [answered(nods, pauses + shift, len(motion)) for shift in SHIFTS] if len(pauses) else []
            heard += len(motion) / FPS
            if heard >= 60 * minutes:
                break
    last = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{heard / 60:.1f} minutes of conversation: {(time.process_time() - spent) / heard:.2f} CPU-s per second")
    print(f"memory after the first recording {first // 1024} MB, at most {last // 1024} MB")
    print(f"nods within {AFTER} s of a pause: {np.mean(hits):.2f} of {len(hits)} pauses; shifted {np.mean(chance):.2f}")


@contextlib.contextmanager
def served(results: Path) -> Iterator[tuple[str, int]]:
    """The page's address and the server's process."""
    command = [sys.executable, "-m", "l2l", "live", results, "--no-browser"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        yield server.stdout.readline().split()[1], server.pid
    finally:
        server.terminate()
        server.wait()


def with_browser(results: Path, folder: Path, side: str, seconds: float, chromium: str) -> None:
    import psutil
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as scratch:
        camera = Path(scratch) / "camera.mjpeg"
        cut = ffmpeg.input(str(folder / "video.mp4")).crop("0" if side == "left" else "in_w/2", 0, "in_w/2", "in_h")
        cut.output(str(camera), **{"q:v": 3}).global_args("-loglevel", "error").run(cmd=ffmpeg_path())
        microphone = (folder / f"speech_{side}.wav").resolve()
        devices = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", "--no-sandbox"]
        devices += [f"--use-file-for-fake-video-capture={camera}", f"--use-file-for-fake-audio-capture={microphone}"]
        with served(results) as (address, pid), sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=chromium, args=[*devices, "--enable-unsafe-swiftshader"]
            )
            page = browser.new_page()
            page.goto(address)
            page.click("#camera")
            page.wait_for_timeout(5000)
            process, looks = psutil.Process(pid), []
            debugger = page.context.new_cdp_session(page)
            began = sum(process.cpu_times()[:2])
            page.evaluate("l2l.latencies.length = l2l.took.length = 0")
            start = time.perf_counter()
            while time.perf_counter() < start + seconds:
                page.wait_for_timeout(1000 * min(EVERY, seconds))
                debugger.send("HeapProfiler.collectGarbage")
                script = debugger.send("Runtime.getHeapUsage")["usedSize"]
                late, took = (np.array(page.evaluate(f"l2l.{name}.splice(0)")) for name in ("latencies", "took"))
                if not len(late):
                    raise SystemExit(f"no answer for {EVERY:.0f} s: {page.inner_text('#status')}")
                minute = (time.perf_counter() - start) / 60
                memory = process.memory_info().rss
                looks.append(Look(minute, memory / 2**20, script / 2**20, late, took, os.getloadavg()[0]))
                print(looks[-1].said(), flush=True)
            spent = (sum(process.cpu_times()[:2]) - began) / (60 * looks[-1].minute)
            dropped = page.evaluate("l2l.dropped")
            browser.close()
    late, took = (np.concatenate([getattr(look, name) for look in looks]) for name in ("late", "took"))
    print(f"{len(took)} answers in {looks[-1].minute:.1f} minutes, {dropped} pictures dropped")
    print(f"picture to answer drawn: median {np.median(late):.0f} ms, 99 % {np.quantile(late, 0.99):.0f} ms")
    print(f"of these in the server, after the last sound: median {np.median(took):.0f} ms")
    print(f"server: {spent:.2f} of a core")
    if len(looks) > 2:
        minutes = [look.minute for look in looks]
        for what, unit, values in (
            ("memory of the server", "MB", [look.server for look in looks]),
            ("memory of the page", "MB", [look.page for look in looks]),
            ("median delay", "ms", [float(np.median(look.late)) for look in looks]),
        ):
            found = linregress(minutes, values)
            print(f"{what}: {found.slope:+.2f} ± {1.96 * found.stderr:.2f} {unit} per minute")


class Look(NamedTuple):
    """What a conversation costs at one moment, and how it went since the last one."""

    minute: float
    server: float  # MB
    page: float  # MB
    late: np.ndarray  # milliseconds of each frame
    took: np.ndarray  # milliseconds of each answer, in the server
    load: float  # of the machine, mean of a minute

    def said(self) -> str:
        late = f"{np.median(self.late):4.0f} ms, 99 % {np.quantile(self.late, 0.99):4.0f} ms"
        memory = f"server {self.server:.1f} MB, page {self.page:.2f} MB"
        return f"{self.minute:5.1f} min: {memory}, {late}, load {self.load:.1f}"


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
        with_browser(args.results, recordings[0], side, args.browser, args.chromium)
    else:
        without_browser(args.results, recordings, side, args.minutes)


if __name__ == "__main__":
    main()
