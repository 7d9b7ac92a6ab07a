"""Two trainings of one output never run at once, and nobody has to clean up after a dead one."""

import subprocess
import sys
from pathlib import Path

import pytest

from l2l.errors import UserError
from l2l.training.lock import locked

HOLD = "import sys; from pathlib import Path; from l2l.training.lock import locked\n"
HOLD += "with locked(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"


def hold(path: Path, **variables: str) -> subprocess.Popen:
    """A process that holds the lock until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": ":".join(sys.path), **variables},
    )
    assert process.stdout and process.stdout.readline() == "held\n"
    return process


def test_the_second_stops_with_a_sentence_that_names_the_first(tmp_path: Path) -> None:
    process = hold(tmp_path / ".codebook.lock.pt", SLURM_JOB_ID="4711")
    with pytest.raises(UserError, match=rf"process {process.pid} on \S+, SLURM job 4711; wait until it ends or cancel"):
        with locked(tmp_path / ".codebook.lock.pt"):
            raise AssertionError("both hold it")
    process.communicate()
    with locked(tmp_path / ".codebook.lock.pt"):
        pass
    assert not list(tmp_path.iterdir())


def test_the_lock_of_a_killed_process_does_not_block(tmp_path: Path) -> None:
    process = hold(tmp_path / "lock")
    process.kill()
    process.communicate()
    assert (tmp_path / "lock").exists()
    with locked(tmp_path / "lock"):
        assert f'"pid": {process.pid}' not in (tmp_path / "lock").read_text()


def test_a_lock_file_that_says_nothing_still_locks(tmp_path: Path) -> None:
    process = hold(tmp_path / "lock")
    (tmp_path / "lock").write_text("")
    with pytest.raises(UserError, match="by another process"):
        with locked(tmp_path / "lock"):
            pass
    process.communicate()


def test_a_file_that_its_holder_removes_meanwhile_is_not_taken_for_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    real, calls = fcntl.lockf, []

    def slow(file, flags: int) -> None:
        if not calls:  # between our open and our lock the other one ends
            (tmp_path / "lock").unlink()
        calls.append(flags)
        real(file, flags)

    monkeypatch.setattr(fcntl, "lockf", slow)
    with locked(tmp_path / "lock"):
        assert (tmp_path / "lock").exists()
    assert len(calls) == 2


def test_without_locks_in_the_file_system_training_goes_on_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import errno
    import fcntl

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "lockf", refuse)
    with locked(tmp_path / "lock"):
        pass
    assert "nothing keeps a second training away" in caplog.text


def test_no_lock_stays_where_there_is_no_room_for_its_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno
    import json

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(json, "dump", full)
    with pytest.raises(OSError, match="No space"), locked(tmp_path / "lock"):
        pass
    assert not list(tmp_path.iterdir())
