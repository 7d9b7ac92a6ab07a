"""Imports run one way, and no file holds more than one idea can need."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# Each stage may import itself and what stands before it.
ORDER = [
    "base",
    "video",
    "speech faces",
    "dataset models",
    "training",
    "listening",
    "evaluation",
    "demo pictures",
    "cli",
]
RANK = {name: rank for rank, names in enumerate(ORDER) for name in names.split()}
FILES = sorted((ROOT / "l2l").rglob("*.py"))


def stage(parts: tuple[str, ...]) -> str:
    """The stage of a module of the package, given its path below `l2l`."""
    if parts[0] in RANK:
        return parts[0]
    return "cli" if parts[0].startswith("cli") else "base"


def imported(path: Path) -> list[str]:
    """Modules of the package that a file imports, wherever in it."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "l2l":
            found += [f"{node.module}.{alias.name}" for alias in node.names] if node.module == "l2l" else [node.module]
        elif isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.startswith("l2l.")]
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_run_one_way(path):
    own = stage(path.relative_to(ROOT / "l2l").with_suffix("").parts)
    for module in imported(path):
        other = stage(tuple(module.split(".")[1:]))
        assert other == own or RANK[other] < RANK[own], f"{own} imports {module}"


def test_models_know_nothing_of_files_or_videos():
    for path in (ROOT / "l2l/models").glob("*.py"):
        assert not {"files", "dataset", "video", "weights"} & {m.split(".")[1] for m in imported(path)}, path


def test_no_file_is_long():
    assert [str(path) for path in FILES if len(path.read_text().splitlines()) > 400] == []


def test_every_module_says_what_it_is_for():
    for path in FILES:
        if path.name != "__init__.py":
            assert ast.get_docstring(ast.parse(path.read_text())), path
