"""Checkpoints of the released program: what we read we can write back, and nothing else is let in."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from l2l.errors import UserError
from l2l.released.checkpoint import (
    load_codebook_weights,
    load_predictor_weights,
    read_released,
    write_released,
)
from l2l.released.config import read_config, settings
from l2l.windows.codebook import Codebook
from l2l.windows.predictor import Predictor
from tests.released.released_folder import CODES, write_folder, write_models

FILES = {"codebook": "vqgan/models/tiny_er2er_best.pth", "predictor": "models/small_er2er_best.pth"}


def leaves(value: Any, path: str = "") -> dict[str, Any]:
    """Every tensor and plain value of nested dicts and lists, in order, by its path."""
    if isinstance(value, dict):
        return {k: v for key, inner in value.items() for k, v in leaves(inner, f"{path}/{key}").items()}
    if isinstance(value, (list, tuple)):
        return {k: v for n, inner in enumerate(value) for k, v in leaves(inner, f"{path}/{n}").items()}
    return {path: value}


def same(one: Any, two: Any) -> bool:
    """Equal names in equal order, and equal bytes."""
    first, second = leaves(one), leaves(two)
    return list(first) == list(second) and all(
        a.dtype == b.dtype and a.numpy().tobytes() == b.numpy().tobytes() if isinstance(a, Tensor) else a == b
        for a, b in zip(first.values(), second.values(), strict=True)
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_folder(tmp_path_factory.mktemp("released"), windows=4)
    write_models(folder)
    return folder


@pytest.mark.parametrize("stage", FILES)
def test_what_is_read_is_written_back_byte_for_byte(folder: Path, tmp_path: Path, stage: str) -> None:
    source = folder / FILES[stage]
    write_released(tmp_path / "again.pth", read_released(source))
    before, after = (torch.load(path, weights_only=True) for path in (source, tmp_path / "again.pth"))
    assert same(before, after)
    assert all(key.startswith("module.") for key in after["state_dict"])
    changed = {**after, "epoch": 8}
    assert not same(before, changed)


@pytest.mark.parametrize("stage", FILES)
def test_the_optimizer_state_fits_our_parameters_in_their_order(folder: Path, stage: str) -> None:
    stored = read_released(folder / FILES[stage])
    found = read_config(folder / ("vqgan/configs/codebook.json" if stage == "codebook" else "configs/predictor.json"))
    model: Any = (
        Codebook(settings(found).windows.codebook)
        if stage == "codebook"
        else Predictor(settings(found).windows.predictor, CODES)
    )
    model.load_state_dict(stored.weights)
    kind = torch.optim.AdamW if stage == "codebook" else torch.optim.Adam
    optimizer = kind(model.parameters())
    assert stored.optimizer is not None
    optimizer.load_state_dict(stored.optimizer)
    for name, parameter in model.named_parameters():
        state = optimizer.state[parameter]
        if name.startswith("listener_past_transformer"):
            assert not state
        else:
            assert state["exp_avg"].shape == parameter.shape and state["step"] == 3
    assert (stored.steps, stored.epoch) == (3, 7)


def test_weights_are_loaded_strictly(folder: Path) -> None:
    sizes = settings(read_config(folder / "vqgan/configs/codebook.json")).windows.codebook
    path = folder / FILES["codebook"]
    model = load_codebook_weights(read_released(path), sizes, path)
    assert not model.training
    assert torch.equal(model.quantize.embedding.weight, read_released(path).weights["quantize.embedding.weight"])
    for change, message in (
        ({"decoder.cross_smooth_layer.bias": ...}, "decoder.cross_smooth_layer.bias' of Codebook is missing"),
        ({"extra.weight": torch.zeros(1)}, "has no weight 'extra.weight'"),
        ({"encoder.encoder_pos_embedding.pos_embedding": torch.zeros(5, 16)}, r"pos_embedding.*\(5, 16\).*\(4, 16\)"),
        ({"decoder.cross_smooth_layer.bias": torch.zeros(56).double()}, "float64"),
    ):
        stored = read_released(path)
        stored.weights.update(change)
        for key in [key for key, value in change.items() if value is ...]:
            del stored.weights[key]
        with pytest.raises(UserError, match=message):
            load_codebook_weights(stored, sizes, path)


@pytest.mark.parametrize("size", ["codes", "hidden_size", "layers", "feedforward_size"])
def test_a_size_that_the_weights_do_not_have_is_the_configurations_fault(folder: Path, size: str) -> None:
    codebook = settings(read_config(folder / "vqgan/configs/codebook.json")).windows.codebook
    predictor = settings(read_config(folder / "configs/predictor.json")).windows.predictor
    path = folder / FILES["codebook"]
    with pytest.raises(UserError, match=r"best.pth: .*weight.*, or its configuration is another"):
        load_codebook_weights(read_released(path), codebook.model_copy(update={size: 4}), path)
    path = folder / FILES["predictor"]
    codes = 4 if size == "codes" else CODES
    with pytest.raises(UserError, match=r"best.pth: .*weight.*, or its configuration is another"):
        load_predictor_weights(read_released(path), predictor.model_copy(update={size: 4}), codes, path)


class Bomb:
    """Pickled, it would write a file when read."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple:
        return Path.touch, (self.target,)


def test_code_inside_a_file_is_never_run(tmp_path: Path) -> None:
    for legacy in (True, False):
        torch.save({"config": Bomb(tmp_path / "boom")}, tmp_path / "c.pth", _use_new_zipfile_serialization=not legacy)
        with pytest.raises(UserError, match="nothing in it was run"):
            read_released(tmp_path / "c.pth")
    assert not (tmp_path / "boom").exists()


@pytest.mark.parametrize("damage", ["prefix", "epoch", "optimizer", "list", "text", "missing"])
def test_a_file_of_another_kind_is_refused(folder: Path, tmp_path: Path, damage: str) -> None:
    content = torch.load(folder / FILES["predictor"], weights_only=True)
    path = tmp_path / "c.pth"
    if damage == "prefix":
        content["state_dict"] = {key.removeprefix("module."): value for key, value in content["state_dict"].items()}
    elif damage in ("epoch", "optimizer"):
        del content[damage]
    if damage == "text":
        path.write_text("hello")
    elif damage != "missing":
        torch.save([1] if damage == "list" else content, path)
    with pytest.raises(UserError, match=r"c\.pth"):
        read_released(path)
