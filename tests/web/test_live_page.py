"""The page in a browser: camera and microphone in, a face that moves out, in time."""

import shutil
import subprocess

import cv2
import numpy as np
import pytest
import soundfile

from l2l.video.media import video_writer
from tests.browser import launched, opened
from tests.live.trained import portrait
from tests.media import ffmpeg
from tests.preloaded import program

SECONDS = 6


@pytest.fixture(scope="module")
def conversation(tmp_path_factory, trained):
    """A served listener, and a browser whose camera and microphone play a person who nods their head and talks."""
    folder = tmp_path_factory.mktemp("page")
    shutil.copytree(trained, folder / "alice")
    with video_writer(folder / "camera.mp4", 320, 240) as write:
        for frame in range(30 * SECONDS):
            write(portrait(0.1 * np.sin(frame / 5)))
    ffmpeg("-i", str(folder / "camera.mp4"), "-q:v", "3", str(folder / "camera.mjpeg"))
    sound = np.random.default_rng(0).normal(0, 0.1, SECONDS * 16000) * np.repeat([1, 0], SECONDS * 8000)
    soundfile.write(folder / "microphone.wav", sound, 16000)
    command = [program("l2l"), "live", "alice", "--no-browser"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder)
    assert server.stdout is not None
    address = server.stdout.readline().split()[1]
    devices = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", "--enable-unsafe-swiftshader")
    files = (f"--use-file-for-fake-video-capture={folder}/camera.mjpeg",)
    files += (f"--use-file-for-fake-audio-capture={folder}/microphone.wav",)
    with launched(*devices, *files) as browser:
        yield browser, address
    server.terminate()
    server.wait(20)


def shot(page, name):
    """The pixels of a canvas as they are shown, (H, W, 3)."""
    picture = page.locator(f"#{name}").screenshot()
    return cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)


def wait_for(page, answers):
    # Not by wait_for_function, which evaluates a string: the page allows none.
    for _ in range(600):
        if page.evaluate("window.l2l?.answers ?? 0") >= answers:
            return
        page.wait_for_timeout(100)
    raise AssertionError(page.inner_text("#status"))


@pytest.mark.parametrize(("width", "dark"), [(1400, False), (390, True)])
def test_a_face_listens_to_camera_and_microphone(conversation, width, dark):
    browser, address = conversation
    with opened(browser, address, width, dark=dark) as watched:
        page = watched.page
        page.wait_for_selector("#camera")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing lies beside the page"
        page.focus("#camera")
        page.keyboard.press("Enter")
        wait_for(page, 6)
        first = shot(page, "face")
        wait_for(page, 12)
        second = shot(page, "face")
        assert first.std() > 10, "a face is drawn"
        assert (first.shape != second.shape) or np.abs(first.astype(int) - second).mean() > 0.1, "and it moves"
        assert shot(page, "line").std() > 2, "the time line shows something"
        assert "ms after the picture" in page.inner_text("#late")
        assert page.evaluate("l2l.latencies.every((late) => late > 0)"), "no answer comes before its picture"
        page.click("#stop")
        assert page.inner_text("#status") == "Stopped."
        assert page.is_visible("#camera")
        watched.check()
