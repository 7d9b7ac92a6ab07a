"""Arrays of strangers: looked at before memory is taken for them."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from l2l.arrays import Array, map_npy, open_npz, sane
from l2l.errors import UserError
from l2l.files import save_npz

A = {"a": Array(("T", 2)), "b": Array(("T",), "b")}


def read(path: Path, *, packed: bool = False, wanted: dict[str, Array] = A) -> dict[str, np.ndarray]:
    with open_npz(path, "a file of arrays", "l2l track", packed=packed) as file:
        return {name: file.read(name, array) for name, array in wanted.items()}


def test_what_fits_is_read(tmp_path: Path) -> None:
    save_npz(tmp_path / "a.npz", a=np.ones((3, 2), np.float32), b=np.zeros(3, bool), more=np.arange(4))
    found = read(tmp_path / "a.npz")
    assert found["a"].shape == (3, 2) and found["b"].dtype == bool


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"b": np.zeros(4, bool)}, r"b has shape \(4,\), expected \(3,\)"),
        ({"a": np.ones((3, 3))}, r"a has shape \(3, 3\), expected \(T, 2\)"),
        ({"a": np.ones((3, 2), int)}, "a has type <i8"),
        ({"a": np.full((3, 2), np.nan)}, "a holds NaN, infinity or numbers above"),
        ({"a": np.full((3, 2), 3e38)}, "a holds NaN, infinity or numbers above"),
    ],
)
def test_what_does_not_fit_is_said(tmp_path: Path, change: dict[str, np.ndarray], words: str) -> None:
    save_npz(tmp_path / "a.npz", **{"a": np.ones((3, 2)), "b": np.zeros(3, bool)} | change)
    with pytest.raises(UserError, match=rf"a\.npz is not a file of arrays \({words}.*make it again with `l2l track`"):
        read(tmp_path / "a.npz")


def header(shape: str) -> bytes:
    """The beginning of a .npy that claims a shape."""
    text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


def test_a_header_that_claims_more_than_there_is_takes_no_memory(tmp_path: Path) -> None:
    lie = header("(1000000000000, 2)") + bytes(16)
    (tmp_path / "a.npy").write_bytes(lie)
    with pytest.raises(UserError, match="it is cut off"):
        map_npy(tmp_path / "a.npy", "an array", "l2l mel", A["a"])
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
        file.writestr("a.npy", lie)
    with pytest.raises(UserError, match="a does not have the numbers that its header claims"):
        read(tmp_path / "a.npz")


def test_what_unpacks_to_more_than_the_limit_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez_compressed(tmp_path / "a.npz", a=np.zeros((100_000, 2)), b=np.zeros(100_000, bool))
    with pytest.raises(UserError, match="a is packed"):
        read(tmp_path / "a.npz")
    assert len(read(tmp_path / "a.npz", packed=True)["b"]) == 100_000
    monkeypatch.setattr("l2l.arrays.UNPACKED", 1_650_000)  # enough for one of them
    with pytest.raises(UserError, match="b claims 100128 bytes"):
        read(tmp_path / "a.npz", packed=True)


def test_objects_are_refused(tmp_path: Path) -> None:
    file = io.BytesIO()
    np.save(file, np.array([{}]), allow_pickle=True)
    (tmp_path / "a.npy").write_bytes(file.getvalue())
    with pytest.raises(UserError, match="it holds Python objects"):
        map_npy(tmp_path / "a.npy", "an array", "l2l mel", Array(None))


def test_holes_may_be_nan_and_nothing_else(tmp_path: Path) -> None:
    save_npz(tmp_path / "a.npz", a=np.array([np.nan, 1.0]), b=np.array([np.nan, 1e13]))
    with open_npz(tmp_path / "a.npz", "x", "y") as file:
        assert np.isnan(file.read("a", Array(None, holes=True))[0])
    with pytest.raises(UserError, match="b holds"), open_npz(tmp_path / "a.npz", "x", "y") as file:
        file.read("b", Array(None, holes=True))


@pytest.mark.parametrize(("value", "wanted"), [(1e12, True), (-1e12, True), (1.1e12, False), (np.nan, False)])
def test_sane(value: float, wanted: bool) -> None:
    assert sane(np.array([0.0, value])) == wanted and sane(np.zeros(0))
