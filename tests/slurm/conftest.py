"""One throw-away SLURM, and on it the tiny demo: by the step and in batches, beside a run without SLURM.

`SLURM_STATE` names the folder of its state, so that whoever started the tests can take it down (down.sh) if they are
killed.
"""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.road import ROOT, TINY
from tests.slurm.cluster import Job, Slurm, cluster

TARGET = "results/demo/eval.json"
WINDOWS = "data/demo/train/p0_list_faces_clean_deca.npy"
# A sum depends on how many threads it is split over; these runs get different numbers of cores. Dropout's chances are
# each process's own, and one test compares two processes with one.
ONE_THREAD = {
    model: {**TINY[model], **more, "training": {**TINY[model]["training"], "threads": 1}}
    for model, more in (("codebook", {}), ("predictor", {"dropout": 0}))
}


@dataclass(frozen=True)
class Roads:
    """The folders of three runs of the tiny demo, with two recordings."""

    slurm: Slurm
    by_step: Path  # on SLURM to eval.json, each step of each recording a job
    batched: Path  # on SLURM to the windows, both recordings in a job
    local: Path  # to eval.json

    def jobs(self, folder: Path) -> list[Job]:
        return [job for job in self.slurm.jobs() if job.folder == folder]


@pytest.fixture(scope="session")
def roads(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Roads]:
    by_step, batched, local = (tmp_path_factory.mktemp(name) for name in ("by_step", "batched", "local"))
    for folder, per_job in ((by_step, 1), (batched, 2), (local, 1)):
        people = {"demo": {"listener": "left", "source": "demo"}}
        demo = {"recordings": 2, "seconds": 16}
        settings = {**TINY, **ONE_THREAD, "demo": demo, "people": people, "recordings_per_job": per_job}
        (folder / "config.yaml").write_text(yaml.safe_dump(settings))
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "workflow/Snakefile"), "--cores", "1"]
    with contextlib.ExitStack() as stack:
        state = os.environ.get("SLURM_STATE") or tmp_path_factory.mktemp("state")
        slurm = stack.enter_context(cluster(Path(state)))
        log = stack.enter_context(open(local / "snakemake.log", "w"))
        running = {by_step: slurm.start(by_step, TARGET), batched: slurm.start(batched, WINDOWS)}
        running[local] = subprocess.Popen([*command, TARGET], cwd=local, stdout=log, stderr=log, text=True)
        for process in running.values():
            stack.callback(process.kill)
        for folder, process in running.items():
            assert process.wait(timeout=600) == 0, (folder / "snakemake.log").read_text()
        yield Roads(slurm, by_step, batched, local)
