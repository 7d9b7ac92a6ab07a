"""The tiny demo on a real SLURM gives what it gives on one machine, and every job of it ran there."""

import re
import subprocess
import sys

import pytest
import yaml

from tests.road import ROOT, TINY
from tests.slurm.cluster import cluster

pytestmark = pytest.mark.slurm
RESULTS = [f"results/demo/{name}" for name in ("eval.json", "samples.npz", "codebook.pt", "predictor.pt")]
# A sum depends on how many threads it is split over; these runs get different numbers of cores.
ONE_THREAD = {
    model: {**TINY[model], "training": {**TINY[model]["training"], "threads": 1}}
    for model in ("patch_codebook", "patch_predictor")
}


@pytest.fixture(scope="module")
def road(tmp_path_factory):
    """(SLURM, the folder it worked in, the folder of a run on this machine)."""
    there, here, state = (tmp_path_factory.mktemp(name) for name in ("slurm", "local", "state"))
    for folder in (there, here):
        people = {"demo": {"listener": "left", "source": "demo"}}
        (folder / "config.yaml").write_text(yaml.safe_dump({**TINY, **ONE_THREAD, "people": people}))
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "workflow/Snakefile"), "--cores", "1"]
    with cluster(state) as slurm, open(here / "snakemake.log", "w") as log:
        local = subprocess.Popen([*command, RESULTS[0]], cwd=here, stdout=log, stderr=log)
        try:
            assert slurm.start(there, RESULTS[0]).wait(timeout=600) == 0, (there / "snakemake.log").read_text()
            assert local.wait(timeout=300) == 0, (here / "snakemake.log").read_text()
        finally:
            local.kill()
        yield slurm, there, here


def test_the_cluster_writes_the_bytes_that_one_machine_writes(road):
    _, there, here = road
    assert [name for name in RESULTS if (there / name).read_bytes() != (here / name).read_bytes()] == []


def test_every_step_was_one_completed_slurm_job(road):
    slurm, there, _ = road
    steps = int(re.findall(r"(\d+) of \1 steps \(100%\) done", (there / "snakemake.log").read_text())[0])
    jobs = slurm.jobs()
    assert steps == len(jobs) and {job.state for job in jobs} == {"COMPLETED"}
    assert {job.number for job in jobs} <= slurm.recorded()
    assert {job.run.partition("_")[0] for job in jobs} == {"l2l"}


def test_gpu_rules_see_a_gpu_and_others_none(road):
    slurm, _, _ = road
    seen = slurm.gpus()
    for job in slurm.jobs():
        wants = job.rule in ("train_codebook", "train_predictor", "sample")
        assert (job.partition, seen[job.number]) == (("gpu", {"0"}) if wants else ("cpu", {"none"})), job


def test_a_second_run_submits_nothing(road):
    slurm, there, _ = road
    before = len(slurm.jobs())
    assert slurm.start(there, RESULTS[0]).wait(timeout=60) == 0
    assert len(slurm.jobs()) == before
