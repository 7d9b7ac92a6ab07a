"""What several test files share, and how they run beside each other: one process per core, one thread in each."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml
from playwright.sync_api import Browser

from tests.browser import launched
from tests.preloaded import preloaded
from tests.road import PEOPLE, ROOT, TINY, snakemake

SERVER = pytest.StashKey[ExitStack]()
LONGEST = "tests/workflow/test_road.py"


def pytest_configure(config: pytest.Config) -> None:
    for library in ("OMP", "OPENBLAS", "MKL"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    if "PYTEST_XDIST_WORKER" not in os.environ:  # one server for all processes
        folder = Path(config.stash.setdefault(SERVER, ExitStack()).enter_context(TemporaryDirectory(prefix="l2l")))
        config.stash[SERVER].enter_context(preloaded(folder))


def pytest_unconfigure(config: pytest.Config) -> None:
    if SERVER in config.stash:
        config.stash[SERVER].close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long tests first, so that no process is left alone with one at the end; the demo's users after its maker."""

    def place(item: pytest.Item) -> tuple[bool, bool, bool]:
        workflow = item.get_closest_marker("workflow") is not None
        return not workflow, not item.nodeid.startswith(LONGEST), "demo" in getattr(item, "fixturenames", ())

    items.sort(key=place)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder in which the tiny demo has been run, and what that printed: made once, for all processes.

    Whoever changes something in it takes `demo_copy`.
    """
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent  # a worker's own folder lies in it
    folder, said = shared / "demo", shared / "demo.txt"
    with open(shared / "demo.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            folder.mkdir()
            (folder / "config.yaml").write_text(yaml.safe_dump({**TINY, "people": PEOPLE}))
            targets = [f"results/demo/{name}" for name in ("report.html", "accuracy.json", "preview.mp4")]
            with pytest.MonkeyPatch.context() as patch:  # see tests/workflow/test_privacy.py
                for variable, name in (("HOME", "home"), ("TMPDIR", "tmp")):
                    (shared / name).mkdir()
                    patch.setenv(variable, str(shared / name))
                patch.setenv("PYTHONPATH", str(ROOT / "tests/watched"), prepend=":")
                patch.setenv("L2L_TESTS_WATCHED", str(shared / "watched.txt"))
                done = snakemake(folder, *targets, fresh=True)
            said.write_text(f"{done.stdout}{done.stderr}\nexit status {done.returncode}")
    assert said.exists() and said.read_text().endswith("\nexit status 0"), said.read_text()
    return folder, said.read_text()


@pytest.fixture
def demo_copy(demo: tuple[Path, str], tmp_path: Path) -> Path:
    """A copy of the demo's folder, to be changed."""
    return Path(shutil.copytree(demo[0], tmp_path / "demo"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium; pages of it are opened with `tests.browser.opened`."""
    with launched() as found:
        yield found


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of a person to talk to: models of a few thousand weights, and the basis of one photograph."""
    from tests.live.trained import write_results  # torch and the networks, which most tests can do without

    return write_results(tmp_path_factory.mktemp("trained") / "alice")
