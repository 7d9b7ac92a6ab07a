"""The tiny demo on a real SLURM gives what it gives on one machine, and every job of it ran there."""

import re
from collections import Counter

import pytest

from tests.slurm.conftest import TARGET

pytestmark = pytest.mark.slurm
RESULTS = [TARGET, *(f"results/demo/{name}" for name in ("samples.npz", "codebook.pt", "predictor.pt"))]
WAYS = pytest.mark.parametrize("way", ["by_step", "batched"])


@WAYS
def test_the_cluster_writes_the_bytes_that_one_machine_writes(roads, way):
    there = getattr(roads, way)
    assert [name for name in RESULTS if (there / name).read_bytes() != (roads.local / name).read_bytes()] == []


@WAYS
def test_every_step_was_one_completed_slurm_job(roads, way):
    there = getattr(roads, way)
    steps = int(re.findall(r"(\d+) of \1 steps \(100%\) done", (there / "snakemake.log").read_text())[0])
    jobs = roads.jobs(there)
    assert steps == len(jobs) and {job.state for job in jobs} == {"COMPLETED"}
    assert {job.number for job in jobs} <= roads.slurm.recorded()
    assert {job.run.partition("_")[0] for job in jobs} == {"l2l"}


def test_three_recordings_two_a_job_are_two_jobs_of_each_half(roads):
    found = Counter(job.rule for job in roads.jobs(roads.batched))
    assert found["preprocess"] == found["preprocess_faces"] == 2 and found["preprocess_summary"] == 1
    assert sum(found.values()) == 14 and len(roads.jobs(roads.by_step)) == 27


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
    assert roads.slurm.start(there, RESULTS[0]).wait(timeout=60) == 0
    assert len(roads.jobs(there)) == before
