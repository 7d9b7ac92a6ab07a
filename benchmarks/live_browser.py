"""A conversation of `l2l live` with a headless Chromium, whose camera and microphone play test recordings.

The conversation is looked at every `EVERY` seconds, and recorded from its first moment on for at most `RECORDED`
seconds, by the page's own button.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import ffmpeg
import numpy as np
import psutil
import soundfile
from playwright.sync_api import Page, sync_playwright
from scipy.stats import linregress

from l2l.sides import Side
from l2l.units import SAMPLE_RATE
from l2l.video.media import ffmpeg_path
from l2l.web.live import SOUND

EVERY = 20.0  # seconds between two looks at memory and delay
RECORDED = 240.0  # seconds
SAVED = 600.0  # seconds that the film may take after the conversation
# The button is pressed as soon as it is there, before any sound is sent: the recording begins with the conversation.
RECORD_AT_ONCE = """() => {
    const button = document.getElementById("record");
    new MutationObserver((_, observer) => {
        if (button.hidden) return;
        observer.disconnect();
        button.click();
    }).observe(button, { attributes: true });
}"""


class Look(NamedTuple):
    """What a conversation costs at one moment, and how it went since the last one."""

    minute: float
    server: float  # MB
    page: float  # MB
    late: np.ndarray  # milliseconds of each frame
    took: np.ndarray  # milliseconds of each answer, in the server
    load: float  # of the machine, mean of a minute
    recording: bool

    def said(self) -> str:
        late = f"{np.median(self.late):4.0f} ms, 99 % {np.quantile(self.late, 0.99):4.0f} ms"
        memory = f"server {self.server:.1f} MB, page {self.page:.2f} MB"
        return f"{self.minute:5.1f} min: {memory}, {late}, load {self.load:.1f}{', recording' * self.recording}"


class Conversation(NamedTuple):
    """What happened."""

    looks: list[Look]
    noticed: list[dict[str, Any]]  # what the page got with each answer
    recorded: Path  # folder of the video and the numbers
    sent: np.ndarray  # the sound that the page sent
    dropped: int  # pictures
    cores: float  # that the server used


def devices(recordings: Sequence[Path], side: Side, folder: Path) -> list[str]:
    """Chromium's arguments for a camera and a microphone that play the person at `side` of preprocessed recordings,
    one after another and then again. The files are written into `folder`."""
    camera, microphone = folder / "camera.mjpeg", folder / "microphone.wav"
    left = "0" if side == "left" else "in_w/2"
    with open(camera, "wb") as file, soundfile.SoundFile(microphone, "w", SAMPLE_RATE, 1, "PCM_16") as sound:
        for recording in recordings:
            half = ffmpeg.input(str(recording / "video.mp4")).crop(left, 0, "in_w/2", "in_h")
            command = half.output("pipe:", format="mjpeg", **{"q:v": 3}).global_args("-loglevel", "error")
            player = command.run_async(cmd=ffmpeg_path(), pipe_stdout=True)
            shutil.copyfileobj(player.stdout, file)
            assert player.wait() == 0
            sound.write(soundfile.read(recording / f"speech_{side}.wav", dtype="int16")[0])
    return [
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={camera}",
        f"--use-file-for-fake-audio-capture={microphone}",
    ]


@contextlib.contextmanager
def served(results: Path, recorded: Path) -> Iterator[tuple[str, int]]:
    """The page's address and the server's process."""
    command = [sys.executable, "-m", "l2l", "live", results, "--no-browser", "--recordings", recorded]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        yield server.stdout.readline().split()[1], server.pid
    finally:
        server.terminate()
        server.wait()


def converse(
    results: Path, recordings: Sequence[Path], side: Side, seconds: float, chromium: str, folder: Path
) -> Conversation:
    """Talk for so many seconds; files are written into `folder`."""
    played, recorded = devices(recordings, side, folder), folder / "recorded"
    with served(results, recorded) as (address, pid), sync_playwright() as playwright:
        flags = [*played, "--no-sandbox", "--enable-unsafe-swiftshader"]
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        page, sent = browser.new_page(), []
        page.on("websocket", lambda socket: socket.on("framesent", lambda data: sent.append(sound_of(data))))
        page.goto(address)
        page.evaluate(RECORD_AT_ONCE)
        page.click("#camera")
        page.wait_for_timeout(5000)
        process, noticed = psutil.Process(pid), page.evaluate("l2l.noticed.splice(0)")
        page.evaluate("l2l.latencies.length = l2l.took.length = 0")
        began, start = sum(process.cpu_times()[:2]), time.perf_counter()
        looks: list[Look] = []
        for look, more in looked_at(page, process, start + seconds):
            looks.append(look)
            noticed += more
            print(look.said(), flush=True)
        cores = (sum(process.cpu_times()[:2]) - began) / (time.perf_counter() - start)
        dropped = page.evaluate("l2l.dropped")
        page.wait_for_selector("#saved:has-text('.npz')", timeout=1000 * SAVED)
        browser.close()
    return Conversation(looks, noticed, recorded, np.concatenate(sent), dropped, cores)


def sound_of(data: bytes | str) -> np.ndarray:
    """The samples of a message from the page; none if it is something else."""
    if isinstance(data, str) or data[0] != SOUND:
        return np.zeros(0, np.float32)
    return np.frombuffer(data, "<i2", offset=9).astype(np.float32) / 32768


def looked_at(page: Page, process: psutil.Process, end: float) -> Iterator[tuple[Look, list[dict[str, Any]]]]:
    """Looks at a conversation until `end`, each with what the page got since the last one."""
    debugger = page.context.new_cdp_session(page)
    start = time.perf_counter()
    recording = True
    while time.perf_counter() < end:
        page.wait_for_timeout(1000 * min(EVERY, end - time.perf_counter()))
        debugger.send("HeapProfiler.collectGarbage")
        script = debugger.send("Runtime.getHeapUsage")["usedSize"]
        late, took, noticed = (page.evaluate(f"l2l.{name}.splice(0)") for name in ("latencies", "took", "noticed"))
        if not late:
            raise SystemExit(f"no answer for {EVERY:.0f} s: {page.inner_text('#status')}")
        seconds = time.perf_counter() - start
        memory = process.memory_info().rss
        costs = memory / 2**20, script / 2**20, np.array(late), np.array(took), os.getloadavg()[0]
        yield Look(seconds / 60, *costs, recording), noticed
        if recording and seconds >= min(RECORDED, end - start - 1):
            page.click("#record")
            recording = False


def report(talk: Conversation) -> None:
    """Print what it cost."""
    looks = talk.looks
    for words, chosen in (
        ("", looks),
        (" while it is recorded", [look for look in looks if look.recording]),
        (" while it is not", [look for look in looks if not look.recording]),
    ):
        if chosen:
            late = np.concatenate([look.late for look in chosen])
            shown = f"median {np.median(late):.0f} ms, 99 % {np.quantile(late, 0.99):.0f} ms"
            print(f"picture to answer drawn{words}: {shown}")
    took = np.concatenate([look.took for look in looks])
    print(f"{len(took)} answers in {looks[-1].minute:.1f} minutes, {talk.dropped} pictures dropped")
    print(f"of these in the server, after the last sound: median {np.median(took):.0f} ms")
    print(f"server: {talk.cores:.2f} of a core")
    if len(looks) > 2:
        minutes = [look.minute for look in looks]
        for what, unit, values in (
            ("memory of the server", "MB", [look.server for look in looks]),
            ("memory of the page", "MB", [look.page for look in looks]),
            ("median delay", "ms", [float(np.median(look.late)) for look in looks]),
        ):
            found = linregress(minutes, values)
            print(f"{what}: {found.slope:+.2f} ± {1.96 * found.stderr:.2f} {unit} per minute")
