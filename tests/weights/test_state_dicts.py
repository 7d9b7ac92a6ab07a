"""Published weights are read without running anything, and only into the network they fit."""

import pickle

import pytest
import torch
from torch import nn

from l2l.errors import UserError
from l2l.weights.state_dicts import load_into, read_torch


class Net(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(nn.Linear(3, 2), nn.BatchNorm1d(2))


class Canary:
    """Unpickling it would make a file."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, "w")


def weights():
    return dict(Net().state_dict())


def test_old_files_without_the_counter_of_batches_are_taken(tmp_path):
    state = weights()
    del state["1.num_batches_tracked"]
    torch.save(state, tmp_path / "net.pt", _use_new_zipfile_serialization=False)
    net = Net()
    load_into(net, read_torch(tmp_path / "net.pt"), tmp_path / "net.pt")
    assert torch.equal(net[0].weight, state["0.weight"]) and not net.training


def change(state, name, value):
    state.pop(name, None)
    return state | ({name: value} if value is not None else {})


@pytest.mark.parametrize(
    "name, value, message",
    [
        ("0.bias", None, r"net\.pt: the weight '0.bias' of Net is missing"),
        ("0.bias", torch.zeros(7), r"net\.pt: the weight '0.bias' has shape \(7,\), Net needs \(2,\)"),
        ("2.bias", torch.zeros(7), r"net\.pt: Net has no weight '2.bias'"),
        ("0.bias", "text", r"net\.pt is not a list of named weights"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(tmp_path, name, value, message):
    with pytest.raises(UserError, match=message):
        load_into(Net(), change(weights(), name, value), tmp_path / "net.pt")


@pytest.mark.parametrize("how", ["pickle", "torch", "legacy"])
def test_a_file_that_would_run_something_is_refused_and_nothing_runs(tmp_path, how):
    bad, path = {"0.bias": Canary(tmp_path / "canary")}, tmp_path / "bad.pt"
    if how == "pickle":
        path.write_bytes(pickle.dumps(bad, protocol=2))
    else:
        torch.save(bad, path, _use_new_zipfile_serialization=how == "torch")
    with pytest.raises(UserError, match=r"bad\.pt is cut off, or holds something else .* nothing in it was run"):
        read_torch(path)
    assert not (tmp_path / "canary").exists()


def test_a_file_that_was_cut_off_is_refused(tmp_path):
    torch.save(weights(), tmp_path / "whole.pt")
    (tmp_path / "cut.pt").write_bytes((tmp_path / "whole.pt").read_bytes()[:-200])
    with pytest.raises(UserError, match=r"cut\.pt is cut off"):
        read_torch(tmp_path / "cut.pt")
