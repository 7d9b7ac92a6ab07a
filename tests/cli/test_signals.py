"""A command that is told to stop, or killed: nothing of it goes on, and nothing half-written stays."""

import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.media import noise_video
from tests.preloaded import program


def writers(folder: Path) -> list[str]:
    """The ffmpeg processes that have a file of `folder` among their arguments."""
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = process.read_bytes().split(b"\0")
        except OSError:
            continue
        if b"ffmpeg" in words[0] and any(str(folder).encode() in word for word in words):
            found.append(process.parent.name)
    return found


def wait_until(happened) -> None:
    for _ in range(3000):
        if happened():
            return
        time.sleep(0.05)
    raise AssertionError("it did not happen within 150 s")


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of 60 pictures a second, so that it is encoded anew, which takes seconds."""
    return noise_video(tmp_path_factory.mktemp("signals") / "in.mp4", 20, rate="60", size="640x480")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_command_that_is_ended_takes_its_ffmpeg_along(video: Path, tmp_path: Path, number: signal.Signals) -> None:
    command = [program("l2l"), "normalise", video, "--out", tmp_path / "out"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: writers(tmp_path))
    process.send_signal(number)
    said = process.communicate(timeout=30)[1]
    wait_until(lambda: not writers(tmp_path))
    if number == signal.SIGTERM:
        assert process.returncode == 75
        assert said.splitlines()[-1] == "l2l normalise: stopped by SIGTERM; run the same command again."
        assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    else:
        assert process.returncode == -signal.SIGKILL
