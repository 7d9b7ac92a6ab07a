"""FLAME's pickle is read as data: what would run something is refused, and nothing runs."""

import pickle
import sys
from types import ModuleType

import numpy as np
import pytest
import scipy.sparse

from l2l.cli import main as cli
from l2l.errors import UserError
from l2l.faces.flame import Flame
from l2l.weights.flame_import import import_flame, read_pickle
from tests.faces import synthetic_flame


@pytest.fixture
def chumpy(monkeypatch):
    """A class like chumpy's, under its name while the pickle is written."""

    class Ch:
        def __init__(self, x):
            self.x, self.dirty = x, {"x"}

        def __getstate__(self):
            return self.__dict__

    Ch.__module__, Ch.__qualname__ = "chumpy.ch", "Ch"
    monkeypatch.setitem(sys.modules, "chumpy", ModuleType("chumpy"))
    module = ModuleType("chumpy.ch")
    module.Ch = Ch
    monkeypatch.setitem(sys.modules, "chumpy.ch", module)
    return Ch


def dump(path, value, protocol=2):
    path.write_bytes(pickle.dumps(value, protocol=protocol))
    return path


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_chumpy_s_objects_and_sparse_matrices_become_their_arrays(tmp_path, chumpy, monkeypatch, protocol):
    numbers = np.random.default_rng(0).normal(size=(3, 4))
    sparse = scipy.sparse.csc_matrix(np.eye(3, 5))
    path = dump(tmp_path / "m.pkl", {"v": chumpy(numbers), "J": sparse, "f": np.arange(6, dtype=np.uint32)}, protocol)
    monkeypatch.delitem(sys.modules, "chumpy.ch")
    found = read_pickle(path)
    np.testing.assert_array_equal(found["v"], numbers)
    np.testing.assert_array_equal(found["J"], np.eye(3, 5))
    assert found["f"].dtype == np.uint32 and found["f"].tolist() == [0, 1, 2, 3, 4, 5]


def test_the_old_names_of_modules_are_known(tmp_path):
    content = pickle.dumps({"a": np.arange(3.0), "s": scipy.sparse.csc_matrix(np.eye(2))}, protocol=2)
    old = content.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    old = old.replace(b"scipy.sparse._csc", b"scipy.sparse.csc")
    (tmp_path / "old.pkl").write_bytes(old)
    found = read_pickle(tmp_path / "old.pkl")
    assert found["a"].tolist() == [0, 1, 2] and found["s"].tolist() == [[1, 0], [0, 1]]


class Runs:
    """Unpickling it would call something."""

    def __init__(self, call, *arguments):
        self._how = call, arguments

    def __reduce__(self):
        return self._how


def danger(canary):
    import os
    import subprocess

    return {
        "open": Runs(open, str(canary), "w"),
        "system": Runs(os.system, f"touch {canary}"),
        "popen": Runs(subprocess.Popen, ["touch", str(canary)]),
        "eval": Runs(eval, f"open({str(canary)!r}, 'w')"),
        "getattr": Runs(getattr, "text", "upper"),
        "numpy": Runs(np.save, str(canary), np.zeros(1)),
        "import": Runs(__import__, "antigravity"),
    }


@pytest.mark.parametrize("how", danger("x"))
def test_a_pickle_that_would_run_something_is_refused_and_nothing_runs(tmp_path, how):
    path = dump(tmp_path / "bad.pkl", {"v_template": danger(tmp_path / "canary")[how]})
    with pytest.raises(UserError, match=r"bad\.pkl asks for .* it was refused and nothing in it was run"):
        import_flame(path, tmp_path / "flame.npz")
    assert [file.name for file in tmp_path.iterdir()] == ["bad.pkl"]


def test_a_pickle_that_was_cut_off_is_refused(tmp_path):
    whole = synthetic_flame.write_pickle(tmp_path / "whole.pkl").read_bytes()
    for size in (0, 10, 100_000, len(whole) - 1):
        (tmp_path / "cut.pkl").write_bytes(whole[:size])
        with pytest.raises(UserError, match=r"cut\.pkl is cut off or not a pickle"):
            import_flame(tmp_path / "cut.pkl", tmp_path / "flame.npz")
    assert not (tmp_path / "flame.npz").exists()


@pytest.mark.parametrize(
    "change, message",
    [
        ({"posedirs": None}, r"'posedirs' has shape"),
        ({"weights": np.zeros((3, 5))}, r"'weights' has shape \(3, 5\), not \(5023, 5\)"),
        ({"f": np.full((9976, 3), 5023)}, r"'f' names vertices that do not exist"),
        ({"v_template": np.full((5023, 3), np.nan)}, r"'v_template' holds NaN"),
    ],
    ids=["missing", "shape", "vertices", "NaN"],
)
def test_a_model_of_another_kind_is_refused_by_name(tmp_path, change, message):
    path = dump(tmp_path / "other.pkl", {**synthetic_flame.model(), **change})
    with pytest.raises(UserError, match=message):
        import_flame(path, tmp_path / "flame.npz")
    assert not (tmp_path / "flame.npz").exists()


def test_the_command_puts_the_model_among_the_weights(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("L2L_WEIGHTS", str(tmp_path / "weights"))
    source = synthetic_flame.write_pickle(tmp_path / "generic_model.pkl")
    assert cli.main(["weights", "import-flame", str(source)]) == 0
    assert Flame().template.shape == (5023, 3)
    assert "flame/flame.npz: made of" in capsys.readouterr().out


def test_the_command_says_what_it_lacks(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("L2L_WEIGHTS", str(tmp_path))
    assert cli.main(["weights", "import-flame"]) == 1
    assert cli.main(["weights", "import-flame", str(tmp_path / "none.pkl")]) == 1
    assert "none.pkl does not exist" in capsys.readouterr().err
