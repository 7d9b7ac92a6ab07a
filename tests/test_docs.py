"""Every command that the documentation shows is there and runs."""

import re
import shlex
import shutil
import subprocess
import webbrowser
from pathlib import Path

import pytest
import uvicorn

from l2l import config
from l2l.cli import main as cli
from tests.export.made import write_basis
from tests.road import ROOT, snakemake

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def shown() -> list[tuple[str, str]]:
    """(page, command) of every line of the sh blocks."""
    found = []
    for page in PAGES:
        for block in re.findall(r"```sh\n(.*?)```", page.read_text(), re.S):
            lines = [line.split(" # ")[0].strip() for line in block.replace("\\\n", " ").splitlines()]
            found += [(page.name, re.sub(r"\s+#.*", "", line)) for line in lines if line and not line.startswith("#")]
    return found


def commands(program: str) -> list[str]:
    return [command for _, command in shown() if command.split()[0] == program]


def test_every_shown_program_is_one_that_a_test_here_runs():
    assert {command.split()[0] for _, command in shown()} <= {"make", "l2l", "snakemake", "."}


@pytest.mark.parametrize("command", commands("make"))
def test_make_has_the_target(command):
    subprocess.run([*shlex.split(command), "--dry-run"], cwd=ROOT, check=True, capture_output=True)


@pytest.fixture(scope="module")
def folder(demo, tmp_path_factory):
    """A copy of the demo, with videos of alice's."""
    copy = Path(shutil.copytree(demo[0], tmp_path_factory.mktemp("shown") / "demo"))
    shutil.copytree(copy / "data/raw/demo", copy / "data/raw/alice")
    return copy


@pytest.mark.workflow
@pytest.mark.parametrize("command", commands("snakemake"))
def test_the_workflow_plans_what_is_shown(command, folder):
    done = snakemake(folder, "--dry-run", *shlex.split(command)[1:])
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.workflow
def test_the_steps_run_alone_as_shown(folder, monkeypatch):
    monkeypatch.chdir(folder)
    # Of a model whose motion can be sent to avatars only the basis matters here.
    shutil.copytree("results/demo", "results/alice", ignore=shutil.ignore_patterns("videos", "*.tsv"))
    write_basis(Path("results/alice/face_basis.npz"), "blendshapes")
    # Pages are served until Ctrl-C; tests/web asks for them.
    monkeypatch.setattr(uvicorn.Server, "run", lambda self, sockets: None)
    monkeypatch.setattr(webbrowser, "open", lambda address: True)
    for command in commands("l2l"):
        assert cli.main(shlex.split(command)[1:]) == 0, command


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_settings_that_are_named_exist(page):
    for name in re.findall(r"`([a-z_]+(?:\.[a-z_]+)+)(?=[`:=])", page.read_text()):
        section, *keys = name.split(".")
        if section not in config.Config.model_fields or keys[-1] in {"pt", "pth", "json", "npz", "yaml"}:
            continue
        found = config.Config()
        for key in name.split("."):
            assert hasattr(found, key), name
            found = getattr(found, key)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        assert target.startswith("https://") or (page.parent / target).exists(), target


def test_the_map_names_every_folder_of_the_package():
    text = (ROOT / "README.md").read_text()
    for folder in Path(ROOT / "l2l").iterdir():
        if folder.is_dir() and not folder.name.startswith("_"):
            assert f"{folder.name}/" in text, folder.name
