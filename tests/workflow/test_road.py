"""The whole road on tiny settings: from mp4 to eval.json, and what happens when the input is bad."""

import json
import shutil

import numpy as np
import pytest

from l2l.dataset.layout import load_chunks
from l2l.evaluation.report import read_report
from l2l.recordings.summary import read_rows
from l2l.video.media import probe
from tests.road import snakemake


@pytest.mark.workflow
def test_the_demo_ends_with_numbers_for_the_model_and_its_baselines(demo):
    folder, _ = demo
    found = read_report(folder / "results/demo/eval.json")
    assert {"model", "mean_pose", "mirror", "nearest_audio", "random_codes", "truth"} <= set(found["results"])
    for row in found["results"].values():
        for metric in ("l2", "fd_pooled"):
            assert all(row[metric][region]["value"] >= 0 for region in ("expression", "rotation", "jaw"))
        assert row["event_rate"]["smile"]["value"] >= 0  # the rule hands the face basis on


@pytest.mark.workflow
def test_no_step_prints_a_traceback_or_a_warning(demo):
    _, output = demo
    assert not [line for line in output.splitlines() if "Traceback" in line or "Warning" in line]


@pytest.mark.workflow
def test_a_second_run_does_nothing(demo):
    folder, _ = demo
    again = snakemake(folder, "results/demo/eval.json")
    assert again.returncode == 0 and "Nothing to be done" in again.stdout + again.stderr


@pytest.mark.workflow
def test_what_is_measured_on_the_demo_is_what_was_drawn(demo):
    found = json.loads((demo[0] / "results/demo/accuracy.json").read_text())
    assert found["who_speaks"] >= 0.95 and found["both_tracked"] >= 0.99
    assert all(found[name]["mean"] >= 0.9 for name in ("head_yaw", "jaw"))
    assert found["head_pitch"]["mean"] >= 0.85  # little is drawn in 16 s; the default demo is held to 0.9 by hand


@pytest.mark.workflow
def test_the_preview_plays_with_sound(demo):
    found = probe(demo[0] / "results/demo/preview.mp4")
    assert (found.width, found.height) == (1280, 720) and found.seconds == pytest.approx(2, abs=0.1)


def planned(folder, *changes):
    """The rules that a changed configuration would run again."""
    done = snakemake(folder, "-n", "--quiet", "host", "--config", *changes, "--", "results/demo/eval.json")
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    if "Nothing to be done" in output:
        return set()
    table = output.split("Job stats:")[1].split("total")[0]
    return {line.split()[0] for line in table.splitlines()[3:] if line.strip()}


@pytest.mark.workflow
@pytest.mark.parametrize(
    ("change", "first", "untouched"),
    [
        ("mel={feature: log_mel}", "mel", {"normalise", "track", "diarize", "separate", "faces"}),
        ("chunking={stride_test: 32}", "chunk", {"normalise", "track", "diarize", "separate", "faces", "mel"}),
        ("predictor={dropout: 0.1}", "train_predictor", {"chunk", "train_codebook"}),
    ],
)
def test_a_changed_setting_redoes_what_depends_on_it_and_nothing_else(demo, change, first, untouched):
    found = planned(demo[0], change)
    assert {first, "train_predictor", "evaluate"} <= found and not found & untouched, found


@pytest.mark.workflow
def test_no_threads_device_or_unused_model_and_backend_cause_a_rerun(demo):
    training = "training: {threads: 2, device: cpu, checkpoint_minutes: 1}"
    assert not planned(
        demo[0],
        f"codebook={{{training}}}",
        f"predictor={{{training}}}",
        f"windows={{holdout: window, smoothing: bilateral, codebook: {{codes: 9, {training}}}}}",
        "diarization={syncnet: {shift: 9, threads: 2}, light_asd: {margin: 2}}",
        "separation={multisensory: {overlap: 0.25, device: cpu}}",
        "faces={deca: {detail: false, batch_size: 4}}",
        "sampling={batch_size: 9, reencode: true}",
    )


@pytest.mark.workflow
def test_what_is_not_kept_is_not_missed(demo, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(demo[0], folder)
    less = ["--config", "keep_intermediates=needed", "--"]
    assert "Nothing to be done" in snakemake(folder, *less, "results/demo/eval.json").stderr
    recording = folder / "results/demo/videos/demo_00"
    mel = str((recording / "mel_left.npy").relative_to(folder))
    done = snakemake(folder, "--forcerun", "separate", *less, mel)
    assert done.returncode == 0 and not list(recording.glob("speech_p*.wav")), done.stderr
    assert "Nothing to be done" in snakemake(folder, *less, mel).stderr


@pytest.mark.workflow
def test_own_videos_need_two_lines_of_configuration(demo):
    folder, _ = demo
    raw = folder / "data/raw/alice"
    raw.mkdir(parents=True, exist_ok=True)
    for source, name in (("demo_00.mp4", "a talk (1).mp4"), ("demo_01.mp4", "b.mp4")):
        shutil.copy(folder / "data/raw/demo" / source, raw / name)
    done = snakemake(folder, "results/alice/eval.json")
    assert done.returncode == 0, done.stdout + done.stderr
    chunks = load_chunks(folder / "data/alice", "train", "right")
    assert len(chunks) and np.isfinite(chunks.listener).all() and np.isfinite(chunks.audio).all()
    assert json.loads((folder / "results/alice/eval.json").read_text())["listener"] == "right"


@pytest.mark.workflow
def test_a_bad_recording_stops_with_its_name_and_leaves_no_output(demo):
    folder, _ = demo
    raw = folder / "data/raw/bad"
    raw.mkdir(parents=True)
    for name in ("notes.mp4", "more notes.mp4"):
        (raw / name).write_text("not a video")
    done = snakemake(folder, "results/bad/eval.json")
    output = done.stdout + done.stderr
    assert done.returncode != 0 and "Traceback" not in output
    assert "MissingOutputException" not in output  # it is the step that fails, not what it leaves out
    assert "notes.mp4 is not a video that can be read" in output and "l2l normalise: data/raw/bad/" in output
    assert not [
        path for path in (folder / "results/bad").rglob("*") if path.suffix in {".mp4", ".wav", ".npz", ".json"}
    ]


@pytest.mark.workflow
def test_batches_go_on_without_the_recordings_that_fail(demo):
    folder, _ = demo
    raw = folder / "data/raw/many"
    raw.mkdir(parents=True)
    for number in range(3):
        shutil.copy(folder / f"data/raw/demo/demo_{number:02d}.mp4", raw / f"{number}.mp4")
    (raw / "broken.mp4").write_text("not a video")
    options = ["--config", "videos_per_job=2"]
    done = snakemake(folder, "results/many/eval.json", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = {row.recording: row for row in read_rows(folder / "results/many/preprocess.tsv")}
    assert {name: row.status for name, row in rows.items()} == {"0": "ok", "1": "ok", "2": "ok", "broken": "failed"}
    assert "broken.mp4 is not a video" in rows["broken"].reason
    assert "broken" in (folder / "results/many/preprocess.html").read_text()
    less = snakemake(folder, "--dry-run", "results/many/eval.json", *options, "keep_intermediates=needed")
    assert "Nothing to be done" in less.stdout + less.stderr
    # The same recordings give the same chunks, whichever way they are preprocessed.
    by_step = snakemake(folder, "--forcerun", "normalise", "--", "data/many/test/p0_list_faces_clean_deca.npy")
    assert by_step.returncode != 0  # without batches, a broken recording stops everything
    (raw / "broken.mp4").unlink()
    batched = load_chunks(folder / "data/many", "test", "left").listener[:].copy()
    again = snakemake(folder, "--forcerun", "normalise", "--", "data/many/test/p0_list_faces_clean_deca.npy")
    assert again.returncode == 0, again.stdout + again.stderr
    np.testing.assert_array_equal(load_chunks(folder / "data/many", "test", "left").listener, batched)


@pytest.mark.workflow
def test_ten_thousand_recordings_are_planned_as_a_few_hundred_jobs(tmp_path):
    (tmp_path / "config.yaml").write_text("people: {many: {listener: left}}")
    raw = tmp_path / "data/raw/many"
    raw.mkdir(parents=True)
    for number in range(10_000):
        (raw / f"{number:05d}.mp4").touch()
    done = snakemake(tmp_path, "--dry-run", "--quiet", "rules", "--", "results/many/eval.json")
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    total = int(output.split("\ntotal")[1].split()[0])
    assert total <= 410


@pytest.mark.workflow
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["results/nobody/eval.json"], "people has no 'nobody'"),
        (["--config", "trackin=3", "--", "results/demo/eval.json"], "unknown key 'trackin'; did you mean 'tracking'?"),
        (
            ["--config", "people={carol: {listener: left}}", "--", "results/carol/eval.json"],
            "data/raw/carol/ holds no videos",
        ),
    ],
    ids=["person", "key", "no videos"],
)
def test_what_cannot_work_is_said_before_anything_is_done(demo, arguments, words):
    done = snakemake(demo[0], *arguments)
    output = done.stdout + done.stderr
    assert done.returncode != 0 and words in output and "Traceback" not in output
