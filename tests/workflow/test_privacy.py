"""The demo's workflow, watched: nobody is called, and nothing is written but where docs/privacy.md says."""

from pathlib import Path

import pytest

pytestmark = pytest.mark.workflow
LOOPBACK = ("('127.0.0.1'", "('::1'", "'localhost'", "'127.0.0.1'")


@pytest.fixture(scope="module")
def around(demo: tuple[Path, str]) -> Path:
    """The folder in which the demo's folder, its home and its TMPDIR lie, and what was noted (`tests.watched`)."""
    return demo[0].parent


def noted(around: Path, kind: str) -> list[str]:
    lines = dict.fromkeys((around / "watched.txt").read_text().splitlines())
    return [line.partition(" ")[2] for line in lines if line.startswith(kind)]


def test_nobody_is_called(around: Path) -> None:
    assert len(noted(around, "write")) > 50, "the processes were watched"
    calls = noted(around, "socket")
    assert [call for call in calls if not call.startswith(LOOPBACK)] == []


def test_files_are_written_in_the_folder_alone(around: Path) -> None:
    places = [str(around / name) for name in ("demo", "tmp")] + ["/dev/", "/proc/self/"]
    elsewhere = [path for path in noted(around, "write") if not path.startswith(tuple(places))]
    # What is compiled is kept beside what it was compiled from; Snakemake copies its rules.
    allowed = ("__pycache__", f"{around}/home/.cache/snakemake/")
    assert [path for path in elsewhere if not any(part in path for part in allowed)] == []


def test_home_stays_empty_and_nothing_temporary_is_left(around: Path) -> None:
    left = [path for name in ("home", "tmp") for path in (around / name).rglob("*") if path.is_file()]
    assert left == []
