"""Run the tiny demo where there is no net, with an empty home and a TMPDIR of its own."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.ends.steps import SETTINGS
from tests.outside.trace import STRACE, asked, written
from tests.road import ROOT

ALLOWED = ("/dev/null", "/dev/tty", "/dev/shm/", "/proc/")
NAMESPACE = ["unshare", "--map-root-user", "--net"]


def can_run() -> bool:
    """Whether strace and an empty network namespace are to be had here."""
    if not (shutil.which("strace") and shutil.which("unshare")):
        return False
    return subprocess.run([*NAMESPACE, "strace", "-qq", "-o", os.devnull, "true"], capture_output=True).returncode == 0


@dataclass(frozen=True)
class Seen:
    status: int
    said: str
    asked: set[str]  # addresses outside this machine
    elsewhere: set[str]  # paths written outside the run's folder and TMPDIR
    left: set[str]  # files in the home folder and TMPDIR afterwards


def run(folder: Path, *targets: str) -> Seen:
    """Run the workflow to `targets` in `folder`, which must be empty."""
    demo, home, tmp = (folder / name for name in ("demo", "home", "tmp"))
    for place in (demo, home, tmp):
        place.mkdir(parents=True)
    person = {"source": "demo", "listener": "right", "recordings_per_job": 2}
    (demo / "config.yaml").write_text(yaml.safe_dump({**SETTINGS, "people": {"demo": person}}))
    program = [sys.executable, "-m", "snakemake", "--cores", "1", "--snakefile", str(ROOT / "workflow/Snakefile")]
    variables = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
    done = subprocess.run(
        [*NAMESPACE, *STRACE, "-o", str(folder / "trace.txt"), *program, *targets],
        cwd=demo,
        capture_output=True,
        text=True,
        env=variables | {"HOME": str(home), "TMPDIR": str(tmp)},
    )
    with open(folder / "trace.txt", errors="replace") as file:
        lines = [line for line in file if "O_RDONLY" not in line or "libslurm" in line]
    # What Python compiles is kept beside the code; Snakemake copies the rules while it runs.
    inside = (*(f"{place}/" for place in (demo, tmp)), str(demo), str(tmp), f"{home}/.cache", *ALLOWED)
    elsewhere = {
        path for path in written(lines, str(demo)) if not path.startswith(inside) and "__pycache__" not in path
    }
    left = {str(path) for place in (home, tmp) for path in place.rglob("*") if path.is_file()}
    return Seen(done.returncode, done.stdout + done.stderr, asked(lines), elsewhere, left)
