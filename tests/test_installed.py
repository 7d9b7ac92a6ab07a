"""`pip install .`, not editable: the package works without the repository around it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.road import ROOT

EVERYTHING_IS_THERE = """
from pathlib import Path
import l2l
from l2l import config
from l2l.config.published import published
from l2l.evaluation.provenance import git_revision
from l2l.evaluation.report import schema
from l2l.weights import catalogue

assert Path(l2l.__file__).is_relative_to(Path("installed").resolve()), l2l.__file__
assert config.from_differences([], None, "released").architecture == "windows"
assert "conan" in published()
assert "mediapipe" in catalogue.catalogue()
assert catalogue.status("mediapipe") == "missing"
assert schema()["type"] == "object"
assert all((Path(l2l.__file__).parent / part / "pages").is_dir() for part in ("report", "web"))
assert git_revision() is None
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with `installed/`, and nothing of the repository."""
    folder = tmp_path_factory.mktemp("elsewhere")
    source = folder / "source"  # a copy: pip leaves a build folder in what it installs
    shutil.copytree(ROOT / "l2l", source / "l2l", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index", "--no-deps"]
    subprocess.run([*pip, "--no-build-isolation", "--target", str(folder / "installed"), str(source)], check=True)
    shutil.rmtree(source)
    # A repository of something else around it: its revision is not ours.
    git = ["git", "-C", str(folder), "-c", "user.name=nobody", "-c", "user.email=nobody"]
    subprocess.run([*git, "init", "--quiet"], check=True)
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "--message", "empty"], check=True)
    return folder


def run(folder: Path, *command: str) -> str:
    environment = {key: value for key, value in os.environ.items() if key != "L2L_WEIGHTS"}
    environment["PYTHONPATH"] = str(folder / "installed")
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_presets_catalogues_and_schemas_come_with_the_package(folder):
    run(folder, sys.executable, "-c", EVERYTHING_IS_THERE)


def test_the_command_line_works(folder):
    l2l = str(folder / "installed/bin/l2l")
    assert "train-predictor" in run(folder, l2l, "--help")
    (folder / "mine.yaml").write_text("people: {alice: {listener: left, preset: released}, conan: {source: published}}")
    assert "alice, conan" in run(folder, l2l, "config", "mine.yaml")
    assert run(folder, l2l, "config", "--defaults") == (ROOT / "docs/settings.md").read_text()
