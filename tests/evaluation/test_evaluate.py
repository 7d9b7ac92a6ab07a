import json
import platform
import shutil
import subprocess
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from l2l.architectures import sample, train_codebook, train_predictor
from l2l.dataset.layout import load_chunks
from l2l.errors import UserError
from l2l.evaluation import results
from l2l.evaluation.definitions import METRICS
from l2l.evaluation.evaluate import evaluate
from l2l.evaluation.report import read_report
from l2l.files import save_npz
from tests.synthetic import write_chunks
from tests.tiny import tiny_patches, tiny_settings

ROWS = {
    *("model", "mean_pose", "median_pose", "random_training_window", "mirror", "delayed_mirror"),
    *("nearest_motion", "nearest_audio", "random_codes", "truth", "truth_other_recording", "model_shuffled_speaker"),
}


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_chunks(tmp_path_factory.mktemp("person"), windows=4, videos=3)
    write_chunks(folder, windows=3, videos=2, split="test")
    train_codebook(folder, "left", tiny_settings(4), folder / "codebook.pt", folder / "log")
    train_predictor(folder, folder / "codebook.pt", "left", tiny_settings(4), folder / "predictor.pt", folder / "log")
    sample(folder, folder / "codebook.pt", folder / "predictor.pt", "left", tiny_settings(), folder / "samples.npz")
    return folder


def numbers(folder: Path, samples: np.ndarray, tmp_path: Path, **models: Path) -> dict[str, Any]:
    """eval.json for given samples (S, N, 64, 56)."""
    save_samples(tmp_path / "s.npz", samples, np.full(samples.shape[1], 32))
    evaluate(folder, tmp_path / "s.npz", "left", tiny_settings(), tmp_path / "eval.json", **models)
    return read_report(tmp_path / "eval.json")


def save_samples(path: Path, samples: np.ndarray, given: np.ndarray, **sampling: Any) -> None:
    """samples.npz of samples (S, N, 64, 56), of which frames 32 to 63 are predicted."""
    numbers = {"first_frame": np.array(32), "given": given, "seed": np.array(7)}
    save_npz(path, samples=samples, sampling=np.array(json.dumps(sampling)), **numbers)


def truth(folder: Path) -> np.ndarray:
    return np.array(load_chunks(folder, "test", "left").listener[..., :56])


def test_the_truth_itself_has_no_distance_and_the_truths_own_motion(person: Path, tmp_path: Path) -> None:
    results = numbers(person, truth(person)[None], tmp_path)["results"]
    model = results["model"]
    for region in ("expression", "rotation", "jaw", "pose", "all"):
        assert model["l2"][region] == {"value": 0, "interval_95": [0, 0]}
        for metric in ("fd_clip", "fd_video", "fd_pooled", "fd_velocity_pooled", "p_fd_pooled"):
            assert model[metric][region]["value"] == pytest.approx(0, abs=1e-6), metric
    assert model["rpcc_pooled"]["rotation"]["value"] == model["rpcc_video"]["all"]["value"] == 0
    assert "constant" in model["rpcc_pooled"]["jaw"]["reason"]  # the speaker's jaw never moves in this set
    for metric in ("sid_15_9", "variation", "variation_pooled", "diversity_pairs", "seam", "tlcc_lag", "event_rate"):
        assert model[metric] == results["truth"][metric]


def test_only_predicted_frames_count(person: Path, tmp_path: Path) -> None:
    samples = truth(person)[None].copy()
    samples[:, :, :32] = 99
    assert numbers(person, samples, tmp_path)["results"]["model"]["l2"]["expression"]["value"] == 0


def test_samples_are_averaged_and_the_best_is_named_apart(person: Path, tmp_path: Path) -> None:
    off_by_one = truth(person).copy()
    off_by_one[:, :, 50] += 1
    model = numbers(person, np.stack([truth(person), off_by_one]), tmp_path)["results"]["model"]
    assert model["l2"]["rotation"]["value"] == pytest.approx(0.5, rel=1e-5)
    assert model["mse"]["pose"]["value"] == pytest.approx(1 / 6 / 2, rel=1e-5)
    for pooling in ("clip", "video", "pooled"):
        assert model[f"fd_{pooling}"]["rotation"]["value"] == pytest.approx(0.5, rel=1e-5)
    for metric in ("l2_best", "mse_best", "fd_clip_best", "fd_video_best"):
        assert model[metric]["rotation"]["value"] == pytest.approx(0, abs=1e-9)
    assert model["diversity_samples_variance"]["rotation"]["value"] == pytest.approx(0.25 / 3, rel=1e-5)


def test_the_mirror_is_measured_against_the_speaker(person: Path, tmp_path: Path) -> None:
    speaker = load_chunks(person, "test", "left").speaker[..., :56]
    results = numbers(person, np.array(speaker)[None], tmp_path)["results"]
    assert results["mirror"]["l2"] == results["model"]["l2"] != results["mean_pose"]["l2"]
    assert results["mirror"]["tlcc_lag"]["rotation"]["value"] == 0


def test_the_same_inputs_write_the_same_file_with_all_it_takes_to_read_it(person: Path, tmp_path: Path) -> None:
    models = {"codebook": person / "codebook.pt", "predictor": person / "predictor.pt"}
    for name in ("one", "two"):
        evaluate(person, person / "samples.npz", "left", tiny_settings(), tmp_path / f"{name}.json", **models)
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
    found = read_report(tmp_path / "one.json")
    assert set(found["results"]) == ROWS and not found["left_out"]
    for row in found["results"].values():
        metrics = {name for name in row if isinstance(row[name], dict)}
        assert metrics == set(METRICS) <= set(found["definitions"])
        for name in metrics - {"gain"}:
            assert tuple(row[name]) == METRICS[name].parts
    model = found["results"]["model"]
    assert model["l2_released"]["all"]["value"] > 0
    assert (
        set(model["gain"]["nll"]) == {"value", "interval_95", "influence", "p"}
        and "gain.nll" in found["headline"]["model"]
    )
    assert found["definitions"]["gain"]["parameters"]["shifts"] == 5
    assert found["definitions"]["nats"]["parameters"]["context"] == "clip"
    assert found["n"] == {
        "clips": 6,
        "frames": 6 * 32,
        "recordings": 2,
        "samples": 3,
        "training_windows": 12,
        "bootstrap": 50,
        "shifts": 5,
    }
    assert found["config"]["sampling"]["samples"] == 3
    assert found["config"]["codebook"]["hidden_size"] == 32
    assert found["config"]["predictor"]["hidden_size"] == 16
    assert 1 <= found["codebook_use"]["perplexity"] <= found["codebook_use"]["codes_used"] <= 32
    assert found["versions"]["python"] == platform.python_version()
    assert found["versions"]["torch"] == torch.__version__
    assert {"l2l", "numpy", "scikit-learn", "librosa", "soxr", "numba", "onnxruntime", "av"} <= set(found["versions"])
    assert not {"pytest", "matplotlib"} & set(found["versions"])  # the demo's and the tests' change no number
    assert None not in found["versions"].values()


def test_models_of_patches_are_asked_everything_too(person: Path, tmp_path: Path) -> None:
    settings = tiny_patches(6, evaluation={"bootstrap": 50, "shifts": 5, "shift_seconds": 1})
    models = {"codebook": tmp_path / "codebook.pt", "predictor": tmp_path / "predictor.pt"}
    train_codebook(person, "left", settings, models["codebook"], tmp_path / "log")
    train_predictor(person, models["codebook"], "left", settings, models["predictor"], tmp_path / "log")
    sample(person, *models.values(), "left", settings, tmp_path / "samples.npz")
    for name in ("one", "two"):
        evaluate(person, tmp_path / "samples.npz", "left", settings, tmp_path / f"{name}.json", **models)
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
    found = read_report(tmp_path / "one.json")
    assert set(found["results"]) == ROWS and not found["left_out"]
    model = found["results"]["model"]
    assert set(model["gain"]["nll"]) == {"value", "interval_95", "influence", "p"}
    heard, alone = (model["nats"][part]["value"] for part in ("with_speaker", "without_speaker"))
    assert model["over_unconditional"]["nll"]["value"] == pytest.approx(alone - heard, abs=1e-6)
    assert found["results"]["mirror"]["nats"]["with_speaker"]["reason"] == "this row has no likelihood"
    definitions = found["definitions"]
    assert definitions["seam"]["parameters"] == {"block": 8}
    assert definitions["gain"]["parameters"]["context"] == {"nll": "sequence"}
    assert definitions["nats"]["parameters"] == definitions["over_unconditional"]["parameters"]
    assert definitions["nats"]["parameters"]["context"] == "sequence"
    assert found["config"]["codebook"]["width"] == 24 and found["config"]["predictor"]["width"] == 16
    use = found["codebook_use"]
    assert list(use["levels"]) == [f"{codec}_{level}" for codec in ("pose", "expression") for level in (1, 2, 3)]
    assert use["perplexity"] == min(level["perplexity"] for level in use["levels"].values())
    assert all(1 <= level["perplexity"] <= level["codes_used"] <= 16 for level in use["levels"].values())


def test_what_cannot_be_made_without_the_models_is_named_with_its_reason(person: Path, tmp_path: Path) -> None:
    found = numbers(person, truth(person)[None], tmp_path)
    assert set(found["left_out"]) == {"random_codes", "model_shuffled_speaker"} == ROWS - set(found["results"])
    assert "--codebook" in found["left_out"]["random_codes"]
    model = found["results"]["model"]
    assert model["gain"]["l2"]["value"] is None and "asked again" in model["gain"]["l2"]["reason"]
    assert "codebook" in model["l2_released"]["all"]["reason"]
    assert "face basis" in model["event_f1"]["smile"]["reason"]
    assert found["headline"]["listens"].startswith("not known")


def test_a_model_told_nothing_of_the_past_has_no_seam_with_it(person: Path, tmp_path: Path) -> None:
    save_samples(tmp_path / "s.npz", truth(person)[None], np.zeros(6, int), past="none")
    evaluate(person, tmp_path / "s.npz", "left", tiny_settings(), tmp_path / "eval.json")
    assert read_report(tmp_path / "eval.json")["results"]["model"]["seam"]["all"]["value"] is None


def test_nothing_is_measured_across_the_splice_before_a_window_that_was_given_no_past(
    person: Path, tmp_path: Path
) -> None:
    """Of whole turns only the first window is given its past: what the others follow is the model's own motion."""
    samples = truth(person)[None] + 10 * np.array([0, 1, 1, 0, 1, 1], np.float32)[:, None, None]
    save_samples(tmp_path / "s.npz", samples, np.array([32, 0, 0, 32, 0, 0]), span="sequence")
    evaluate(person, tmp_path / "s.npz", "left", tiny_settings(), tmp_path / "eval.json")
    rows = read_report(tmp_path / "eval.json")["results"]
    for region, number in rows["truth"]["seam"].items():
        assert rows["model"]["seam"][region]["value"] == pytest.approx(number["value"], rel=1e-3)
    assert rows["model"]["event_rate"] == rows["truth"]["event_rate"]


@pytest.mark.parametrize("given", [[32] * 5, [32] * 5 + [16]], ids=["too few", "another number"])
def test_a_file_that_does_not_say_what_was_given_is_refused(person: Path, given: list[int], tmp_path: Path) -> None:
    save_samples(tmp_path / "s.npz", truth(person)[None], np.array(given))
    with pytest.raises(UserError, match=r"s.npz: given must say 0 or 32 .* sample again"):
        evaluate(person, tmp_path / "s.npz", "left", tiny_settings(), tmp_path / "eval.json")


def test_threads_of_training_change_nothing(person: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models = {"codebook": person / "codebook.pt", "predictor": person / "predictor.pt"}
    before, measure, seen = torch.get_num_threads(), results.measure, list[int]()

    def watched(*arguments: Any) -> Any:
        seen.append(torch.get_num_threads())
        return measure(*arguments)

    monkeypatch.setattr(results, "measure", watched)
    for threads in (1, 2):
        settings = tiny_settings(windows={"predictor": {"training": {"threads": threads}}})
        evaluate(person, person / "samples.npz", "left", settings, tmp_path / f"{threads}.json", **models)
    assert seen == [1, 1] and torch.get_num_threads() == before
    assert (tmp_path / "1.json").read_bytes() == (tmp_path / "2.json").read_bytes()


def test_a_test_recording_that_repeats_one_of_training_is_named(
    person: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = write_chunks(tmp_path / "person", windows=5, videos=2)
    shutil.copytree(folder / "train", folder / "test")
    (named, _) = numbers(folder, truth(folder)[None], tmp_path)["repeats"]
    assert named.startswith("train0 (train) and train0 (test) hold the same passage") and named in caplog.text


def test_the_git_revision_is_the_one_that_ran(person: Path, tmp_path: Path) -> None:
    top = Path(__file__).parents[2]
    asked = subprocess.run(["git", "-C", top, "rev-parse", "--verify", "HEAD"], capture_output=True, text=True)
    expected = asked.stdout.strip() if (top / ".git").exists() and asked.returncode == 0 else None
    assert numbers(person, truth(person)[None], tmp_path)["git_revision"] == expected


def test_one_test_recording_has_no_interval_and_says_why(tmp_path: Path) -> None:
    folder = write_chunks(tmp_path / "person", windows=3, videos=2)
    write_chunks(folder, windows=3, videos=1, split="test")
    found = numbers(folder, truth(folder)[None], tmp_path)
    number = found["results"]["mirror"]["l2"]["jaw"]
    assert number["interval_95"] is None
    assert "one test recording" in number["reason"] and "one test" in found["left_out"]["truth_other_recording"]


def test_samples_of_other_chunks_are_refused(person: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"s.npz: samples have shape .*sample these chunks again"):
        numbers(person, truth(person)[None, :-1], tmp_path)


def test_windows_left_out_on_purpose_are_left_out_of_the_score(person: Path, tmp_path: Path) -> None:
    for sampling, refused in (({"max_windows": 4}, False), ({"max_windows": 0, "whole_batches": False}, True)):
        save_samples(tmp_path / "s.npz", truth(person)[None, :4], np.full(4, 32), **sampling)
        with pytest.raises(UserError, match="sample these chunks again") if refused else nullcontext():
            evaluate(person, tmp_path / "s.npz", "left", tiny_settings(), tmp_path / "eval.json")
    found = json.loads((tmp_path / "eval.json").read_text())
    assert found["n"]["clips"] == 4 and found["results"]["model"]["l2"]["jaw"]["value"] == 0


def test_samples_that_are_no_numbers_are_refused(person: Path, tmp_path: Path) -> None:
    samples = truth(person)[None].copy()
    samples[0, 0, 40, 3] = np.inf
    with pytest.raises(UserError, match="NaN, infinity"):
        numbers(person, samples, tmp_path)


def test_a_file_that_holds_no_samples_is_refused(person: Path, tmp_path: Path) -> None:
    (tmp_path / "text.npz").write_text("hello")
    for name, message in (("text.npz", "not a file of samples"), ("none.npz", "is missing; make it with `l2l sample`")):
        with pytest.raises(UserError, match=message):
            evaluate(person, tmp_path / name, "left", tiny_settings(), tmp_path / "eval.json")


def test_models_that_do_not_belong_together_are_refused(person: Path, tmp_path: Path) -> None:
    train_codebook(person, "left", tiny_settings(1, seed=9), tmp_path / "other.pt", tmp_path / "log")
    with pytest.raises(UserError, match="another codebook"):
        numbers(
            person, truth(person)[None], tmp_path, codebook=tmp_path / "other.pt", predictor=person / "predictor.pt"
        )


@pytest.mark.parametrize("part", ["listener", "speaker"])
def test_test_windows_with_nan_are_refused(part: str, tmp_path: Path) -> None:
    folder = write_chunks(write_chunks(tmp_path / "person", windows=3, videos=2), windows=3, videos=2, split="test")
    path = folder / "test" / {"listener": "p0_list", "speaker": "p1_speak"}[part]
    path = path.with_name(f"{path.name}_faces_clean_deca.npy")
    array = np.load(path)
    array[1, 40, 3] = np.nan
    samples = truth(folder)[None]
    np.save(path, array)
    with pytest.raises(UserError, match=f"person/test: the {part} array has NaN, infinity"):
        numbers(folder, samples, tmp_path)


def test_no_test_windows_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    folder = write_chunks(tmp_path / "person", windows=3, videos=2)
    write_chunks(folder, windows=1, videos=0, split="test")
    with pytest.raises(UserError, match="person/test has no test windows; add a second recording"):
        numbers(folder, np.zeros((1, 0, 64, 56), np.float32), tmp_path)
