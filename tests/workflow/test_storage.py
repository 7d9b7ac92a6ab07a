"""Recordings at addresses: fetched for the step that reads them, and not again for what is finished."""

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from l2l.recordings.summary import read_rows
from tests.road import snakemake


@pytest.fixture
def served(demo) -> Iterator[str]:
    """The address of the demo's recordings, on this machine."""
    folder = str(demo[0] / "data/raw/demo")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def folder(tmp_path: Path, served: str) -> Path:
    (tmp_path / "config.yaml").write_text("people: {alice: {listener: left, sheet: videos.tsv}}")
    lines = [f"alice\t{served}/demo_0{number}.mp4\n" for number in range(2)]
    (tmp_path / "videos.tsv").write_text("person\tpath\n" + "".join(lines))
    return tmp_path


def copies(folder: Path) -> list[Path]:
    return list((folder / ".snakemake/storage").rglob("*.mp4"))


@pytest.mark.workflow
def test_a_recording_at_an_address_becomes_a_normalised_one(folder):
    target = "results/alice/videos/demo_01/video.mp4"
    done = snakemake(folder, target)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (folder / target).stat().st_size > 0 and not copies(folder)
    again = snakemake(folder, target)
    assert "Nothing to be done" in again.stdout + again.stderr


@pytest.mark.workflow
def test_a_batch_of_addresses_is_fetched_and_nothing_finished_is_done_again(folder, served):
    table = "results/alice/batches/preprocess_0000.tsv"
    for worked in (True, False):
        done = snakemake(folder, "--force", "--config", "videos_per_job=2", "--", table)
        assert done.returncode == 0, done.stdout + done.stderr
        rows = read_rows(folder / table)
        assert [(row.status, row.path) for row in rows] == [("ok", f"{served}/demo_0{k}.mp4") for k in range(2)]
        assert [row.took > 0 for row in rows] == [worked, worked] and not copies(folder)


@pytest.mark.workflow
def test_an_address_that_is_not_there_is_named(folder, served):
    with open(folder / "videos.tsv", "a") as sheet:
        sheet.write(f"alice\t{served}/nothing.mp4\n")
    done = snakemake(folder, "results/alice/videos/nothing/video.mp4")
    output = done.stdout + done.stderr
    assert done.returncode != 0 and f"{served}/nothing.mp4" in output and "Traceback" not in output
