from pathlib import Path

import pytest
import torch

from l2l.architectures import train_codebook, train_predictor
from l2l.errors import UserError
from l2l.windows.checkpoint import load_codebook, load_pair, load_predictor
from tests.synthetic import write_chunks
from tests.tiny import tiny_settings


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two codebooks, and a predictor that belongs to the first."""
    folder = write_chunks(tmp_path_factory.mktemp("person"), windows=3, videos=3)
    for name, seed in (("codebook", 0), ("other", 1)):
        train_codebook(folder, "left", tiny_settings(1, seed), folder / f"{name}.pt", folder / "log")
    train_predictor(folder, folder / "codebook.pt", "left", tiny_settings(1), folder / "predictor.pt", folder / "log")
    return folder


def test_a_pair_that_belongs_together_loads_ready_to_use(folder: Path) -> None:
    pair = load_pair(folder / "codebook.pt", folder / "predictor.pt")
    assert not pair.codebook.training and not pair.predictor.training
    assert not any(parameter.requires_grad for parameter in pair.predictor.parameters())
    assert pair.speaker.mean.shape == (56,) and pair.audio.mean.shape == (128,)


def test_the_checkpoint_says_where_it_came_from(folder: Path) -> None:
    _, _, meta = load_codebook(folder / "codebook.pt")
    assert (meta["format"], meta["kind"], meta["listener"], meta["seed"], meta["step"]) == (1, "codebook", "left", 0, 1)
    assert meta["config"]["hidden_size"] == 32
    assert meta["history"][0]["validation_loss"] == meta["validation_loss"]


def test_a_predictor_of_another_codebook_is_refused(folder: Path) -> None:
    with pytest.raises(UserError, match=r"another codebook than .*other.pt"):
        load_pair(folder / "other.pt", folder / "predictor.pt")


def test_a_predictor_that_names_no_codebook_is_refused(folder: Path, tmp_path: Path) -> None:
    stored = torch.load(folder / "predictor.pt", weights_only=True)
    del stored["codebook_fingerprint"]
    torch.save(stored, tmp_path / "predictor.pt")
    with pytest.raises(UserError, match=r"does not say which codebook .* train the predictor again"):
        load_pair(folder / "codebook.pt", tmp_path / "predictor.pt")


def test_a_checkpoint_of_the_other_kind_is_refused(folder: Path) -> None:
    with pytest.raises(UserError, match=r"predictor.pt is not a codebook checkpoint"):
        load_codebook(folder / "predictor.pt")
    with pytest.raises(UserError, match=r"codebook.pt is not a predictor checkpoint"):
        load_predictor(folder / "codebook.pt")


def test_a_missing_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nothing.pt does not exist"):
        load_codebook(tmp_path / "nothing.pt")


class Bomb:
    """Pickled, it would write a file when read."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple:
        return Path.touch, (self.target,)


def test_code_inside_a_file_is_never_run(tmp_path: Path) -> None:
    torch.save({"format": 1, "kind": "codebook", "config": Bomb(tmp_path / "exploded")}, tmp_path / "codebook.pt")
    with pytest.raises(UserError, match="not a checkpoint that can be read"):
        load_codebook(tmp_path / "codebook.pt")
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize("damage", ["cut", "empty", "text", "weights", "format", "standardizer", "config"])
def test_a_damaged_file_is_an_error_that_names_it(folder: Path, tmp_path: Path, damage: str) -> None:
    path, content = tmp_path / "codebook.pt", (folder / "codebook.pt").read_bytes()
    if damage in ("cut", "empty", "text"):
        path.write_bytes({"cut": content[: len(content) // 2], "empty": b"", "text": b"hello there"}[damage])
    else:
        stored = torch.load(folder / "codebook.pt", weights_only=True)
        if damage == "weights":
            stored["state_dict"].popitem()
        elif damage == "format":
            stored["format"] = 99
        else:
            del stored[damage]
        torch.save(stored, path)
    with pytest.raises(UserError, match=r"codebook.pt"):
        load_codebook(path)
