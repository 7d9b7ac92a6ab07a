"""Files are written whole or not at all, and the same content gives the same bytes."""

import contextlib
import errno
import json
import os
import resource
import subprocess
import sys
import tempfile

import numpy as np
import pytest
import soundfile

from l2l import files
from l2l.errors import TemporaryError
from l2l.files import (
    _HOST,
    NpzWriter,
    atomic,
    create_array,
    large_array,
    reading,
    remove_unfinished,
    save_json,
    save_npz,
    scratch,
    temporary_folder,
)


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "out.txt"
    target.write_text("old")
    with pytest.raises(RuntimeError), atomic(target) as partial:
        partial.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_what_a_signal_kept_from_ending_is_removed_at_the_end_of_the_command(tmp_path):
    lost = atomic(tmp_path / "a.json")
    lost.__enter__().write_text("{")  # and its __exit__ never runs
    remove_unfinished()
    assert not list(tmp_path.iterdir())


def test_success_replaces_the_file(tmp_path):
    with atomic(tmp_path / "new" / "out.mp4") as partial:
        assert partial.suffix == ".mp4"
        partial.write_text("whole")
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["out.mp4"]


def test_an_npz_grows_by_arrays(tmp_path):
    rows = np.arange(12, dtype=np.float32).reshape(6, 2)
    with NpzWriter(tmp_path / "a.npz") as writer:
        for name in ("one", "two"):
            writer.add(name, rows)
    with np.load(tmp_path / "a.npz", allow_pickle=False) as file:
        np.testing.assert_array_equal(file["one"], rows)
        np.testing.assert_array_equal(file["two"], rows)


@pytest.mark.parametrize("rows", [0, 3])
def test_an_array_filled_in_place_is_what_numpy_writes(tmp_path, rows):
    content = np.arange(4 * rows, dtype=np.float32).reshape(rows, 4)
    create_array(tmp_path / "a.npy", content.shape)[:] = content
    np.save(tmp_path / "b.npy", content)
    assert (tmp_path / "a.npy").read_bytes() == (tmp_path / "b.npy").read_bytes()


@contextlib.contextmanager
def small_files():
    """No file may have more than a mebibyte meanwhile."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_an_array_that_the_disk_has_no_room_for_is_an_error_at_once(tmp_path, monkeypatch):
    with small_files(), pytest.raises(OSError):
        create_array(tmp_path / "a.npy", (1000, 1000))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(files, "LARGE", 1000)
    with small_files(), pytest.raises(TemporaryError, match=str(tmp_path)):
        large_array(1000, 1000)


@pytest.mark.parametrize("large", [1000, 1001])
def test_a_large_array_is_filled_like_any_other_and_leaves_no_file(tmp_path, monkeypatch, large):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(files, "LARGE", large)
    array = large_array(25, 10)
    assert (array.base is None) == (large > 1000) and array.shape == (25, 10) and array.dtype == np.float32
    array[:] = np.arange(10)
    np.testing.assert_array_equal(array.sum(0), 25 * np.arange(10))
    assert not list(tmp_path.iterdir())


def test_what_has_no_room_is_said_with_its_file_and_what_is_free(tmp_path):
    (tmp_path / "a.npz").write_text("old")
    with (
        small_files(),
        pytest.raises(TemporaryError, match=r"a\.npz \([\d.]+ MB are free there\): File too large; make"),
    ):
        save_npz(tmp_path / "a.npz", x=np.zeros(1 << 20))
    assert (tmp_path / "a.npz").read_text() == "old" and len(list(tmp_path.iterdir())) == 1


def test_sound_that_has_no_room_is_said_as_well(tmp_path):
    with small_files(), pytest.raises(TemporaryError, match=r"a\.wav \([\d.]+ MB are free there\)"):
        with atomic(tmp_path / "a.wav") as partial:
            soundfile.write(partial, np.zeros(1 << 21), 16000)


def test_what_the_disk_does_is_no_damage_of_the_file():
    with pytest.raises(OSError, match="Input/output"), reading("a.npz", "an npz", "l2l faces"):
        raise OSError(errno.EIO, "Input/output error")


def test_temporary_files_lie_where_tmpdir_says_also_when_it_is_full(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", "/elsewhere")
    assert temporary_folder() == tmp_path


def test_the_same_arrays_give_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        save_npz(tmp_path / f"{name}.npz", x=np.arange(3))
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_json_refuses_nan_and_keeps_the_old_file(tmp_path):
    save_json(tmp_path / "a.json", {"x": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        save_json(tmp_path / "a.json", {"x": float("nan")})
    assert json.loads((tmp_path / "a.json").read_text()) == {"x": 1}


def dead_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_what_a_killed_process_left_is_removed_and_that_of_a_living_one_is_not(tmp_path):
    letters = "0123abcd"
    dead, mine = (f".a.{_HOST}-{number}-{letters}.partial.npz" for number in (dead_process(), os.getpid()))
    elsewhere, old = (f".a.{host}-1-{letters}.partial.npz" for host in ("other", "another"))
    others = f".a.b.{_HOST}-{dead_process()}-{letters}.partial.npz", "a.partial.npz", ".a.mine.partial.npz"
    for name in (dead, mine, elsewhere, old, *others):
        (tmp_path / name).touch()
    os.utime(tmp_path / old, (0, 0))
    save_npz(tmp_path / "a.npz", x=np.zeros(3))
    assert {path.name for path in tmp_path.iterdir()} == {"a.npz", mine, elsewhere, *others}


def test_scratch_of_killed_processes_is_removed(tmp_path):
    left = tmp_path / f".l2l.{_HOST}-{dead_process()}-0123abcd.scratch"
    left.mkdir()
    (left / "audio.wav").touch()
    with scratch(tmp_path) as folder:
        assert [path.name for path in tmp_path.iterdir()] == [folder.name]
    assert not list(tmp_path.iterdir())
