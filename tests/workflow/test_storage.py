"""Recordings at addresses: fetched for the step that reads them, and not again for what is finished."""

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from l2l.recordings.table import read_table
from tests.media import noise_video
from tests.road import snakemake

NAMES = ("friday", "monday")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """The address of two recordings on this machine."""
    folder = tmp_path / "there"
    folder.mkdir()
    for name in NAMES:
        noise_video(folder / f"{name}.mp4")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def folder(tmp_path: Path, served: str) -> Path:
    (tmp_path / "config.yaml").write_text("people: {alice: {listener: left, sheet: videos.tsv}}")
    lines = [f"alice\t{served}/{name}.mp4\n" for name in NAMES]
    (tmp_path / "videos.tsv").write_text("person\tpath\n" + "".join(lines))
    return tmp_path


def copies(folder: Path) -> list[Path]:
    return list((folder / ".snakemake/storage").rglob("*.mp4"))


@pytest.mark.workflow
def test_recordings_at_addresses_are_fetched_and_nothing_finished_is_done_again(folder, served):
    table = "results/alice/steps/normalise/0000.tsv"
    videos = [folder / f"results/alice/videos/{name}/video.mp4" for name in NAMES]
    times = []
    for _ in range(2):
        done = snakemake(folder, "--force", "--config", "recordings_per_job=2", "--", table)
        assert done.returncode == 0, done.stdout + done.stderr
        rows = read_table(folder / table)
        assert [(row.status, row.path) for row in rows] == [("ok", f"{served}/{name}.mp4") for name in NAMES]
        times.append([video.stat().st_mtime_ns for video in videos])
        assert not copies(folder)
    assert times[0] == times[1]
    again = snakemake(folder, "--config", "recordings_per_job=2", "--", table)
    assert "Nothing to be done" in again.stdout + again.stderr


@pytest.mark.workflow
def test_an_address_that_is_not_there_is_named(folder, served):
    with open(folder / "videos.tsv", "a") as sheet:
        sheet.write(f"alice\t{served}/nothing.mp4\n")
    done = snakemake(folder, "results/alice/steps/normalise/nothing.tsv")
    output = done.stdout + done.stderr
    assert done.returncode != 0 and f"{served}/nothing.mp4" in output and "Traceback" not in output
