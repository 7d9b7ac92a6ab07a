"""A throw-away SLURM on this host, and the workflow on it through the repository's profile.

`with cluster(folder) as slurm:` takes everything down again, also when a test fails. Which job was which rule is in the
comment that the executor gives it; which GPUs its task saw is in tasks.log (`up.sh`).
"""

import contextlib
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.road import ROOT

HERE = Path(__file__).parent
PROFILE = ROOT / "workflow/profiles/slurm"
NEEDS = ("munged", "slurmctld", "slurmd", "sbatch")


@dataclass(frozen=True)
class Job:
    """One SLURM job as the controller remembers it."""

    number: str
    run: str  # l2l_<run>: all jobs of one call of Snakemake
    rule: str
    state: str
    partition: str
    folder: Path  # where that call worked


@dataclass(frozen=True)
class Slurm:
    folder: Path
    environment: dict[str, str]

    def start(self, folder: Path, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """Snakemake in `folder` through the profile; only how often it looks is not the profile's."""
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "workflow/Snakefile")]
        quick = ["--profile", str(PROFILE), "--slurm-init-seconds-before-status-checks", "7", "--latency-wait", "10"]
        with open(folder / "snakemake.log", "a") as log:
            return subprocess.Popen(
                [*command, *quick, *arguments],
                cwd=folder,
                stdout=log,
                stderr=log,
                text=True,
                env=self.environment | {"XDG_CONFIG_HOME": str(folder / "none")} | variables,
            )

    def call(self, *command: str, seconds: float = 30) -> str:
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=seconds)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def jobs(self) -> list[Job]:
        """Every job that there was, the newest last."""
        lines = self.call("squeue", "--noheader", "--states=all", "--sort=i", "--format=%i|%j|%k|%T|%P|%Z").splitlines()
        fields = [line.split("|") for line in lines]
        return [
            Job(number, run, re.sub(r"^rule_(.*?)(_wildcards_.*)?$", r"\1", comment), state, partition, Path(folder))
            for number, run, comment, state, partition, folder in fields
        ]

    def tasks(self) -> dict[str, set[tuple[str, str]]]:
        """(node, CUDA_VISIBLE_DEVICES) of every job's tasks; 'none' where the latter is not set."""
        seen: dict[str, set[tuple[str, str]]] = {}
        for line in (self.folder / "tasks.log").read_text().splitlines():
            number, node, devices = line.split()
            seen.setdefault(number, set()).add((node, devices))
        return seen

    def recorded(self) -> set[str]:
        """Numbers of the jobs that SLURM itself wrote down as completed."""
        text = (self.folder / "jobcomp.log").read_text()
        return set(re.findall(r"^JobId=(\d+) .*JobState=COMPLETED", text, re.M))


def free_ports(count: int) -> int:
    """The first of so many neighbouring ports that nobody listens on."""
    for first in range(16817, 32000, count):
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for port in range(first, first + count):
                stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            return first
    raise RuntimeError("no free ports")


@contextlib.contextmanager
def cluster(folder: Path, **settings: str) -> Iterator[Slurm]:
    """SLURM with its state in `folder`; `settings` are the variables of `up.sh`."""
    path = f"{os.environ['PATH']}:/usr/sbin"
    missing = [program for program in NEEDS if not shutil.which(program, path=path)]
    if missing or os.geteuid():
        raise RuntimeError(
            f"needs root and SLURM (missing: {', '.join(missing) or 'root'}): "
            "apt-get install --no-install-recommends slurm-wlm slurm-client munge"
        )
    outside = {name: value for name, value in os.environ.items() if not name.startswith("SLURM_")}
    ports = {"SLURM_BASE_PORT": str(free_ports(3))}  # the controller's and two nodes'
    try:
        up = subprocess.run(
            [HERE / "up.sh", folder, "2"], env=outside | ports | settings, capture_output=True, text=True, timeout=60
        )
        if up.returncode:
            raise RuntimeError(up.stderr)
        exported = dict(word.split("=", 1) for word in shlex.split(up.stdout.replace("$PATH", path))[1:])
        yield Slurm(folder, outside | exported)
    finally:
        subprocess.run([HERE / "down.sh", folder], check=False, timeout=60)
        end_leftovers(folder / "slurm.conf")


def end_leftovers(configuration: Path) -> None:
    """Without cgroups SLURM can lose sight of a job's processes; those of this cluster have its SLURM_CONF."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid != os.getpid() and process.environ().get("SLURM_CONF") == str(configuration):
                process.kill()
