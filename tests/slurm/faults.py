"""What happens to a training when something dies, on a real SLURM: `pytest -m slurm tests/slurm/faults.py`, 10 minutes.

Each fault hits a codebook training under way; the run must end with the bytes of a run that nothing happened to, and
no other step may be done twice. docs/cluster.md has the table that this prints. By name, because it takes too long for
every `make test-slurm`.
"""

import contextlib
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import yaml

from tests.road import ROOT, TINY
from tests.slurm.cluster import Job, Slurm, cluster

pytestmark = pytest.mark.slurm
TARGET = "results/demo/eval.json"
SAME = [TARGET, "results/demo/samples.npz", "results/demo/codebook.pt", "results/demo/predictor.pt"]
CHUNKS = "data/demo/train/p0_list_faces_clean_deca.npy"
MODELS = ("codebook", "predictor")
STEPS = {"short": 2500, "long": 7000}  # of the codebook: some 25 seconds, and more than a time limit of one minute


def locally(folder: Path, target: str) -> None:
    """Run here what nothing happens to."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "workflow/Snakefile"), "--cores", "2"]
    done = subprocess.run([*command, target], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def chunked(tmp_path_factory):
    """A folder with everything up to the windows."""
    folder = tmp_path_factory.mktemp("chunked")
    configure(folder, STEPS["short"])
    locally(folder, CHUNKS)
    return folder


def configure(folder: Path, steps: int) -> None:
    """A codebook training of so many steps; numbers do not depend on cores."""
    codebook, predictor = ({**TINY[model], "training": {**TINY[model]["training"], "threads": 1}} for model in MODELS)
    codebook["training"] |= {"max_steps": steps, "validate_every": 100, "patience": 0}
    settings = {**TINY, "codebook": codebook, "predictor": predictor}
    people = {"demo": {"listener": "left", "source": "demo"}}
    (folder / "config.yaml").write_text(yaml.safe_dump({**settings, "people": people}))


@pytest.fixture(scope="module")
def untouched(chunked, tmp_path_factory):
    """Make, once for each length of training, the folder of a run that nothing happens to."""
    made: dict[str, Path] = {}

    def make(length: str) -> Path:
        if length not in made:
            made[length] = tmp_path_factory.mktemp("untouched") / "run"
            shutil.copytree(chunked, made[length])
            configure(made[length], STEPS[length])
            locally(made[length], TARGET)
        return made[length]

    return make


@pytest.fixture(scope="module")
def table():
    """Rows to print when all faults are over."""
    rows: list[str] = []
    yield rows
    print("\n| fault | jobs of the training | steps done twice | seconds until the end |\n|---|---|---|---|")
    print("\n".join(rows), flush=True)


def step_of(folder: Path) -> int:
    """The last step that the training's log tells."""
    log = folder / "results/demo/logs/train_codebook.log"
    found = re.findall(r"\bstep (\d+)", log.read_text()) if log.exists() else []
    return int(found[-1]) if found else 0


def waited_for(what: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.2)
    return False


def training(slurm: Slurm) -> Job:
    return [job for job in slurm.jobs() if job.rule == "train_codebook"][-1]


class Run:
    """A run on SLURM whose codebook training is under way."""

    def __init__(self, slurm: Slurm, folder: Path, arguments: list[str]) -> None:
        self.slurm, self.folder, self.arguments = slurm, folder, arguments
        self.snakemake = slurm.start(folder, *arguments)
        assert waited_for(lambda: step_of(folder) >= 500, 240), self.log()
        self.job = training(slurm)
        self.step = step_of(folder)
        self.since = time.monotonic()

    def log(self) -> str:
        return (self.folder / "snakemake.log").read_text()


@pytest.fixture
def run(tmp_path, chunked) -> Iterator[Callable[..., Run]]:
    """Start a run: run(length, *arguments)."""
    with contextlib.ExitStack() as stack:

        def start(length: str, *arguments: str) -> Run:
            folder = tmp_path / "run"
            shutil.copytree(chunked, folder)
            configure(folder, STEPS[length])
            slurm = stack.enter_context(cluster(tmp_path / "state", SLURM_CRED_EXPIRE="5", SLURM_NODE_TIMEOUT="10"))
            under_way = Run(slurm, folder, [*arguments, TARGET])
            stack.callback(under_way.snakemake.kill)
            return under_way

        yield start


def ended_well(run: Run, truth: Path, table: list[str], name: str, trainings: int) -> None:
    """The promise: the same bytes, nothing half-written is left, and nothing but the training was done twice."""
    assert run.snakemake.wait(timeout=300) == 0, run.log()
    seconds = time.monotonic() - run.since
    log = (run.folder / "results/demo/logs/train_codebook.log").read_text()
    resumed = re.search(r"going on after step (\d+)", log)
    # An undisturbed job writes two lines into tasks.log, for its script and the step in it.
    tasks = (run.slurm.folder / "tasks.log").read_text()
    once = trainings == 1 and len(re.findall(rf"^{training(run.slurm).number} n", tasks, re.M)) == 2
    again = 0 if once else run.step - int(resumed[1]) if resumed else run.step
    jobs = Counter(job.rule for job in run.slurm.jobs())
    table.append(f"| {name} | {jobs['train_codebook']} | {max(again, 0)} of {run.step} | {seconds:.0f} |")
    assert [path for path in SAME if (run.folder / path).read_bytes() != (truth / path).read_bytes()] == []
    assert not list(run.folder.rglob("*.partial*"))
    assert jobs.pop("train_codebook") == trainings and set(jobs.values()) == {1}, jobs


def test_a_cancelled_job_is_submitted_again(run, untouched, table):
    hit = run("short")
    hit.slurm.call("scancel", hit.job.number)
    assert waited_for(lambda: training(hit.slurm).number != hit.job.number, 60), hit.log()
    assert not (hit.folder / "results/demo/codebook.pt").exists()
    ended_well(hit, untouched("short"), table, "`scancel` of the running job", trainings=2)


def test_the_job_of_a_node_that_is_set_down_is_queued_again(run, untouched, table):
    hit = run("short")
    node = hit.slurm.call("squeue", "--noheader", f"--jobs={hit.job.number}", "--format=%N").strip()
    hit.slurm.call("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=test")
    ended_well(hit, untouched("short"), table, "the node is set down", trainings=1)


def end_steps(hit: Run) -> None:
    """End all that runs of the training's job, the way a power cut does: nobody tells anybody."""
    victims: list[psutil.Process] = []
    for process in psutil.process_iter(["cmdline"]):
        if " ".join(process.info["cmdline"] or []).startswith(f"slurmstepd: [{hit.job.number}."):
            family = process.children(recursive=True)
            # A step's own variables are not to be seen; those of what it runs say whose it is.
            if any(child.environ().get("SLURM_CONF") == hit.slurm.environment["SLURM_CONF"] for child in family):
                victims += [process, *family]
    assert len(victims) > 4  # the script and the step in it
    for victim in victims:
        with contextlib.suppress(psutil.NoSuchProcess):
            victim.kill()


def test_a_dead_node_hands_its_job_to_another(run, untouched, table):
    hit = run("short")
    node = hit.slurm.call("squeue", "--noheader", f"--jobs={hit.job.number}", "--format=%N").strip()
    psutil.Process(int((hit.slurm.folder / f"slurmd.{node}.pid").read_text())).kill()
    end_steps(hit)
    ended_well(hit, untouched("short"), table, "the node dies", trainings=1)
    assert {node for node, _ in hit.slurm.tasks()[hit.job.number]} == {"n1", "n2"}


def test_after_a_killed_snakemake_orphans_are_cancelled_and_the_run_goes_on(run, untouched, table):
    hit = run("short")
    hit.snakemake.send_signal(signal.SIGKILL)
    hit.snakemake.wait()
    assert hit.slurm.start(hit.folder, *hit.arguments).wait(timeout=60) != 0
    assert "Directory cannot be locked" in hit.log()
    orphans = [job.number for job in hit.slurm.jobs() if job.run.startswith("l2l_") and job.state == "RUNNING"]
    assert orphans == [hit.job.number]
    hit.slurm.call("scancel", *orphans)
    assert hit.slurm.start(hit.folder, "--unlock", *hit.arguments).wait(timeout=60) == 0
    hit.snakemake = hit.slurm.start(hit.folder, *hit.arguments)
    ended_well(hit, untouched("short"), table, "`kill -9` of Snakemake, orphan cancelled", trainings=2)


def test_what_an_orphan_finishes_is_not_done_again(run, untouched, table):
    hit = run("short")
    hit.snakemake.send_signal(signal.SIGKILL)
    hit.snakemake.wait()
    assert waited_for(lambda: training(hit.slurm).state == "COMPLETED", 120)
    assert hit.slurm.start(hit.folder, "--unlock", *hit.arguments).wait(timeout=60) == 0
    hit.snakemake = hit.slurm.start(hit.folder, *hit.arguments)
    ended_well(hit, untouched("short"), table, "`kill -9` of Snakemake, orphan waited for", trainings=1)


def test_a_time_limit_only_interrupts_training(run, untouched, table):
    requests = {"slurm_partition": "gpu", "gpu": 1, "runtime": "attempt * attempt * attempt", "mem_mb": 4000}
    requests["slurm_extra"] = "'--signal=URG@20'"
    hit = run("long", "--set-resources", *(f"train_codebook:{key}={value}" for key, value in requests.items()), "--")
    ended_well(hit, untouched("long"), table, "a time limit of one minute", trainings=2)
