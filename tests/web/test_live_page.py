"""The page in a browser: a person of the demo before camera and microphone, a face that moves and listens."""

import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import soundfile

import l2l
from benchmarks.live_again import at_places, delay_of, rows_of
from benchmarks.live_browser import RECORD_AT_ONCE, sound_of
from l2l.config import Settings
from l2l.demo.dialogue import write_score
from l2l.demo.motion import move
from l2l.demo.puppet import Puppet, photograph
from l2l.demo.rig import Pose
from l2l.demo.voices import say
from l2l.live.face import LiveFace
from l2l.pictures.listen import DELAY, play
from l2l.units import FPS, PATCH, SAMPLE_RATE
from l2l.video.media import read_frames
from l2l.web.film import WIDTH
from tests.browser import launched, opened
from tests.preloaded import program

SECONDS = 8


def write_person(folder: Path) -> None:
    """camera.mjpeg and microphone.wav: what the person on the left of a demo recording does and says."""
    settings = Settings.model_validate({"demo": {"seconds": SECONDS}})
    score, puppet = write_score(settings, 0, say), Puppet(photograph(0))
    motion, canvas = move(score, settings, 0, 0), puppet.background.copy()
    depth = np.empty(canvas.shape[:2], np.float32)
    with open(folder / "camera.mjpeg", "wb") as file:
        for pose in zip(*motion, strict=True):
            puppet.draw(canvas, depth, Pose(*pose))
            file.write(cv2.imencode(".jpg", cv2.cvtColor(canvas, cv2.COLOR_RGB2BGR))[1].tobytes())
    soundfile.write(folder / "microphone.wav", score.voice(0), SAMPLE_RATE)


@pytest.fixture(scope="module")
def served(tmp_path_factory, trained):
    """A listener that is served, its folder, and a browser before which the person sits."""
    folder = tmp_path_factory.mktemp("page")
    shutil.copytree(trained, folder / "alice")
    write_person(folder)
    command = [program("l2l"), "live", "alice", "--no-browser", "--recordings", "recorded"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder)
    assert server.stdout is not None
    address = server.stdout.readline().split()[1]
    devices = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", "--enable-unsafe-swiftshader")
    files = (f"--use-file-for-fake-video-capture={folder}/camera.mjpeg",)
    files += (f"--use-file-for-fake-audio-capture={folder}/microphone.wav",)
    with launched(*devices, *files) as browser:
        yield browser, address, folder
    server.terminate()
    server.wait(60)


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


@pytest.fixture(scope="module")
def talk(served):
    """A conversation of a few seconds, recorded from its beginning."""
    browser, address, folder = served
    with opened(browser, address) as watched:
        page, sent = watched.page, []
        page.wait_for_selector("#camera:enabled")
        page.on("websocket", lambda socket: socket.on("framesent", lambda data: sent.append(sound_of(data))))
        page.evaluate(RECORD_AT_ONCE)
        page.focus("#camera")
        page.keyboard.press("Enter")
        wait_for(page, 6)
        first = shot(page, "face")
        wait_for(page, 15)
        second = shot(page, "face")
        page.click("#record")
        page.wait_for_selector("#saved:has-text('.npz')", timeout=60_000)
        numbers = Path(folder / page.inner_text("#saved").removeprefix("Saved: "))
        told = page.evaluate("l2l.noticed")
        watched.check()
    with np.load(numbers) as file:
        return SimpleNamespace(
            first=first,
            second=second,
            told=told,
            sent=np.concatenate(sent),
            shown=file["faces"],
            measured=file["speaker"],
            video=numbers.with_suffix(".mp4"),
        )


def test_the_face_moves(talk):
    assert talk.first.std() > 10, "a face is drawn"
    assert np.abs(talk.first.astype(int) - talk.second).mean() > 0.1


def test_the_motion_is_that_of_listen_for_the_same_faces_and_sound(talk, served):
    rows = rows_of(talk.sent, len(talk.measured))
    motion = play(l2l.Listener.load(served[2] / "alice").step, talk.measured, rows)
    assert len(talk.shown) >= 13 * PATCH
    shown = talk.shown[DELAY:]
    np.testing.assert_allclose(motion[: len(shown)], shown, atol=1e-4)
    told = np.concatenate([answer["pitch"] for answer in talk.told if answer["frame"] >= 0])[: len(shown)]
    np.testing.assert_allclose(told, shown[: len(told), 50], atol=1e-3)


def test_the_faces_are_those_of_the_pictures_that_were_recorded(talk, served):
    """A recorded picture is the newest of its moment; the listener was given what lies between two."""
    face, found = LiveFace(served[2] / "alice/face_basis.npz", Settings()), []
    for frame, picture in enumerate(read_frames(talk.video)):
        face.add(np.ascontiguousarray(picture[:, :WIDTH]), frame / FPS)
        if frame % PATCH == PATCH - 1:
            found.append(face.patch(np.arange(frame + 1 - PATCH, frame + 1) / FPS))
    again, seen = (np.concatenate(parts) for parts in zip(*found, strict=True))
    known = seen & again.any(1) & talk.measured[: len(again)].any(1)
    assert known.sum() > 8 * PATCH
    head, measured = again[known, 50:53], talk.measured[: len(again)][known, 50:53]
    error = np.abs(head - measured - np.median(head - measured, 0))  # the face at rest is learned from other pictures
    assert np.median(error) < 0.03
    for axis in (1, 2):  # the person of the demo turns and tilts the head all the time
        assert np.corrcoef(head[:, axis], measured[:, axis])[0, 1] > 0.8


def test_the_sound_is_that_of_the_microphone(talk, served):
    whole, _ = soundfile.read(served[2] / "microphone.wav", dtype="float32")
    alike = []
    for start in range(0, len(talk.sent) - SAMPLE_RATE, SAMPLE_RATE):
        piece = talk.sent[start : start + SAMPLE_RATE]
        if piece.std() > 0.01:
            same = at_places(whole, delay_of(piece, whole) + np.arange(len(piece)))
            alike.append(np.corrcoef(piece, same)[0, 1])
    assert np.median(alike) > 0.75, "the browser resamples, and moves it by parts of a sample"


@pytest.mark.parametrize(("width", "dark"), [(1400, False), (390, True)])
def test_the_page_fits_and_says_what_happens(served, width, dark):
    browser, address, _ = served
    with opened(browser, address, width, dark=dark) as watched:
        page = watched.page
        page.wait_for_selector("#camera")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing lies beside the page"
        page.click("#camera")
        wait_for(page, 4)
        assert shot(page, "face").std() > 10
        assert shot(page, "line").std() > 2, "the time line shows something"
        assert "ms after the picture" in page.inner_text("#late")
        assert page.evaluate("l2l.latencies.every((late) => late > 0)"), "no answer comes before its picture"
        page.click("#stop")
        assert page.inner_text("#status") == "Stopped."
        assert page.is_visible("#camera")
        watched.check()
