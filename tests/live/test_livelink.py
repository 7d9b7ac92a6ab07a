"""The listener's motion as Live Link Face's packets, heard on this machine's own address."""

import socket
import struct
import time

import numpy as np
import pytest
from pylivelinkface import FaceBlendShape, PyLiveLinkFace

import l2l
from l2l.cli.main import main
from l2l.errors import UserError
from l2l.faces.livelink import CURVES, SENT, curves
from l2l.live.livelink import VERSION, packet
from tests.export.made import REST, motion, write_results


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return write_results(tmp_path_factory.mktemp("livelink"))


@pytest.fixture
def listening():
    """A socket, and its address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as heard:
        heard.bind(("127.0.0.1", 0))
        heard.settimeout(10)
        yield heard, f"127.0.0.1:{heard.getsockname()[1]}"


def values(data):
    """What a packet holds, in the order of files."""
    found = np.zeros(61)
    found[SENT] = struct.unpack(">61f", data[-244:])
    return found


def test_a_packet_is_laid_out_as_unreal_reads_it():
    data = packet("D" * 36, "alice", 3600.5, np.linspace(0, 1, 61))
    head = struct.pack(">Bi", 6, 36) + b"D" * 36 + struct.pack(">i", 5) + b"alice"
    assert data[: len(head)] == head and VERSION == 6
    frame, part, rate, below, count = struct.unpack_from(">ifiiB", data, len(head))
    assert (frame, part, rate, below, count) == (3600 * 60 + 30, 0.0, 60, 1, 61)
    np.testing.assert_allclose(values(data), np.linspace(0, 1, 61), atol=1e-6)
    assert len(data) == len(head) + 17 + 244


def test_another_program_reads_every_curve_by_its_name():
    shown = curves(motion(1), REST)[0]
    known, read = PyLiveLinkFace.decode(packet("D" * 36, "alice", 1.0, shown))
    assert known and read.name == "alice" and read.fps == 60
    for name, value in zip(CURVES, shown, strict=True):
        assert read.get_blendshape(FaceBlendShape[name]) == pytest.approx(value, abs=1e-6)


def test_frames_of_an_answer_come_one_by_one(results, listening):
    heard, address = listening
    link = l2l.LiveLink(address, results)
    moved = motion(16)
    link.send(moved[:8])
    link.send(moved[8:])
    found, times = [], []
    for _ in range(16):
        found.append(heard.recv(2000))
        times.append(time.monotonic())
    link.close()
    np.testing.assert_allclose([values(data) for data in found], curves(moved, REST), atol=1e-6)
    assert all(b"alice" in data for data in found)
    assert times[-1] - times[0] == pytest.approx(15 / 30, abs=0.25)


def test_what_comes_too_late_to_be_shown_is_left_out(results, listening):
    heard, address = listening
    link = l2l.LiveLink(address, results)
    for number in range(30):
        link.send(np.full((2, 56), number / 100, np.float32))
    link.close()
    heard.settimeout(0.2)
    found = []
    with pytest.raises(TimeoutError):
        while True:
            found.append(values(heard.recv(2000)))
    newest = curves(np.full((2, 56), 0.29, np.float32), REST)
    assert len(found) < 12
    np.testing.assert_allclose(found[-2:], newest, atol=1e-6)


@pytest.mark.parametrize("address", ["", "127.0.0.1", ":11111", "127.0.0.1:x", "127.0.0.1:0", "a:1/b", "u@a:1"])
def test_an_address_is_a_host_and_a_port(results, address):
    with pytest.raises(UserError, match="give the host and the port that listen"):
        l2l.LiveLink(address, results)


def test_faces_that_are_no_named_shapes_are_refused_as_by_export(trained, capsys):
    assert main(["live", str(trained), "--no-browser", "--livelink", "127.0.0.1:11111"]) == 1
    said = capsys.readouterr().err
    assert "--livelink needs named shapes; faces of backend landmarks are sums" in said
    assert "faces.backend: blendshapes" in said
