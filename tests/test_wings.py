"""The two architectures and the released program: who may import them, and the default works without the others."""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.synthetic import write_chunks
from tests.tiny import tiny_patches

ROOT = Path(__file__).resolve().parents[1]
WINGS = ("patches", "windows", "released")
# Who may import a wing, beside its own files; commands and the workflow's functions import `released` when they run.
MAY = {
    "patches": {"architectures.py", "__init__.py", "pictures", "live", "report", "web"},
    "windows": {"architectures.py", "released"},
    "released": {"cli"},
}
FILES = sorted((ROOT / "l2l").rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Wings that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        found |= {parts[1] for parts in (name.split(".") for name in names) if parts[0] == "l2l" and parts[1:]}
    found |= set(re.findall(r"import_module\(f?\"l2l\.(\w+)", path.read_text()))
    return found & set(WINGS)


@pytest.mark.parametrize("wing", WINGS)
def test_only_few_import_a_wing(wing: str) -> None:
    allowed = {wing} | MAY[wing]
    others = [path.relative_to(ROOT / "l2l") for path in FILES if wing in imported(path)]
    assert [str(path) for path in others if path.parts[0] not in allowed] == []


def test_only_architectures_asks_which_one_it_is() -> None:
    asking = re.compile(r"architecture\W{0,3}\s*[!=]=|[!=]=\s*\"(patches|windows)\"")
    places = [*FILES, *(ROOT / "workflow").rglob("*.smk")]
    found = [str(path.relative_to(ROOT)) for path in places if asking.search(path.read_text())]
    assert found == ["l2l/architectures.py"]


def test_the_default_works_without_the_other_wings(tmp_path: Path) -> None:
    """A copy without `windows` and `released` trains, samples and can be asked."""
    shutil.copytree(ROOT / "l2l", tmp_path / "l2l", ignore=shutil.ignore_patterns("windows", "released", "__pycache__"))
    for split in ("train", "test"):
        write_chunks(tmp_path / "data", windows=3, videos=2, split=split)
    (tmp_path / "settings.json").write_text(tiny_patches(3).model_dump_json())
    code = """
import sys
from pathlib import Path
# An editable installation would find the missing folders in the repository.
sys.meta_path = [finder for finder in sys.meta_path if "__editable__" not in getattr(finder, "__module__", "")]
import l2l
from l2l.architectures import load_asked, sample, train_codebook, train_predictor
from l2l.config import Settings
from l2l.errors import UserError
from l2l.dataset.layout import load_chunks

settings = Settings.model_validate_json(Path("settings.json").read_text())
data, codebook, predictor = Path("data"), Path("codebook.pt"), Path("predictor.pt")
train_codebook(data, "left", settings, codebook, Path("log"))
train_predictor(data, codebook, "left", settings, predictor, Path("log"))
sample(data, codebook, predictor, "left", settings, Path("samples.npz"))
next(load_asked(codebook, predictor, load_chunks(data, "test", "left"), settings).random_codes(1))
l2l.Listener.load(".")
try:
    train_codebook(data, "left", settings.model_copy(update={"architecture": "windows"}), Path("w.pt"), Path("log"))
except UserError as error:
    print(error)
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "this l2l has no architecture windows.\n"
    assert (tmp_path / "samples.npz").exists()
