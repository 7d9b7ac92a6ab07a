"""Recordings beside their listeners: what is drawn, how it is asked for, and how the page works."""

import json
import shutil
import struct
import subprocess

import numpy as np
import pytest
import requests
import soundfile

from l2l.faces.store import write_faces
from l2l.files import save_npz
from l2l.recordings.recordings import Recording
from l2l.recordings.table import write_table
from l2l.video.media import video_writer
from tests.browser import launched, opened
from tests.live.trained import portrait
from tests.preloaded import program

FRAMES = 240


@pytest.fixture(scope="module")
def results(tmp_path_factory, trained):
    """Two recordings of 8 seconds, as preprocessing leaves them; one for testing."""
    folder, random = tmp_path_factory.mktemp("view") / "alice", np.random.default_rng(0)
    shutil.copytree(trained, folder)
    with np.load(folder / "face_basis.npz") as basis:
        neutral = basis["template"]
    for name in ("first", "se<b>c&'ond"):
        videos = folder / "videos" / name
        videos.mkdir(parents=True)
        with video_writer(videos / "video.mp4", 320, 240) as write:
            for frame in range(FRAMES):
                write(portrait(0.1 * np.sin(frame / 5)))
        soundfile.write(videos / "audio.wav", random.normal(0, 0.1, FRAMES * 16000 // 30), 16000)
        for side in ("left", "right"):
            faces = np.cumsum(random.normal(0, 0.01, (FRAMES, 56)), 0)
            valid = np.arange(FRAMES) != 100
            write_faces(videos / f"faces_{side}.npz", faces, valid, np.zeros(FRAMES), neutral)
            np.save(videos / f"mel_{side}.npy", random.gamma(2, 0.5, (4 * FRAMES, 128)).astype(np.float32))
        probability = np.repeat([[0.9, 0.1], [0.1, 0.9]], FRAMES // 2, 0)
        save_npz(
            videos / "speaking.npz", probability=probability.astype(np.float32), speech=np.ones(FRAMES, np.float32)
        )
    splits = zip(("first", "se<b>c&'ond"), ("train", "test"), strict=True)
    rows = [Recording(name, split=split, seconds=FRAMES / 30) for name, split in splits]
    write_table(folder / "preprocess.tsv", [*rows, Recording("bad", status="failed", reason="It has no sound.")])
    return folder


@pytest.fixture(scope="module")
def address(results):
    command = [program("l2l"), "view", results, "--no-browser"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    yield server.stdout.readline().split()[1]
    server.terminate()
    server.wait(20)


@pytest.fixture
def ask(address):
    session = requests.Session()
    session.get(address)

    def get(path, **options):
        return session.get(address.split("/?")[0] + path, **options)

    return get


def drawn(ask, **query):
    reply = ask("/draw", params={"recording": "first", "start": 2} | query)
    assert reply.status_code == 200, reply.text
    size = struct.unpack_from("<I", reply.content)[0]
    words = json.loads(reply.content[4 : 4 + size])
    numbers = np.frombuffer(reply.content, "<f4", offset=4 + size)
    return words, numbers.reshape(2, words["frames"], -1, 3)


def test_test_recordings_come_first_and_failed_ones_not_at_all(ask):
    assert [one["name"] for one in ask("/about").json()["recordings"]] == ["se<b>c&'ond", "first"]


def test_a_listener_follows_from_seed_strength_and_temperature(ask):
    words, meshes = drawn(ask)
    assert words["frames"] == FRAMES - 60 and words["seen"].count(False) == 1 and words["seen"][40] is False
    assert words["speaks"] == [False] * 60 + [True] * 120, "the speaker is the other one"
    assert len(words["true"]["pitch"]) == len(words["drawn"]["smile"]) == FRAMES - 60
    again = drawn(ask, seed=0, temperature=1)
    np.testing.assert_array_equal(again[1], meshes)
    for change in ({"seed": 1}, {"temperature": 0.5}, {"strength": 4}):
        other = drawn(ask, **change)
        np.testing.assert_array_equal(other[1][0], meshes[0])
        assert not np.allclose(other[1][1], meshes[1]), change


def test_at_strength_0_the_speaker_makes_no_difference(ask, results):
    before = drawn(ask, strength=0)[1][1]
    rows = results / "videos/first/mel_right.npy"
    kept = rows.read_bytes()
    np.save(rows, np.load(rows) * 100)
    try:
        np.testing.assert_array_equal(drawn(ask, strength=0)[1][1], before)
        assert not np.allclose(drawn(ask, strength=4)[1][1], drawn(ask, strength=0)[1][1])
    finally:
        rows.write_bytes(kept)


@pytest.mark.parametrize(
    "wrong",
    [
        {"recording": "../first"},
        {"start": "x"},
        {"start": "inf"},
        {"seed": -1},
        {"temperature": 0},
        {"strength": "nan"},
    ],
)
def test_what_cannot_be_drawn_is_refused(ask, wrong):
    reply = ask("/draw", params={"recording": "first"} | wrong)
    assert reply.status_code == 400 and "cannot be drawn" in reply.text


def test_after_the_end_there_is_nothing(ask):
    assert ask("/draw", params={"recording": "first", "start": 99}).content[4:].strip() == b'{"frames": 0}'


def test_videos_are_sent_in_parts(ask):
    part = ask("/video/first", headers={"Range": "bytes=100-199"})
    assert part.status_code == 206 and len(part.content) == 100
    assert ask("/video/bad").status_code == ask("/video/..%2ffirst").status_code == 404


@pytest.mark.parametrize(("width", "dark"), [(1400, False), (390, True)])
def test_the_page_draws_plays_and_seeks(address, width, dark):
    with launched("--enable-unsafe-swiftshader") as browser, opened(browser, address, width, dark=dark) as watched:
        page = watched.page

        def wait_for(what):
            for _ in range(300):
                if page.evaluate(what):
                    return
                page.wait_for_timeout(100)
            raise AssertionError(what)

        wait_for("window.l2l?.drawings >= 1")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.inner_text("#recording").split("\n")[0] == "se<b>c&'ond (test)"
        page.focus("#play")
        page.keyboard.press("Enter")
        wait_for("document.getElementById('picture').currentTime > 0.2")
        page.keyboard.press("Enter")
        page.focus("#line")
        before = page.evaluate("document.getElementById('picture').currentTime")
        page.keyboard.press("ArrowRight")
        wait_for(f"document.getElementById('picture').currentTime > {before} + 0.5")
        page.click("#another")
        wait_for("l2l.drawings >= 2")
        assert page.input_value("#seed") == "1"
        watched.check()
