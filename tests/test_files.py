"""Files are written whole or not at all, and the same content gives the same bytes."""

import json

import numpy as np
import pytest

from l2l.files import NpzWriter, atomic, map_npz, save_json, save_npz


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "out.txt"
    target.write_text("old")
    with pytest.raises(RuntimeError), atomic(target) as partial:
        partial.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_success_replaces_the_file(tmp_path):
    with atomic(tmp_path / "new" / "out.mp4") as partial:
        assert partial.suffix == ".mp4"
        partial.write_text("whole")
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["out.mp4"]


def test_an_npz_grows_by_arrays_and_by_blocks(tmp_path):
    rows = np.arange(12, dtype=np.float32).reshape(6, 2)
    with NpzWriter(tmp_path / "a.npz") as writer:
        writer.add("whole", rows)
        writer.add_blocks("blocks", rows.shape, rows.dtype, (rows[k : k + 2] for k in range(0, 6, 2)))
    with np.load(tmp_path / "a.npz", allow_pickle=False) as file:
        np.testing.assert_array_equal(file["whole"], rows)
        np.testing.assert_array_equal(file["blocks"], rows)


def test_an_array_can_be_mapped_without_reading_the_file(tmp_path):
    rows = np.arange(12, dtype=np.float32).reshape(6, 2)
    save_npz(tmp_path / "a.npz", other=np.arange(5), rows=rows)
    found = map_npz(tmp_path / "a.npz", "rows")
    assert isinstance(found, np.memmap) and not found.flags.writeable
    np.testing.assert_array_equal(found, rows)
    np.savez_compressed(tmp_path / "b.npz", rows=rows)
    with pytest.raises(ValueError, match="compressed"):
        map_npz(tmp_path / "b.npz", "rows")


def test_the_same_arrays_give_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        save_npz(tmp_path / f"{name}.npz", x=np.arange(3))
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_json_refuses_nan_and_keeps_the_old_file(tmp_path):
    save_json(tmp_path / "a.json", {"x": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        save_json(tmp_path / "a.json", {"x": float("nan")})
    assert json.loads((tmp_path / "a.json").read_text()) == {"x": 1}
