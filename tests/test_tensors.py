"""Torch files: what is damaged or made to do harm is refused; what the machine does is not taken for damage."""

import zipfile

import pytest
import torch

from l2l import tensors
from l2l.errors import Stopped
from l2l.tensors import load_tensors


def test_a_packed_file_is_refused_before_it_takes_memory(tmp_path, monkeypatch):
    torch.save({"a": torch.zeros(1_000_000)}, tmp_path / "good.pt")
    with zipfile.ZipFile(tmp_path / "good.pt") as good:
        with zipfile.ZipFile(tmp_path / "bomb.pt", "w", zipfile.ZIP_DEFLATED) as bomb:
            for name in good.namelist():
                bomb.writestr(name, good.read(name))
    assert load_tensors(tmp_path / "good.pt")["a"].shape == (1_000_000,)
    monkeypatch.setattr(tensors.torch, "load", lambda *_, **__: pytest.fail("it was read"))
    with pytest.raises(ValueError, match="cut off"):
        load_tensors(tmp_path / "bomb.pt")


def test_two_members_in_the_same_bytes_are_refused(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "a.pt", "w") as file:
        file.writestr("a/data/0", bytes(1000))
        file.filelist += file.filelist * 3
    monkeypatch.setattr(tensors.torch, "load", lambda *_, **__: pytest.fail("it was read"))
    with pytest.raises(ValueError, match="cut off"):
        load_tensors(tmp_path / "a.pt")


def test_torch_says_nothing_of_its_own(tmp_path, recwarn, capfd):
    (tmp_path / "bad.pt").write_bytes(b"\x80\x02cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(ValueError, match="cut off"):
        load_tensors(tmp_path / "bad.pt")
    assert not recwarn.list and capfd.readouterr() == ("", "")


@pytest.mark.parametrize("error", [Stopped("stopped by SIGTERM."), OSError(5, "Input/output error")])
def test_a_signal_or_a_disk_s_fault_is_no_damage(tmp_path, monkeypatch, error):
    def load(*_, **__):
        raise error

    monkeypatch.setattr(tensors.torch, "load", load)
    (tmp_path / "a.pt").touch()
    with pytest.raises(type(error)):
        load_tensors(tmp_path / "a.pt")


def test_memory_that_is_only_claimed_is_damage(tmp_path, monkeypatch):
    def load(*_, **__):
        raise RuntimeError("[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(tensors.torch, "load", load)
    (tmp_path / "a.pt").touch()
    with pytest.raises(ValueError, match="cut off"):
        load_tensors(tmp_path / "a.pt")
