"""Released models become ours and go back, with nothing lost; files that do not belong together are refused."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from l2l.architectures import train_codebook, train_predictor
from l2l.errors import UserError
from l2l.released.config import STAGES, read_config
from l2l.released.convert import Files, export_released, import_released_pair, read_statistics
from l2l.windows.checkpoint import load_codebook, load_pair
from tests.released.released_folder import write_folder, write_models
from tests.released.test_checkpoint import same
from tests.synthetic import write_chunks
from tests.tiny import tiny_settings


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_folder(tmp_path_factory.mktemp("released"), windows=4)
    write_models(folder)
    return folder


def files(folder: Path) -> dict[str, Path]:
    return {
        "codebook_pth": folder / "vqgan/models/tiny_er2er_best.pth",
        "codebook_npz": folder / "vqgan/models/tiny_er2er_preprocess_core.npz",
        "predictor_pth": folder / "models/small_er2er_best.pth",
        "predictor_npz": folder / "models/small_er2er_preprocess_core.npz",
        "codebook_json": folder / "vqgan/configs/codebook.json",
        "predictor_json": folder / "configs/predictor.json",
    }


def load(folder: Path, out: Path, **changes: Path) -> None:
    found = {**files(folder), **changes}
    codebook, predictor = (
        Files(found[f"{stage}_pth"], found[f"{stage}_npz"], read_config(found[f"{stage}_json"], stage))
        for stage in STAGES
    )
    import_released_pair(codebook, predictor, out, listener="right")


def test_an_imported_pair_is_ready_to_use(folder: Path, tmp_path: Path) -> None:
    load(folder, tmp_path)
    pair = load_pair(tmp_path / "codebook.pt", tmp_path / "predictor.pt")
    with np.load(files(folder)["codebook_npz"]) as core, np.load(files(folder)["predictor_npz"]) as other:
        np.testing.assert_array_equal(pair.listener.mean, core["body_mean_Y"].ravel())
        np.testing.assert_array_equal(pair.listener.std, core["body_std_Y"].ravel())
        np.testing.assert_array_equal(pair.speaker.mean, other["body_mean_X"].ravel())
        np.testing.assert_array_equal(pair.audio.std, other["body_std_audio"].ravel())
    assert (pair.listener.smoothing, pair.speaker.smoothing, pair.audio.smoothing) == ("bilateral", "bilateral", "none")
    stored = torch.load(files(folder)["codebook_pth"], weights_only=True)["state_dict"]
    ours = pair.codebook.state_dict()
    assert list(ours) == [key.removeprefix("module.") for key in stored]
    assert all(torch.equal(ours[key.removeprefix("module.")], value) for key, value in stored.items())
    meta = load_codebook(tmp_path / "codebook.pt")[2]
    assert (meta["step"], meta["listener"], meta["config"]["codes"]) == (3, "right", 20)


def test_import_and_export_give_back_the_same_four_files(folder: Path, tmp_path: Path) -> None:
    load(folder, tmp_path)
    names = ("codebook_pth", "codebook_npz", "predictor_pth", "predictor_npz")
    export_released(tmp_path / "codebook.pt", tmp_path / "predictor.pt", **{name: tmp_path / name for name in names})
    for name in ("codebook_pth", "predictor_pth"):
        before, after = (torch.load(path, weights_only=True) for path in (files(folder)[name], tmp_path / name))
        assert same(before, after)
    for name in ("codebook_npz", "predictor_npz"):
        with np.load(files(folder)[name]) as before, np.load(tmp_path / name) as after:
            assert set(before.files) == set(after.files)
            # The codebook's X and audio are never used; ours keeps only the predictor's.
            used = [key for key in before.files if name == "predictor_npz" or key.endswith("_Y")]
            assert all(np.array_equal(before[key], after[key]) for key in used)
            assert all(before[key].shape == after[key].shape for key in before.files)


def test_models_trained_here_can_be_loaded_as_released(tmp_path: Path) -> None:
    chunks = write_chunks(tmp_path / "person", windows=3, videos=3)
    ours = tmp_path / "codebook.pt", tmp_path / "predictor.pt"
    train_codebook(chunks, "left", tiny_settings(2), ours[0], tmp_path / "log")
    train_predictor(chunks, ours[0], "left", tiny_settings(2), ours[1], tmp_path / "log")
    names = ("codebook_pth", "codebook_npz", "predictor_pth", "predictor_npz")
    export_released(*ours, **{name: tmp_path / name for name in names})
    pair = load_pair(*ours)
    for name, model, kind in (
        ("codebook_pth", pair.codebook, torch.optim.AdamW),
        ("predictor_pth", pair.predictor, torch.optim.Adam),
    ):
        content = torch.load(tmp_path / name, weights_only=True)
        assert list(content["state_dict"]) == [f"module.{key}" for key in model.state_dict()]
        assert content["optimizer"]["n_steps"] in (1, 2)
        parameters = [parameter.clone().requires_grad_() for parameter in model.parameters()]
        optimizer = kind(parameters, lr=1.0)
        optimizer.load_state_dict(content["optimizer"]["optimizer"])  # strict in groups and numbers of parameters
        assert optimizer.param_groups[0]["betas"] == (0.9, 0.98)


@pytest.mark.parametrize(
    ("file", "key", "value", "words"),
    [
        ("codebook_json", "VQuantizer", {"n_embed": 30, "zquant_dim": 16}, ["30", "codes"]),
        ("codebook_json", "transformer_config.num_hidden_layers", 3, ["its configuration is another"]),
        (
            "predictor_json",
            "fact_model.cross_modal_model.transformer.num_hidden_layers",
            4,
            ["transformer", "its configuration is another"],
        ),
    ],
)
def test_a_configuration_of_another_model_is_refused(
    folder: Path, tmp_path: Path, file: str, key: str, value: object, words: list[str]
) -> None:
    values = json.loads(files(folder)[file].read_text())
    *path, last = key.split(".")
    inner = values
    for part in path:
        inner = inner[part]
    inner[last] = value
    (tmp_path / "other.json").write_text(json.dumps(values))
    with pytest.raises(UserError) as error:
        load(folder, tmp_path, **{file: tmp_path / "other.json"})
    assert all(word in str(error.value) for word in words), error.value
    assert not (tmp_path / "codebook.pt").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"codebook_json": "predictor_json"}, "is a predictor configuration; give the one of the codebook"),
        ({"codebook_pth": "predictor_pth"}, "its configuration is another"),
        ({"codebook_npz": "predictor_npz"}, "body_mean_Y"),
        (
            {"predictor_npz": "codebook_json"},
            "is not the statistics of a released model .*; get it from where its checkpoint",
        ),
    ],
)
def test_files_in_each_others_place_are_refused(
    folder: Path, tmp_path: Path, changes: dict[str, str], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        load(folder, tmp_path, **{name: files(folder)[other] for name, other in changes.items()})


@pytest.mark.parametrize(
    ("name", "words"), [("codebook_pth", "of the released program"), ("codebook_npz", "where its checkpoint")]
)
def test_a_missing_file_of_the_released_program_is_named(folder: Path, tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(UserError, match=f"none.* {words}"):
        load(folder, tmp_path, **{name: tmp_path / "none"})


def test_weights_that_are_no_tensors_are_refused(folder: Path, tmp_path: Path) -> None:
    content = torch.load(files(folder)["codebook_pth"], weights_only=True)
    content["state_dict"] = dict.fromkeys(content["state_dict"], 1.0)
    torch.save(content, tmp_path / "other.pth")
    with pytest.raises(UserError, match="is not a list of named weights"):
        load(folder, tmp_path, codebook_pth=tmp_path / "other.pth")


def test_statistics_of_other_channels_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "s.npz", body_mean_X=np.zeros((1, 1, 53)), body_std_X=np.ones((1, 1, 53)))
    with pytest.raises(UserError, match=r"s\.npz: body_mean_X has shape \(1, 1, 53\), expected 56"):
        read_statistics(tmp_path / "s.npz", ("speaker",))
