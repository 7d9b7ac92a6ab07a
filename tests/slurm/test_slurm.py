"""The tiny demo on a real SLURM gives what it gives on one machine, and every job of it ran there."""

import re
from collections import Counter

import pytest

from l2l.recordings.steps import STEPS
from tests.slurm.conftest import TARGET, WINDOWS

pytestmark = pytest.mark.slurm
RESULTS = [TARGET, *(f"results/demo/{name}" for name in ("samples.npz", "codebook.pt", "predictor.pt"))]
LOCAL = ("split", "preprocess_summary")  # what only reads tables runs beside Snakemake
WAYS = pytest.mark.parametrize("way", ["by_step", "batched"])


@WAYS
def test_the_cluster_writes_the_bytes_that_one_machine_writes(roads, way):
    there, here = getattr(roads, way), roads.local
    chunks = [str(path.relative_to(here)) for path in (here / "data/demo").rglob("*.npy")]
    files = chunks if way == "batched" else [*chunks, *RESULTS]
    assert len(chunks) == 16 + 14  # windows, and whole conversations
    assert [name for name in files if (there / name).read_bytes() != (here / name).read_bytes()] == []


@WAYS
def test_every_step_was_one_completed_slurm_job(roads, way):
    there = getattr(roads, way)
    steps = int(re.findall(r"(\d+) of \1 steps \(100%\) done", (there / "snakemake.log").read_text())[0])
    jobs = roads.jobs(there)
    assert steps == len(jobs) + len(LOCAL) and {job.state for job in jobs} == {"COMPLETED"}
    assert {job.number for job in jobs} <= roads.slurm.recorded()
    assert {job.run.partition("_")[0] for job in jobs} == {"l2l"}


def test_in_batches_one_job_takes_both_recordings(roads):
    found = Counter(job.rule for job in roads.jobs(roads.batched))
    assert found == dict.fromkeys(("demo_video_demo_0000", *STEPS, "fit_faces", "chunk"), 1)
    assert len(roads.jobs(roads.by_step)) == 20


def test_gpu_rules_see_a_gpu_and_others_none(roads):
    seen = roads.slurm.tasks()
    for job in [*roads.jobs(roads.by_step), *roads.jobs(roads.batched)]:
        wants = job.rule in ("train_codebook", "train_predictor", "sample")
        devices = {devices for _, devices in seen[job.number]}
        assert (job.partition, devices) == (("gpu", {"0"}) if wants else ("cpu", {"none"})), job


@WAYS
def test_a_second_run_submits_nothing(roads, way):
    there = getattr(roads, way)
    before = len(roads.jobs(there))
    assert roads.slurm.start(there, WINDOWS if way == "batched" else TARGET).wait(timeout=60) == 0
    assert len(roads.jobs(there)) == before
