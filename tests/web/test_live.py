"""The page that talks: who may ask, what it answers, and what it writes."""

import json
import shutil
import socket
import struct
import subprocess
import time

import cv2
import numpy as np
import pytest
import requests
from pylivelinkface import FaceBlendShape, PyLiveLinkFace
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from l2l.export.sources import of_file
from l2l.video.media import read_frames
from l2l.video.probing import probe
from l2l.web.film import HEIGHT, WIDTH
from tests.export.made import write_basis
from tests.live.trained import portrait
from tests.preloaded import program


@pytest.fixture(scope="module")
def avatar():
    """A socket that hears what is sent to an avatar."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as heard:
        heard.bind(("127.0.0.1", 0))
        heard.settimeout(10)
        yield heard


@pytest.fixture(scope="module")
def served(tmp_path_factory, trained, avatar):
    """The address with its token, and the folder for what is recorded."""
    folder = tmp_path_factory.mktemp("served")
    shutil.copytree(trained, folder / "<b>alice")
    write_basis(folder / "<b>alice" / "face_basis.npz", "blendshapes")
    command = ["live", folder / "<b>alice", "--no-browser", "--recordings", folder / "recorded"]
    command += ["--livelink", f"127.0.0.1:{avatar.getsockname()[1]}"]
    server = subprocess.Popen([program("l2l"), *command], stdout=subprocess.PIPE, text=True, cwd=folder)
    assert server.stdout is not None
    yield server.stdout.readline().split()[1], folder / "recorded"
    server.terminate()
    assert server.wait(60) == 0


@pytest.fixture
def base(served):
    return served[0].split("/?")[0]


@pytest.fixture
def token(served):
    return served[0].split("token=")[1]


def test_the_page_needs_the_token_and_then_its_cookie(served, base):
    assert base.startswith("http://127.0.0.1:")
    browser = requests.Session()
    assert browser.get(base).status_code == 403
    page = browser.get(served[0])
    assert page.status_code == 200 and "<title>A listener</title>" in page.text
    assert browser.get(f"{base}/live.js").status_code == 200
    assert browser.get(f"{base}/about").json()["title"] == "<b>alice"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "HttpOnly" in page.headers["set-cookie"] and "SameSite=Strict" in page.headers["set-cookie"]


def test_wrong_tokens_other_names_and_other_pages_are_refused(served, base, token):
    wrong = token.swapcase()  # of 24 characters, some are letters
    assert requests.get(f"{base}/?token={wrong}").status_code == 403
    assert requests.get(served[0], headers={"Host": "evil.example"}).status_code == 403
    assert requests.get(served[0], headers={"Origin": "http://evil.example"}).status_code == 403
    right = talk(served)
    for address, headers in (
        (right.replace(token, wrong), {}),
        (right, {"Origin": "http://evil.example"}),
        (right, {"Origin": "null"}),
    ):
        with pytest.raises(InvalidStatus, match="403"), connect(address, additional_headers=headers):
            pass


@pytest.mark.parametrize("path", ["../guard.py", "%2e%2e/guard.py", "..%2fguard.py", "/etc/passwd", "sample.mp4"])
def test_nothing_else_is_served(base, token, path):
    with requests.Session() as browser:
        asked = requests.Request("GET", f"{base}/x").prepare()
        asked.url = f"{base}/{path}?token={token}"
        assert browser.send(asked).status_code in (403, 404)


def talk(served):
    return served[0].replace("http", "ws").replace("/?", "/talk?")


def message(kind, at, content):
    return struct.pack("<Bd", kind, at) + content


def jpeg(frame):
    picture = portrait(0.1 * np.sin(frame / 5))
    return cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))[1].tobytes()


class Page:
    """What the page does, without a browser: one second of sound and pictures at a time."""

    def __init__(self, served, **wish):
        self.socket = connect(talk(served), legacy=True)
        self.socket.send(json.dumps({"do": "begin"} | wish))
        self.begun = self.told()
        self.second = 0

    def told(self):
        """The next words; answers before them are left out."""
        while isinstance(data := self.socket.recv(timeout=60), bytes):
            pass
        return json.loads(data)

    def talk(self, seconds):
        """Returns the answers that come to them."""
        for _ in range(seconds):
            for frame in range(30 * self.second, 30 * self.second + 30):
                self.socket.send(message(1, frame / 30, jpeg(frame)))
            noise = np.random.default_rng(self.second).normal(0, 2000, 16000).astype("<i2")
            self.socket.send(message(2, self.second, noise.tobytes()))
            self.second += 1
        expected = int((self.second - 0.15) * 30 / 8)
        answers = []
        while not answers or answers[-1][0]["frame"] < 8 * (expected - 2):
            data = self.socket.recv(timeout=30)
            assert isinstance(data, bytes)
            size = struct.unpack_from("<I", data)[0]
            answers.append((json.loads(data[4 : 4 + size]), np.frombuffer(data, "<f4", offset=4 + size)))
        return answers


def test_a_conversation_and_its_recording(served, avatar):
    page = Page(served, seed=1)
    mesh = page.begun["mesh"]
    vertices = len(mesh["rest"]) // 3
    assert {part["smooth"] for part in mesh["parts"]} == {True, False}
    assert max(max(part["triangles"]) for part in mesh["parts"]) < vertices
    answers = page.talk(2)
    for noticed, meshes in answers:
        assert meshes.shape == (8 * vertices * 3,) and np.isfinite(meshes).all()
        assert len(noticed["pitch"]) == len(noticed["speaks"]) == len(noticed["smile"]) == 8
    assert answers[-1][0]["seen"][-1] and not served[1].exists(), "nothing is written unasked"
    packet = PyLiveLinkFace.decode(avatar.recv(2000))[1]
    assert packet.name == "<b>alice" and isinstance(packet.get_blendshape(FaceBlendShape.HeadPitch), float)

    page.socket.send(json.dumps({"do": "record", "on": True}))
    assert page.told() == {"is": "recording"}
    page.talk(3)
    page.socket.send(json.dumps({"do": "record", "on": False}))
    assert page.told() == {"is": "saving"}
    saved = [page.told()["path"] for _ in range(2)]
    page.socket.close()
    assert sorted(map(str, served[1].iterdir())) == sorted(saved)
    frames = list(read_frames(saved[0]))
    assert frames[0].shape == (HEIGHT, 2 * WIDTH, 3) and abs(len(frames) / 30 - probe(saved[0]).seconds) < 0.2
    take = of_file(served[1] / saved[1])
    assert take.backend == "blendshapes" and len(take.motion) == len(frames)
    with np.load(saved[1]) as file:
        assert file["speaker"].shape == (len(frames), 56) and file["speaker_seen"].mean() > 0.9


def test_a_recording_is_finished_after_its_page_has_gone(served):
    before = set(served[1].glob("*"))
    page = Page(served)
    page.socket.send(json.dumps({"do": "record", "on": True}))
    assert page.told() == {"is": "recording"}
    page.talk(1)
    page.socket.close()
    end = time.monotonic() + 60
    while len(made := set(served[1].glob("*")) - before) < 2 and time.monotonic() < end:
        time.sleep(0.1)
    assert {path.suffix for path in made} == {".mp4", ".npz"}


def test_a_recording_that_cannot_be_written_is_said_and_the_talk_goes_on(served):
    page = Page(served)
    page.socket.send(json.dumps({"do": "record", "on": True}))
    assert page.told() == {"is": "recording"}
    page.talk(1)
    shutil.rmtree(served[1])
    served[1].write_text("no folder")
    page.socket.send(json.dumps({"do": "record", "on": False}))
    assert page.told() == {"is": "saving"}
    lost = page.told()
    assert lost["is"] == "lost" and "recorded" in lost["why"]
    assert len(page.talk(1)) >= 2
    page.socket.close()
    served[1].unlink()


def test_a_page_that_is_loaded_again_may_talk_at_once(served):
    for seed in range(3):
        page = Page(served, seed=seed)
        page.talk(1)
        page.socket.close()


def test_only_one_talks_at_a_time_and_nonsense_ends_nothing(served):
    page = Page(served, person="nobody", seed="x")
    with (
        connect(served[0].replace("http", "ws").replace("/?", "/talk?")) as second,
        pytest.raises(ConnectionClosed) as end,
    ):
        second.recv(timeout=10)
    assert "talking to this listener already" in str(end.value)
    for nonsense in (
        "[1, 2]",
        "{",
        "3",
        '{"do": "fly"}',
        b"",
        b"\x01",
        message(1, 0.0, b"no jpeg"),
        message(9, 0.0, b"ab"),
    ):
        page.socket.send(nonsense)
    assert len(page.talk(1)) >= 2
    page.socket.close()
