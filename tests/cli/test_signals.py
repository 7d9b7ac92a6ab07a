"""A command that is told to stop, or killed: nothing of it goes on, and nothing half-written stays."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from l2l.errors import Stopped, UserError
from l2l.video import media
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


def test_sigterm_while_ffmpeg_starts_waits_until_it_can_be_ended(tmp_path: Path, monkeypatch) -> None:
    """Else the parent would clean up first, and ffmpeg write its file after that."""
    begun = []

    def slow(*arguments, **options):
        os.kill(os.getpid(), signal.SIGTERM)
        begun.append(Popen(*arguments, **options))
        return begun[0]

    def stopped(*_: object) -> None:
        raise Stopped("stopped by SIGTERM.")

    media.ffmpeg_path()  # starts ffmpeg too, once
    Popen = subprocess.Popen
    monkeypatch.setattr(media.subprocess, "Popen", slow)
    before = signal.signal(signal.SIGTERM, stopped)
    try:
        with pytest.raises(Stopped), media.video_writer(tmp_path / "a.mp4", 64, 48):
            pass
    finally:
        signal.signal(signal.SIGTERM, before)
    assert begun[0].returncode == -signal.SIGKILL and not list(tmp_path.iterdir())


def test_the_sentence_comes_after_what_was_printed() -> None:
    """Both streams may go into one log; its last line says what went wrong."""
    begin = "import sys; from l2l.cli import main; from tests.cli.test_signals import Failing; main.app = Failing(); "
    program = begin + "sys.exit(main.main(['x']))"
    done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 1 and done.stdout == "a table\nl2l x: it is wrong.\n"


LOST = """
import ctypes, os, signal, sys, time
from l2l.cli import main
from l2l.errors import UserError

def told():
    os.kill(os.getpid(), signal.SIGTERM)
    for _ in range(1000):  # the handler runs here
        pass

def in_compiled_code():
    ctypes.CFUNCTYPE(None)(told)()

def by_an_exception_that_nobody_minds():
    try:
        told()
    except Exception:
        pass

def as_a_fault_of_the_input():
    by_an_exception_that_nobody_minds()
    raise UserError("weights and sizes disagree.")

class Waiting:
    def parse_commands(self, words):
        return words, None, None

    def __call__(self, words):
        globals()[words[0]]()
        print("goes on", flush=True)
        time.sleep(30)

main.app = Waiting()
sys.exit(main.main())
"""


@pytest.mark.parametrize("where", ["in_compiled_code", "by_an_exception_that_nobody_minds", "as_a_fault_of_the_input"])
def test_a_signal_whose_exception_is_lost_is_not(where: str) -> None:
    done = subprocess.run([sys.executable, "-c", LOST, where], capture_output=True, text=True, timeout=25)
    assert done.returncode == 75 and done.stdout == ("" if where == "as_a_fault_of_the_input" else "goes on\n")
    assert done.stderr == f"l2l {where}: stopped by SIGTERM; run the same command again.\n"


SERVER = """
import os, signal, sys, threading, time
from l2l.cli import main
from l2l.web.serve import serve

async def app(scope, receive, send):
    await receive()  # it starts
    await send({"type": "lifespan.startup.complete"})
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM)).start()
    await receive()  # it ends
    await send({"type": "lifespan.shutdown.complete"})

class Serving:
    def parse_commands(self, words):
        return words, None, None

    def __call__(self, words):
        serve(app, "127.0.0.1", 0, False)
        time.sleep(0.5)
        print("what a server leaves to do is done")

main.app = Serving()
sys.exit(main.main())
"""


def test_a_server_that_is_told_to_end_has_done_its_work() -> None:
    done = subprocess.run([sys.executable, "-c", SERVER, "view"], capture_output=True, text=True, timeout=25)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "what a server leaves to do is done"


EARLY = """
import os, signal, sys

class Finder:
    def find_spec(self, name, *_):
        if name == "cyclopts":
            os.kill(os.getpid(), signal.SIGTERM)

sys.meta_path.insert(0, Finder())
from l2l.__main__ import main
sys.exit(main())
"""


def test_a_signal_is_heard_before_the_command_line_is_loaded() -> None:
    done = subprocess.run([sys.executable, "-c", EARLY, "x"], capture_output=True, text=True, timeout=25)
    assert (done.returncode, done.stderr) == (75, "l2l: stopped by SIGTERM; run the same command again.\n")


class Failing:
    """An application whose one command prints and fails."""

    def parse_commands(self, words: list[str]) -> tuple[list[str], None, None]:
        return words, None, None

    def __call__(self, words: list[str]) -> None:
        print("a table")
        raise UserError("it is wrong.")
