import json
import platform
import subprocess
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from l2l.dataset.layout import load_chunks
from l2l.errors import UserError
from l2l.evaluation.evaluate import evaluate
from l2l.files import save_npz
from l2l.listening.generation import sample
from l2l.training.codebook import train_codebook
from l2l.training.predictor import train_predictor
from tests.synthetic import write_chunks
from tests.tiny import tiny_settings


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_chunks(tmp_path_factory.mktemp("person"), windows=4, videos=3)
    write_chunks(folder, windows=3, videos=2, split="test")
    train_codebook(folder, "p0", tiny_settings(4), folder / "codebook.pt", folder / "log")
    train_predictor(folder, folder / "codebook.pt", "p0", tiny_settings(4), folder / "predictor.pt", folder / "log")
    sample(folder, folder / "codebook.pt", folder / "predictor.pt", "p0", tiny_settings(), folder / "samples.npz")
    return folder


def numbers(folder: Path, samples: np.ndarray, tmp_path: Path, **models: Path) -> dict[str, Any]:
    """eval.json for given samples (S, N, 64, 56)."""
    numbers = {"first_frame": np.array(32), "seed": np.array(7), "sampling": np.array('{"past": "real"}')}
    save_npz(tmp_path / "s.npz", samples=samples, **numbers)
    evaluate(folder, tmp_path / "s.npz", "p0", tiny_settings(), tmp_path / "eval.json", **models)
    return json.loads((tmp_path / "eval.json").read_text())


def truth(folder: Path) -> np.ndarray:
    return np.array(load_chunks(folder, "test", "p0").listener[..., :56])


def test_the_truth_itself_scores_zero(person: Path, tmp_path: Path) -> None:
    model = numbers(person, truth(person)[None], tmp_path)["results"]["model"]
    for region in ("expression", "rotation", "jaw"):
        assert model["l2"][region]["value"] == 0
        assert model["l2"][region]["interval_95"] == [0, 0]
        assert model["fd"][region]["value"] == pytest.approx(0, abs=1e-6)


def test_only_predicted_frames_count(person: Path, tmp_path: Path) -> None:
    samples = truth(person)[None].copy()
    samples[:, :, :32] = 99
    assert numbers(person, samples, tmp_path)["results"]["model"]["l2"]["expression"]["value"] == 0


def test_samples_are_averaged_and_the_best_is_named_apart(person: Path, tmp_path: Path) -> None:
    off_by_one = truth(person).copy()
    off_by_one[:, :, 50] += 1
    model = numbers(person, np.stack([truth(person), off_by_one]), tmp_path)["results"]["model"]
    assert model["l2"]["rotation"]["value"] == pytest.approx(0.5, rel=1e-5)
    assert model["best_of_samples_l2"]["rotation"]["value"] == 0
    assert model["fd"]["rotation"]["value"] == pytest.approx(0.5, rel=1e-5)


def test_the_mirror_is_measured_against_the_speaker(person: Path, tmp_path: Path) -> None:
    speaker = load_chunks(person, "test", "p0").speaker[..., :56]
    results = numbers(person, np.array(speaker)[None], tmp_path)["results"]
    assert results["mirror"]["l2"] == results["model"]["l2"] != results["mean_pose"]["l2"]


def test_the_same_inputs_write_the_same_file_with_all_it_takes_to_read_it(person: Path, tmp_path: Path) -> None:
    models = {"codebook": person / "codebook.pt", "predictor": person / "predictor.pt"}
    for name in ("one", "two"):
        evaluate(person, person / "samples.npz", "p0", tiny_settings(), tmp_path / f"{name}.json", **models)
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
    found = json.loads((tmp_path / "one.json").read_text())
    assert set(found["results"]) == {"model", "mean_pose", "mirror", "random_training_window"}
    for row in found["results"].values():
        metrics = {name for name in row if isinstance(row[name], dict)}
        assert metrics == {"l2", "best_of_samples_l2", "fd"} <= set(found["definitions"])
    assert found["n"] == {
        "windows": 6,
        "frames": 6 * 32,
        "recordings": 2,
        "samples": 3,
        "training_windows": 12,
        "bootstrap": 50,
    }
    assert found["config"]["sampling"]["samples"] == 3
    assert found["config"]["codebook"]["hidden_size"] == 32
    assert found["config"]["predictor"]["hidden_size"] == 16
    assert 1 <= found["codebook_use"]["perplexity"] <= found["codebook_use"]["codes_used"] <= 32
    assert found["versions"]["python"] == platform.python_version()
    assert found["versions"]["torch"] == torch.__version__


def test_the_git_revision_is_the_one_that_ran(person: Path, tmp_path: Path) -> None:
    top = Path(__file__).parents[2]
    asked = subprocess.run(["git", "-C", top, "rev-parse", "--verify", "HEAD"], capture_output=True, text=True)
    expected = asked.stdout.strip() if (top / ".git").exists() and asked.returncode == 0 else None
    assert numbers(person, truth(person)[None], tmp_path)["git_revision"] == expected


def test_one_test_recording_has_no_interval_and_says_why(tmp_path: Path) -> None:
    folder = write_chunks(tmp_path / "person", windows=3, videos=2)
    write_chunks(folder, windows=3, videos=1, split="test")
    number = numbers(folder, truth(folder)[None], tmp_path)["results"]["mirror"]["l2"]["jaw"]
    assert number["interval_95"] is None
    assert "one test recording" in number["reason"]


def test_samples_of_other_chunks_are_refused(person: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"s.npz: samples have shape .*sample these test chunks again"):
        numbers(person, truth(person)[None, :-1], tmp_path)


def test_windows_left_out_on_purpose_are_left_out_of_the_score(person: Path, tmp_path: Path) -> None:
    short = {"samples": truth(person)[None, :4], "first_frame": np.array(32), "seed": np.array(7)}
    for sampling, refused in (({"max_windows": 4}, False), ({"max_windows": 0, "whole_batches": False}, True)):
        save_npz(tmp_path / "s.npz", sampling=np.array(json.dumps(sampling)), **short)
        with pytest.raises(UserError, match="sample these test chunks again") if refused else nullcontext():
            evaluate(person, tmp_path / "s.npz", "p0", tiny_settings(), tmp_path / "eval.json")
    found = json.loads((tmp_path / "eval.json").read_text())
    assert found["n"]["windows"] == 4 and found["results"]["model"]["l2"]["jaw"]["value"] == 0


def test_samples_that_are_no_numbers_are_refused(person: Path, tmp_path: Path) -> None:
    samples = truth(person)[None].copy()
    samples[0, 0, 40, 3] = np.inf
    with pytest.raises(UserError, match="NaN or infinity"):
        numbers(person, samples, tmp_path)


def test_a_file_that_holds_no_samples_is_refused(person: Path, tmp_path: Path) -> None:
    (tmp_path / "text.npz").write_text("hello")
    for name, message in (("text.npz", "not a file of samples"), ("none.npz", "does not exist")):
        with pytest.raises(UserError, match=message):
            evaluate(person, tmp_path / name, "p0", tiny_settings(), tmp_path / "eval.json")


def test_models_that_do_not_belong_together_are_refused(person: Path, tmp_path: Path) -> None:
    train_codebook(person, "p0", tiny_settings(1, seed=9), tmp_path / "other.pt", tmp_path / "log")
    with pytest.raises(UserError, match="another codebook"):
        numbers(
            person, truth(person)[None], tmp_path, codebook=tmp_path / "other.pt", predictor=person / "predictor.pt"
        )


def test_no_test_windows_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    folder = write_chunks(tmp_path / "person", windows=3, videos=2)
    write_chunks(folder, windows=1, videos=0, split="test")
    with pytest.raises(UserError, match="person/test has no test windows; add a second recording"):
        numbers(folder, np.zeros((1, 0, 64, 56), np.float32), tmp_path)
