"""Every benchmark starts: what it imports is there, and it says what it does."""

import importlib
import sys
from pathlib import Path

import pytest

import benchmarks

FOLDER = Path(benchmarks.__path__[0])
NAMES = sorted(path.stem for path in FOLDER.glob("*.py") if "__main__" in path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", NAMES)
def test_a_benchmark_says_what_it_does(name, monkeypatch, capsys):
    module = importlib.import_module(f"benchmarks.{name}")
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    with pytest.raises(SystemExit) as ended:
        module.main()
    assert ended.value.code == 0
    assert f"benchmarks.{name}" in capsys.readouterr().out
