"""What the workflow itself costs with many recordings: planning them, and running steps that do nothing.

    python -m benchmarks.scale --plan 10000              # a dry run: seconds, memory, jobs
    python -m benchmarks.scale --run 1000                # every job of the road to eval.json, here
    python -m benchmarks.scale --run 1000 --per-job 50 -- --profile workflow/profiles/slurm    # on a cluster

Recordings are empty files, and `l2l` is a stand-in that only touches its outputs, so what is measured is Snakemake's
share, and on a cluster SLURM's. What follows `--` goes to Snakemake instead of `--cores 2`.
"""

import argparse
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
# The workflow calls the `l2l` beside its Python.
STAND_IN = """#!/bin/sh
verb=$1
while [ $# -gt 0 ]; do
  case $1 in --out) out=$2 ;; esac
  shift
done
case $verb in
  preprocess-summary) touch "${out%.tsv}.html"; echo recording > "$out" ;;
  chunk)
    for part in train test; do
      mkdir -p "$out/$part"
      for name in $NAMES; do touch "$out/$part/$name"; done
    done ;;
  *) touch "$out" ;;
esac
"""


def environment(folder: Path) -> Path:
    """A Python that finds everything this one finds, with the stand-in beside it; the path of its program."""
    from l2l.dataset.layout import chunk_paths

    folder.mkdir()
    (folder / "bin").mkdir()
    (folder / "bin/python").symlink_to(Path(sys.executable).resolve())
    for name in ("lib", "pyvenv.cfg"):
        (folder / name).symlink_to(Path(sys.prefix) / name)
    names = " ".join(path.name for side in ("left", "right") for path in chunk_paths(folder, "train", side).values())
    (folder / "bin/l2l").write_text(STAND_IN.replace("$NAMES", names))
    (folder / "bin/l2l").chmod(0o755)
    return folder / "bin/python"


def recordings(folder: Path, count: int, per_job: str) -> None:
    raw = folder / "data/raw/many"
    raw.mkdir(parents=True)
    for number in range(count):
        (raw / f"{number:05d}.mp4").touch()
    per = per_job if per_job == "auto" else int(per_job)
    (folder / "config.yaml").write_text(
        yaml.safe_dump({"people": {"many": {"listener": "left"}}, "recordings_per_job": per})
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--plan", type=int, metavar="RECORDINGS")
    what.add_argument("--run", type=int, metavar="RECORDINGS")
    parser.add_argument("--per-job", default="auto", help="recordings_per_job")
    parser.add_argument("--folder", type=Path, help="an empty folder that all nodes see; default: a temporary one")
    parser.add_argument("snakemake", nargs="*", default=[], help="options of Snakemake")
    args = parser.parse_args()
    count = args.plan or args.run
    work = Path(tempfile.mkdtemp(dir=args.folder))
    try:
        python = environment(work / "python")
        recordings(work, count, args.per_job)
        profile = [str(ROOT / word) if word.startswith("workflow/profiles") else word for word in args.snakemake]
        how = ["--dry-run", "--quiet", "rules"] if args.plan else (profile or ["--cores", "2", "--scheduler", "greedy"])
        command = [str(python), "-m", "snakemake", "--snakefile", str(ROOT / "workflow/Snakefile"), *how]
        variables = os.environ | {"PYTHONPATH": str(ROOT), "XDG_CONFIG_HOME": str(work / "none")}
        start = time.perf_counter()
        done = subprocess.run(
            [*command, "--", "results/many/eval.json"], cwd=work, capture_output=True, text=True, env=variables
        )
        seconds = time.perf_counter() - start
        said = done.stdout + done.stderr
        jobs = re.search(r"^total\s+(\d+)", said, re.M)
        if done.returncode or not jobs:
            sys.exit(said[-3000:])
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    finally:
        shutil.rmtree(work)
    each = f", {seconds / count:.3f} s per recording" if args.run else ""
    print(f"{count} recordings, {jobs[1]} jobs: {seconds:.1f} s, {peak:.0f} MB{each}")


if __name__ == "__main__":
    main()
