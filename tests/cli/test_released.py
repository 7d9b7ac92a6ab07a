"""The released program's own command lines, on a folder laid out as the original's."""

import json
import os
import pickle
import signal
from pathlib import Path

import numpy as np
import pytest
import torch

from l2l.cli.main import main
from l2l.dataset.layout import chunk_paths
from l2l.windows.train_codebook import CodebookTask
from tests.released.released_folder import CODES, write_folder

CPU = ["codebook.training.device=cpu", "predictor.training.device=cpu", "predictor.training.threads=1"]
CODEBOOK, PREDICTOR = "vqgan/models/tiny_er2er", "models/small_er2er"


def run(folder: Path, *words: str, changes: tuple[str, ...] = ()) -> int:
    stage = "vqgan/configs/codebook.json" if words[0] == "train-codebook" else "configs/predictor.json"
    arguments = ["released", *words, "--config", str(folder / stage), "--root", str(folder), "--set", *CPU, *changes]
    return main(arguments)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both stages trained on 40 windows: no multiple of a batch, and too few for one to train the predictor on."""
    folder = write_folder(tmp_path_factory.mktemp("released"))
    assert run(folder, "train-codebook") == 0
    assert run(folder, "train-predictor") == 0
    return folder


def test_both_stages_write_the_originals_files(folder: Path) -> None:
    for path, inputs, epochs in ((CODEBOOK, "XY", 3), (PREDICTOR, "X", 2)):
        content = torch.load(folder / f"{path}_best.pth", weights_only=True)
        assert list(content) == ["config", "state_dict", "optimizer", "epoch"]
        # 28 training windows are 56 halves, one batch of 32 (the rest is dropped), or one of 28: a step an epoch.
        assert content["optimizer"]["n_steps"] == content["epoch"] + 1 <= epochs
        group = content["optimizer"]["optimizer"]["param_groups"][0]
        assert (group["betas"], group["eps"]) == ((0.9, 0.98), 1e-9)
        with np.load(folder / f"{path}_preprocess_core.npz") as core:
            assert {key[-1] for key in core.files if "audio" not in key} == set(inputs)
            assert core["body_std_X"].shape == (1, 1, 56) and core["body_mean_audio"].shape == (1, 1, 128)


def test_the_sides_come_from_the_configuration(folder: Path, tmp_path: Path) -> None:
    """Fallon's listener is p1: without those files there is nothing to train on, and the other side is never read."""
    other = write_folder(tmp_path)
    for path in chunk_paths(other / "data/fallon", "train", "left").values():
        path.unlink()
    assert run(other, "train-codebook") == 0
    assert (other / f"{CODEBOOK}_best.pth").exists()
    for path in chunk_paths(other / "data/fallon", "train", "right").values():
        path.unlink()
    assert run(other, "train-codebook") == 1


def test_the_same_seed_trains_the_same_weights(folder: Path, tmp_path: Path) -> None:
    again = write_folder(tmp_path)
    assert run(again, "train-codebook") == 0
    one, two = (torch.load(root / f"{CODEBOOK}_best.pth", weights_only=True)["state_dict"] for root in (folder, again))
    assert all(torch.equal(one[key], two[key]) for key in one)
    assert run(again, "train-codebook", changes=("seed=1",)) == 0
    other = torch.load(again / f"{CODEBOOK}_best.pth", weights_only=True)["state_dict"]
    assert not all(torch.equal(one[key], other[key]) for key in one)


def test_a_stopped_run_goes_on_to_the_same_file(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    again = write_folder(tmp_path)
    usual, calls = CodebookTask.loss, []

    def loss(self, *arguments):
        calls.append(1)
        if len(calls) == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return usual(self, *arguments)

    monkeypatch.setattr(CodebookTask, "loss", loss)
    assert run(again, "train-codebook") == 75
    assert "stopped after step 2 by SIGTERM" in capsys.readouterr().err
    assert run(again, "train-codebook") == 0
    assert len(calls) == 3  # of three epochs of one step
    one, two = (torch.load(root / f"{CODEBOOK}_best.pth", weights_only=True) for root in (folder, again))
    assert all(torch.equal(one["state_dict"][key], two["state_dict"][key]) for key in one["state_dict"])
    assert (one["epoch"], one["optimizer"]["n_steps"]) == (two["epoch"], two["optimizer"]["n_steps"])
    assert not list((again / CODEBOOK).parent.glob(".*"))


def test_the_test_gives_a_number_where_the_original_failed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("test", "--checkpoint", str(folder / f"{PREDICTOR}_best.pth"), "--speaker", "fallon")
    assert run(folder, *words) == 0
    assert float(capsys.readouterr().out.split(":")[1]) > 0
    assert not (folder / "outputs").exists()


def test_saved_results_become_the_originals_pickles(folder: Path, tmp_path: Path) -> None:
    words = ("test", "--checkpoint", str(folder / f"{PREDICTOR}_best.pth"), "--speaker", "fallon")
    assert run(folder, *words, "--save", "--etag", "e_", "--sample_idx", "1") == 0
    results = folder / "outputs" / "e_small_predicted.npz"
    with np.load(results, allow_pickle=False) as file:
        arrays = dict(file)
    assert arrays["expression"].shape == (32, 64, 50) and arrays["pose"].shape == (32, 64, 6)  # 8 of 40 are dropped
    assert arrays["probabilities"].shape == (32, 8, CODES)
    np.testing.assert_allclose(arrays["probabilities"][:, 4:].sum(-1), 1, rtol=1e-5)
    with np.load(folder / f"{CODEBOOK}_preprocess_core.npz") as core:
        np.testing.assert_allclose(arrays["pose"][3, 5], core["body_mean_Y"][0, 0, 50:], atol=1e-6)
    assert main(["export-pkl", str(results), "--out", str(tmp_path)]) == 0
    n, t = 31, 40  # the last window that was sampled, so no later one overwrote its frames
    path = tmp_path / arrays["video"][n, t] / "results" / "e_small_predicted" / f"{int(arrays['frame'][n, t]):08d}.pkl"
    content = pickle.loads(path.read_bytes())
    assert set(content) == {"exp", "pose", "prob"}
    assert content["exp"].shape == (1, 50) and content["exp"].device.type == "cpu"
    np.testing.assert_array_equal(content["exp"][0], arrays["expression"][n, t])
    np.testing.assert_array_equal(content["pose"][0], arrays["pose"][n, t])
    np.testing.assert_array_equal(content["prob"], arrays["probabilities"][n, t // 8])


@pytest.mark.parametrize("video", ["..", "a/b", "/etc", ""])
def test_a_video_name_cannot_lead_out_of_the_folder(tmp_path: Path, video: str) -> None:
    np.savez(
        tmp_path / "r.npz",
        expression=np.zeros((1, 64, 50), np.float32),
        pose=np.zeros((1, 64, 6), np.float32),
        probabilities=np.zeros((1, 8, 3), np.float32),
        video=np.full((1, 64), video),
        frame=np.full((1, 64), "3"),
        name=np.array("x"),
    )
    assert main(["export-pkl", str(tmp_path / "r.npz"), "--out", str(tmp_path / "out")]) == 1
    assert not (tmp_path / "out").exists()


def test_the_released_models_are_evaluated_like_any_other(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models = {
        "codebook-pth": f"{CODEBOOK}_best.pth",
        "codebook-npz": f"{CODEBOOK}_preprocess_core.npz",
        "predictor-pth": f"{PREDICTOR}_best.pth",
        "predictor-npz": f"{PREDICTOR}_preprocess_core.npz",
        "codebook-json": "vqgan/configs/codebook.json",
        "predictor-json": "configs/predictor.json",
    }
    options = [word for name, path in models.items() for word in (f"--{name}", str(folder / path))]
    assert main(["released", "import", *options, "--listener", "p1", "--out", str(tmp_path)]) == 0
    assert torch.load(tmp_path / "codebook.pt", weights_only=True)["listener"] == "right"
    both = ["--codebook", str(tmp_path / "codebook.pt"), "--predictor", str(tmp_path / "predictor.pt")]
    chunks, listener = str(folder / "data/fallon"), ["--listener", "right", "--preset", "released"]
    few = [
        "--set",
        "sampling.samples=1",
        "evaluation.bootstrap=20",
        "evaluation.shifts=3",
        "predictor.training.device=cpu",
    ]
    samples = str(tmp_path / "samples.npz")
    assert main(["sample", chunks, *both, *listener, *few, "--out", samples]) == 0
    words = ["evaluate", chunks, "--samples", samples, *both, *listener, *few]
    assert main([*words, "--out", str(tmp_path / "eval.json")]) == 0
    found = json.loads((tmp_path / "eval.json").read_text())
    assert (found["n"]["clips"], found["n"]["samples"]) == (32, 1)
    model = found["results"]["model"]
    assert model["l2"]["expression"]["value"] > 0
    assert model["gain"]["nll"]["value"] is not None
    capsys.readouterr()
    words = ("test", "--checkpoint", str(folder / f"{PREDICTOR}_best.pth"), "--speaker", "fallon")
    assert run(folder, *words) == 0
    score = float(capsys.readouterr().out.split(":")[1])
    assert model["l2_released"]["all"]["value"] == pytest.approx(score, rel=1e-5)


def test_our_own_steps_train_as_released_under_the_preset(folder: Path, tmp_path: Path) -> None:
    """The same windows, weights and draws: `--preset released` gives the codebook that the old command line gives."""
    assert main(["import-config", str(folder / "vqgan/configs/codebook.json"), "--out", str(tmp_path / "c.yaml")]) == 0
    words = ["train-codebook", str(folder / "data/fallon"), "--listener", "right", "--log-dir", str(tmp_path / "log")]
    options = ["--config", str(tmp_path / "c.yaml"), "--set", *CPU, "--out", str(tmp_path / "codebook.pt")]
    assert main([*words, *options]) == 0
    ours = torch.load(tmp_path / "codebook.pt", weights_only=True)
    theirs = torch.load(folder / f"{CODEBOOK}_best.pth", weights_only=True)["state_dict"]
    assert all(torch.equal(ours["state_dict"][key.removeprefix("module.")], theirs[key]) for key in theirs)
    assert ours["smoothing"] == {"listener": "bilateral"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["released", "test", "--config", "none.json", "--checkpoint", "x.pth", "--speaker", "a"], "none.json"),
        (["import-config", "none.json"], "none.json does not exist"),
        (["export-pkl", "none.npz"], "none.npz is missing"),
    ],
)
def test_a_missing_file_is_one_sentence(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 1
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
