"""Downloads go on where they stopped; a server on 127.0.0.1 stands for the net."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from l2l.cli import main as cli
from l2l.config import published as catalogue
from l2l.errors import Stopped, UserError
from l2l.weights import download as module
from l2l.weights.download import download
from tests.weights.server import CONTENT, PIECE, Server, serving


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving() as server:
        yield server


def interrupted(server: Server, target: Path, after: int) -> None:
    """A download whose process dies after `after` bytes: what is left of it."""
    server.cuts = [after, *[0] * 10]
    with pytest.raises(UserError, match=rf"{after} bytes are kept and the next run goes on"):
        download(server.url, target, pause=0)
    server.cuts, server.asked = [], []
    assert not target.exists()


def test_a_whole_file_arrives_and_nothing_else_stays(server: Server, tmp_path: Path) -> None:
    download(server.url, tmp_path / "a.tar")
    assert (tmp_path / "a.tar").read_bytes() == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["a.tar"]


def test_an_interruption_is_mended_within_one_call(server: Server, tmp_path: Path) -> None:
    server.cuts = [16 * PIECE, 4 * PIECE]
    download(server.url, tmp_path / "a.tar", pause=0)
    assert (tmp_path / "a.tar").read_bytes() == CONTENT
    assert server.asked == [None, f"bytes={16 * PIECE}-", f"bytes={20 * PIECE}-"]


@pytest.mark.parametrize("modified", [None, "Wed, 01 Jun 2022 00:00:00 GMT"])
def test_the_next_call_goes_on_where_the_last_one_stopped(server: Server, tmp_path: Path, modified: str | None) -> None:
    if modified:  # a weak ETag does not promise the same bytes; the date does
        server.etag, server.modified = 'W/"one"', modified
    interrupted(server, tmp_path / "a.tar", 18 * PIECE)
    download(server.url, tmp_path / "a.tar", pause=0)
    assert server.asked == [f"bytes={18 * PIECE}-"]
    assert (tmp_path / "a.tar").read_bytes() == CONTENT


@pytest.mark.parametrize("change", ["etag", "size with the same etag", "no validators", "no ranges", "shorter"])
def test_a_file_that_has_changed_is_downloaded_from_its_start(server: Server, tmp_path: Path, change: str) -> None:
    interrupted(server, tmp_path / "a.tar", 18 * PIECE)
    server.content = CONTENT[::-1]
    if change == "no validators":
        server.etag = None
    elif change == "etag":
        server.etag = '"two"'
    elif change == "size with the same etag":
        server.content += b"more"
    elif change == "no ranges":
        server.ranges = False
    elif change == "shorter":
        server.content = server.content[:1_000_000]
    download(server.url, tmp_path / "a.tar", pause=0)
    assert (tmp_path / "a.tar").read_bytes() == server.content


def test_a_download_that_was_cut_off_after_its_last_byte_is_whole(server: Server, tmp_path: Path) -> None:
    target = tmp_path / "a.tar"
    partial = tmp_path / ".a.tar.partial"
    partial.write_bytes(CONTENT)
    notes = {"url": server.url, "version": '"one"', "size": len(CONTENT)}
    partial.with_name(partial.name + ".json").write_text(json.dumps(notes))
    download(server.url, target, pause=0)
    assert target.read_bytes() == CONTENT


def test_no_note_stays_beside_a_target_when_a_download_ends_there(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would stay for ever, for what is there is not downloaded again."""

    def ended(partial: Path, target: Path) -> None:
        os.replace(partial, target)
        raise Stopped("stopped by SIGTERM.")

    monkeypatch.setattr(Path, "replace", ended)
    with pytest.raises(Stopped):
        download(server.url, tmp_path / "a.tar")
    assert [path.name for path in tmp_path.iterdir()] == ["a.tar"]


def test_a_server_that_promises_too_much_is_not_believed(server: Server, tmp_path: Path) -> None:
    server.says = 1 << 50
    with pytest.raises(UserError, match="it is not a published archive"):
        download(server.url, tmp_path / "a.tar", pause=0)
    assert not list(tmp_path.iterdir())


def test_a_wrong_sha256_is_not_kept(server: Server, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="whose sha256 is not"):
        download(server.url, tmp_path / "a.tar", "0" * 64, pause=0)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("what", ["404", "dead host"])
def test_a_dead_link_says_where_to_put_the_file_by_hand(
    server: Server, tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    server.status = 404
    url = server.url if what == "404" else "http://127.0.0.1:9/conan_data.tar"  # the discard port: nobody answers
    known = {"conan": catalogue.Published("left", url, None, None)}
    monkeypatch.setattr(catalogue, "published", lambda: known)
    monkeypatch.setattr(module.time, "sleep", lambda _: None)
    assert cli.main(["fetch", "conan", "--data", str(tmp_path)]) == 1
    message = capsys.readouterr().err.strip()
    assert ("HTTP 404" if what == "404" else "refused") in message
    assert f"put the archive at {tmp_path / 'conan_data.tar'} yourself" in message and "\n" not in message
    assert not list(tmp_path.iterdir())
