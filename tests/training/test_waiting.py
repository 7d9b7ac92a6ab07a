"""How the threads of a training wait for each other."""

import os
import sys

import pytest

from l2l.training import waiting


@pytest.fixture
def machine(monkeypatch):
    """Two cores, of which so many ticks of a hundred are idle while they are looked at."""
    monkeypatch.setattr(os, "environ", {})
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setattr(waiting, "_own_cores", lambda: {0, 1})
    monkeypatch.setattr(waiting.time, "sleep", lambda _: None)

    def looked_at(*idle: int) -> None:
        answers = iter([{0: (50, 900), 1: (70, 900)}, {k: ((50, 70)[k] + free, 1000) for k, free in enumerate(idle)}])
        monkeypatch.setattr(waiting, "_ticks", lambda: next(answers))

    return looked_at


@pytest.mark.parametrize(("idle", "spin"), [((100, 98), "3000"), ((0, 0), "0"), ((100, 10), "0")])
def test_threads_spin_only_where_cores_are_free(machine, idle, spin):
    machine(*idle)
    waiting.share_cores()
    assert os.environ["GOMP_SPINCOUNT"] == spin


def test_one_thread_asks_nothing_and_the_user_knows_better(machine):
    os.environ["OMP_NUM_THREADS"] = "1"
    waiting.share_cores()
    assert os.environ["GOMP_SPINCOUNT"] == "3000"
    os.environ.update(GOMP_SPINCOUNT="7")
    waiting.share_cores()
    assert os.environ["GOMP_SPINCOUNT"] == "7"


def test_what_is_no_number_of_threads_is_ignored_as_libgomp_does(machine):
    machine(100, 98)
    os.environ["OMP_NUM_THREADS"] = "many"
    waiting.share_cores()
    assert os.environ["GOMP_SPINCOUNT"] == "3000"


def test_where_torch_is_imported_already_nothing_is_waited_for(machine, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", os)
    waiting.share_cores()
    assert "GOMP_SPINCOUNT" not in os.environ


def test_the_system_says_how_idle_its_cores_are():
    ticks = waiting._ticks()
    assert all(0 <= idle <= total for idle, total in ticks.values())
    assert 0 <= waiting._idle(waiting._own_cores()) <= len(waiting._own_cores())
