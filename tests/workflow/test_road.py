"""The whole road on tiny settings: from mp4 to eval.json, and what happens when the input is bad."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from l2l.dataset.conversations import load_conversations
from l2l.dataset.layout import load_chunks
from l2l.evaluation.report import read_report
from l2l.recordings.table import read_table
from l2l.video.probing import probe
from tests.media import ffmpeg
from tests.road import snakemake

pytestmark = pytest.mark.workflow


@pytest.fixture(scope="module")
def folder(demo, tmp_path_factory):
    """A copy of the demo, where other people come in."""
    return Path(shutil.copytree(demo[0], tmp_path_factory.mktemp("road") / "demo"))


def test_the_demo_ends_with_numbers_for_the_model_and_its_baselines(demo):
    folder, _ = demo
    found = read_report(folder / "results/demo/eval.json")
    assert {"model", "mean_pose", "mirror", "nearest_audio", "random_codes", "truth"} <= set(found["results"])
    for row in found["results"].values():
        for metric in ("l2", "fd_pooled"):
            assert all(row[metric][region]["value"] >= 0 for region in ("expression", "rotation", "jaw"))
        assert row["event_rate"]["smile"]["value"] >= 0  # the rule hands the face basis on


def test_of_few_recordings_each_is_answered_by_a_model_of_the_others(demo):
    folder, output = demo
    found = read_report(folder / "results/demo/eval.json")
    assert "demo: 3-fold cross-validation of whether the model listens, over 3 recordings; about 4 minutes" in output
    assert found["folds"]["folds"] == 3 and found["folds"]["recordings"] == ["demo_00", "demo_01", "demo_02"]
    assert "Each of 3 recordings was answered by a model trained on the others" in found["headline"]["listens"]
    assert sorted(path.name for path in (folder / "results/demo/folds").iterdir()) == ["1.npz", "2.npz", "3.npz"]


def test_no_step_prints_a_traceback_or_a_warning(demo):
    _, output = demo
    assert not [line for line in output.splitlines() if "Traceback" in line or "Warning" in line]


def test_each_step_is_done_by_its_own_job(demo):
    for step in ("normalise", "track", "diarize", "separate", "mel", "faces"):
        said = (demo[0] / f"results/demo/logs/{step}/0000.log").read_text().strip().splitlines()
        assert [line for line in said if line.endswith(": ok")] == [
            f"{step} {n + 1} of 3, demo_0{n}: ok" for n in range(3)
        ]


def test_a_second_run_does_nothing(folder):
    again = snakemake(folder, "results/demo/eval.json")
    assert again.returncode == 0 and "Nothing to be done" in again.stdout + again.stderr


def test_what_is_measured_on_the_demo_is_what_was_drawn(demo):
    found = json.loads((demo[0] / "results/demo/accuracy.json").read_text())
    assert found["who_speaks"] >= 0.95 and found["both_tracked"] >= 0.99
    assert all(found[name]["mean"] >= 0.9 for name in ("head_yaw", "jaw"))
    assert found["head_pitch"]["mean"] >= 0.85  # little is drawn in 16 s; the default demo is held to 0.9 by hand


def test_each_rule_does_the_step_that_it_is_called_by(demo):
    steps = demo[0] / "results/demo/steps"
    tracked, speaking = (read_table(steps / step / "0000.tsv")[0] for step in ("track", "diarize"))
    assert (tracked.seconds, tracked.speech) == (16, None) and tracked.tracked >= 0.99
    assert speaking.speech >= 0.25 and speaking.tracked == tracked.tracked
    done = json.loads((demo[0] / "results/demo/videos/demo_00/steps/track.json").read_text())
    assert done, "what the step was made of is remembered"


def test_the_preview_plays_with_sound(demo):
    found = probe(demo[0] / "results/demo/preview.mp4")
    assert (found.width, found.height) == (1280, 720) and found.seconds == pytest.approx(2, abs=0.1)


def test_the_report_shows_the_listener_and_every_recording(demo):
    page = (demo[0] / "results/demo/report.html").read_text()
    assert page.count("data:video/mp4;base64,") == 1 and all(f"<h3>demo_0{number}</h3>" in page for number in range(3))
    assert "as live, told nothing of the true listener" in page and "<code>demo.seconds=16" in page
    assert "What went wrong" not in page


def planned(folder, *changes):
    """The rules that a changed configuration would run again."""
    done = snakemake(folder, "-n", "--quiet", "host", "--config", *changes, "--", "results/demo/eval.json")
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    if "Nothing to be done" in output:
        return set()
    table = output.split("Job stats:")[1].split("total")[0]
    return {line.split()[0] for line in table.splitlines()[3:] if line.strip()}


@pytest.mark.parametrize(
    ("change", "first", "untouched"),
    [
        ("mel={feature: log_mel}", "mel", {"normalise", "track", "diarize", "separate", "faces"}),
        ("chunking={stride_test: 32}", "chunk", {"normalise", "track", "diarize", "separate", "faces", "mel"}),
        ("predictor={dropout: 0.1}", "train_predictor", {"chunk", "train_codebook"}),
    ],
)
def test_a_changed_setting_redoes_what_depends_on_it_and_nothing_else(folder, change, first, untouched):
    found = planned(folder, change)
    assert {first, "train_predictor", "evaluate"} <= found and not found & untouched, found


def test_no_threads_device_or_unused_model_and_backend_cause_a_rerun(folder):
    training = "training: {threads: 2, device: cpu, checkpoint_minutes: 1}"
    assert not planned(
        folder,
        f"codebook={{{training}}}",
        f"predictor={{{training}}}",
        f"windows={{holdout: window, smoothing: bilateral, codebook: {{codes: 9, {training}}}}}",
        "diarization={syncnet: {shift: 9, threads: 2}, light_asd: {margin: 2}}",
        "separation={multisensory: {overlap: 0.25, device: cpu}}",
        "faces={deca: {detail: false, batch_size: 4}}",
        "sampling={batch_size: 9, reencode: true}",
    )


def test_what_is_not_kept_is_not_missed(demo_copy):
    less = ["--config", "keep_intermediates=needed", "--"]
    assert "Nothing to be done" in snakemake(demo_copy, *less, "results/demo/eval.json").stderr
    recording, mel = demo_copy / "results/demo/videos/demo_00", "results/demo/steps/mel/0000.tsv"
    done = snakemake(demo_copy, "--forcerun", "separate", *less, mel)
    assert done.returncode == 0 and not list(recording.glob("speech_*.wav")), done.stderr
    assert (recording / "mel_left.npy").exists() and "Nothing to be done" in snakemake(demo_copy, *less, mel).stderr


def test_a_model_of_several_people_learns_from_their_whole_conversations(folder):
    people = "people={several: {source: people, people: [demo]}, mixed: {source: people, people: [demo, conan]}}"
    done = snakemake(folder, "results/several/predictor.pt", "--config", people)
    assert done.returncode == 0, done.stdout + done.stderr
    found, own = (load_conversations(folder / "data" / name, "train", "left") for name in ("several", "demo"))
    assert [stretch.recording for stretch in found.stretches] == [f"demo/{s.recording}" for s in own.stretches]
    assert "stretches of whole conversations" in (folder / "results/several/logs/train_predictor.log").read_text()
    # Published people have none.
    plan = snakemake(folder, "-n", "results/mixed/predictor.pt", "--config", people)
    assert plan.returncode == 0 and "gather_windows" in plan.stdout + plan.stderr, plan.stdout + plan.stderr


def test_own_videos_need_two_lines_of_configuration_and_a_bad_one_of_three_is_a_row(folder):
    raw, results = folder / "data/raw/alice", folder / "results/alice"
    raw.mkdir(parents=True)
    for source, name in (("demo_00.mp4", "a talk (1).mp4"), ("demo_01.mp4", "b.mp4")):
        shutil.copy(folder / "data/raw/demo" / source, raw / name)
    (raw / "bad.mp4").write_text("not a video")  # by its name, the one for testing
    done = snakemake(folder, "results/alice/eval.json")
    assert done.returncode == 0, done.stdout + done.stderr
    chunks = load_chunks(folder / "data/alice", "train", "right")
    assert len(chunks) and np.isfinite(chunks.listener).all() and np.isfinite(chunks.audio).all()
    assert json.loads((results / "eval.json").read_text())["listener"] == "right"
    rows = {Path(row.path).stem: row for row in read_table(results / "preprocess.tsv")}
    assert {name: row.status for name, row in rows.items()} == {"a talk (1)": "ok", "b": "ok", "bad": "failed"}
    assert "bad.mp4 is not a video" in rows["bad"].reason
    assert "bad.mp4" in (results / "preprocess.tsv").read_text()
    assert done.stderr.strip().splitlines()[-1] == f"bad: failed: {rows['bad'].reason}"
    # In batches, and with another recording, nothing finished is done again.
    ffmpeg("-t", "3", "-i", str(folder / "data/raw/demo/demo_02.mp4"), "-c", "copy", str(raw / "c.mp4"))
    before = {path: path.stat().st_mtime_ns for path in (results / "videos").glob("*/*.np*")}
    more = snakemake(folder, "--config", "recordings_per_job=2", "--", "results/alice/preprocess.tsv")
    assert more.returncode == 0, more.stdout + more.stderr
    rows = {Path(row.path).stem: row.status for row in read_table(results / "preprocess.tsv")}
    assert rows == {"a talk (1)": "ok", "b": "ok", "bad": "failed", "c": "ok"}
    again = {path.name for path, time in before.items() if path.stat().st_mtime_ns != time}
    assert len(before) == 12 and again <= {"faces_left.npz", "faces_right.npz"}  # the basis knows one more person
    less = ["--config", "recordings_per_job=2", "keep_intermediates=needed", "--", "results/alice/preprocess.tsv"]
    assert "Nothing to be done" in snakemake(folder, "--dry-run", *less).stdout


def test_recordings_that_are_all_bad_leave_a_page_and_a_sentence(folder):
    raw = folder / "data/raw/bad"
    raw.mkdir(parents=True)
    for name in ("notes.mp4", "more notes.mp4"):
        (raw / name).write_text("not a video")
    done = snakemake(folder, "--config", "recordings_per_job=2", "--", "results/bad/eval.json")
    output = done.stdout + done.stderr
    assert done.returncode != 0 and "Traceback" not in output
    last = done.stderr.strip().splitlines()
    assert "0 of 2 recordings can be used, and none of these is for training" in last[-1]
    assert any("more notes: failed: data/raw/bad/more notes.mp4 is not a video" in line for line in last[-4:])
    assert "notes.mp4" in (folder / "results/bad/report.html").read_text()
    assert not [path for path in (folder / "results/bad").rglob("*") if path.suffix in {".mp4", ".wav", ".npz"}]


def test_a_full_disk_fails_the_job_and_makes_no_row(demo_copy):
    (demo_copy / "full").mkdir()
    program = demo_copy / "full/ffmpeg"
    program.write_text("#!/bin/sh\necho 'out.mp4: No space left on device' >&2; exit 228\n")
    program.chmod(0o755)
    table = "results/demo/steps/normalise/0000.tsv"
    shutil.rmtree(demo_copy / "results/demo/videos/demo_00")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(demo_copy / "full"), prepend=":")
        done = snakemake(demo_copy, "--force", table)
    assert done.returncode != 0 and not (demo_copy / table).exists()
    assert "No space left on device" in done.stderr.strip().splitlines()[-1]


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
    assert total <= 620


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--config", "trackin=3", "--", "results/demo/eval.json"], "unknown key 'trackin'; did you mean 'tracking'?"),
        (
            ["--config", "people={carol: {listener: left}}", "--", "results/carol/eval.json"],
            "data/raw/carol/ holds no videos",
        ),
    ],
    ids=["key", "no videos"],
)
def test_what_cannot_work_is_said_before_anything_is_done(folder, arguments, words):
    done = snakemake(folder, *arguments)
    output = done.stdout + done.stderr
    assert done.returncode != 0 and words in output and "Traceback" not in output
