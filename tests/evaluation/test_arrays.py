from pathlib import Path
from typing import Any

import numpy as np
import pytest

from l2l.cli.main import main
from l2l.evaluation.report import read_report

FEW = ["--set", "evaluation.bootstrap=20"]


def motion(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((*shape, 56)).cumsum(-2).astype(np.float32)


def evaluate(folder: Path, predicted: Any, truth: Any, speaker: Any, *more: str) -> dict[str, Any]:
    """eval.json of three arrays, or of lists of clips, through the command line."""
    paths = []
    for name, clips in {"pred": predicted, "truth": truth, "speaker": speaker}.items():
        path = folder / f"{name}.{'npz' if isinstance(clips, list) else 'npy'}"
        np.savez(path, *clips) if isinstance(clips, list) else np.save(path, clips)
        paths.append(str(path))
    assert main(["evaluate", *paths, "--out", str(folder / "eval.json"), *FEW, *more]) == 0
    return read_report(folder / "eval.json")


def test_three_arrays_are_scored_beside_what_can_be_made_of_them(tmp_path: Path) -> None:
    truth, speaker = motion(5, 50, seed=1), motion(5, 50, seed=2)
    found = evaluate(tmp_path, speaker, truth, speaker)
    assert set(found["results"]) == {"model", "truth", "truth_other_recording", "mirror", "delayed_mirror"}
    assert found["results"]["model"]["l2"] == found["results"]["mirror"]["l2"]
    expected = np.linalg.norm(truth - speaker, axis=-1).mean()
    assert found["results"]["model"]["l2"]["all"]["value"] == pytest.approx(expected, rel=1e-5)
    assert found["n"]["recordings"] == 5 and "training data" in found["left_out"]["mean_pose"]
    assert found["results"]["model"]["gain"]["l2"]["reason"].endswith("(--shifted)")


def test_pose_first_columns_are_put_in_order(tmp_path: Path) -> None:
    arrays = [motion(2, 4, 40), motion(4, 40, seed=1), motion(4, 40, seed=2)]
    expected = evaluate(tmp_path, *arrays)
    turned = [np.concatenate([array[..., 50:], array[..., :50]], -1) for array in arrays]
    found = evaluate(tmp_path, *turned, "--order", "pose-exp")
    assert found["results"] == expected["results"] and found["data"] == expected["data"]
    assert found["config"]["order"] == "pose-exp" and evaluate(tmp_path, *turned)["results"] != expected["results"]


def test_samples_single_clips_and_clips_of_any_length_are_read(tmp_path: Path) -> None:
    truth, speaker = motion(4, 40, seed=1), motion(4, 40, seed=2)
    samples = motion(3, 4, 40)
    assert evaluate(tmp_path, samples, truth, speaker)["n"]["samples"] == 3
    ragged = [[motion(3, t, seed=t), motion(t, seed=1), motion(t, seed=2)] for t in (40, 70, 40)]
    found = evaluate(tmp_path, *(list(clips) for clips in zip(*ragged, strict=True)))
    assert (found["n"]["clips"], found["n"]["frames"], found["n"]["samples"]) == (3, 150, 3)
    alone = evaluate(tmp_path, samples[0, 0], truth[0], speaker[0])
    assert alone["n"]["clips"] == 1 and "truth_other_recording" in alone["left_out"]


def test_recordings_are_named_in_a_list(tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("monday\nmonday\ntuesday\n\ntuesday\n")
    arrays = motion(4, 40), motion(4, 40, seed=1), motion(4, 40, seed=2)
    found = evaluate(tmp_path, *arrays, "--recordings", str(tmp_path / "names.txt"))
    assert found["n"]["recordings"] == 2


def test_predictions_for_shifted_speakers_give_anybodys_gain(tmp_path: Path) -> None:
    truth, speaker = motion(6, 40, seed=1), motion(6, 40, seed=2)
    good = truth + 0.1 * motion(6, 40, seed=3)
    np.save(tmp_path / "shifted.npy", good + np.arange(1, 6)[:, None, None, None])
    found = evaluate(tmp_path, good, truth, speaker, "--shifted", str(tmp_path / "shifted.npy"))
    assert found["results"]["model"]["gain"]["l2"]["interval_95"][0] > 0
    assert found["headline"]["listens"].startswith("yes")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a[:, :30], "speaker.npy has 4 clips of 30 frames, "),
        (lambda a: a[..., :50], "speaker.npy: clip 0 has shape (40, 50), expected (T, 56)"),
        (lambda a: np.where(a > 0, np.nan, a), "speaker.npy: clip 0 holds NaN"),
        (lambda a: np.array(["x"]), "speaker.npy is not an .npy or .npz array that can be read (it has type <U1)"),
    ],
    ids=["length", "columns", "nan", "text"],
)
def test_arrays_that_do_not_fit_are_one_sentence(
    change: Any, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth = motion(4, 40)
    np.save(tmp_path / "truth.npy", truth)
    np.save(tmp_path / "speaker.npy", change(truth))
    words = ["evaluate", *(str(tmp_path / f"{name}.npy") for name in ("truth", "truth", "speaker"))]
    assert main([*words, "--out", str(tmp_path / "eval.json")]) == 1
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1 and not (tmp_path / "eval.json").exists()


def test_options_of_the_other_kind_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words, message in (
        (["a", "b", "c", "--samples", "s.npz"], "not with three arrays"),
        (["a", "b"], "give PRED TRUTH SPEAKER"),
        (["a"], "needs --samples and --listener"),
        (["a", "--samples", "s", "--listener", "left", "--order", "pose-exp"], "not with a folder"),
        (["none.npy", "b", "c"], "is missing"),
    ):
        assert main(["evaluate", *words, "--out", str(tmp_path / "eval.json")]) == 1
        assert message in capsys.readouterr().err
