"""Two trees beside each other."""

import shlex

import pytest

from benchmarks import speed
from l2l.cli.main import app


@pytest.mark.parametrize("name", [name for name in speed.STEPS if name != "help"])
def test_each_step_is_a_command_that_exists(name):
    words = shlex.split(speed.STEPS[name].format(out="out", own="own"))
    command, *_ = app.parse_args([*words, "--config", "settings.yaml"], exit_on_error=False, print_error=False)
    assert command.__module__.startswith("l2l.cli.")


def test_a_row_is_of_neighbours_and_who_is_first_changes(tmp_path, monkeypatch):
    (tmp_path / "recording/steps").mkdir(parents=True)
    (tmp_path / "recording/tracks.npz").touch()
    order, costs = [], {"mine": iter([9.0, 2.0, 3.0]), "other": iter([9.0, 1.0, 2.0])}

    def run(tree, work, command, out):
        assert [path.name for path in (work / out).iterdir()] == ["tracks.npz"]
        order.append(tree)
        return next(costs[tree])

    monkeypatch.setattr(speed, "run", run)
    assert speed.row("track", ("mine", "other"), tmp_path, 2) == "| track | 2.50 | 1.50 | 1.75 (1.50 to 2.00) |"
    assert order == ["other", "mine", "mine", "other", "other", "mine"]


def test_what_the_other_tree_cannot_do_is_said(tmp_path, monkeypatch):
    (tmp_path / "recording").mkdir()

    def run(tree, *_):
        if tree == "other":
            raise speed.Failed("l2l: no such command")
        return 1.0

    monkeypatch.setattr(speed, "run", run)
    row = speed.row("track", ("mine", "other"), tmp_path, 1)
    assert row.startswith("| track | the other tree fails: l2l: no such command |")
