"""Is this tree slower than another one? Every step on one recording of the demo, alternating, one thread.

    git worktree add ../before main~20
    python -m benchmarks.speed ../before                  # or any folder with an l2l in it
    python -m benchmarks.speed ../before --step track evaluate --runs 9

A step is a command in a process of its own, with this Python and a tree's modules; both trees read the same input,
which the other one makes: newer programs read older files. Only predictors are a tree's own. CPU-seconds count, for
other programs may run beside: a row has each tree's median, and of the ratios of neighbours the median and the range.
Who is first changes from pair to pair. A first run of each is not counted, for numba compiles in it. What fails in the
other tree says so.
"""

import argparse
import os
import shlex
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from benchmarks.cost import cost
from benchmarks.evaluate import write_people

HERE = Path(__file__).resolve().parents[1]
WINDOWS, TRAINED = 200, 40  # windows of made-up people, and steps of training
_TRAINING = {"training": {"max_steps": TRAINED, "validate_every": TRAINED, "threads": 1, "device": "cpu"}}
_BOTH = {"codebook": _TRAINING, "predictor": _TRAINING}
SETTINGS: dict[str, Any] = {"demo": {"seconds": 20}, **_BOTH, "windows": _BOTH}
_OLD = "--set architecture=windows"
STEPS = {  # {out} is another folder for each run, {own} one of each tree
    "help": "--help",
    "demo-video": "demo-video {out} --only 0",
    "normalise": "normalise raw/demo_00.mp4 --out {out}",
    "track": "track {out}",
    "diarize": "diarize {out}",
    "separate": "separate {out}",
    "mel": "mel {out}",
    "fit-faces": "fit-faces {out} --out {out}/face_basis.npz",
    "faces": "faces {out} --basis face_basis.npz",
    "train-codebook": "train-codebook people --listener left --out {out}/codebook.pt --log-dir {out}/log",
    "train-predictor": "train-predictor people --listener left --codebook codebook.pt --out {out}/predictor.pt"
    " --log-dir {out}/log",
    "sample": "sample people --listener left --codebook codebook.pt --predictor {own}/predictor.pt"
    " --out {out}/samples.npz",
    "evaluate": "evaluate people --listener left --samples samples.npz --codebook codebook.pt"
    " --predictor {own}/predictor.pt --out {out}/eval.json",
    "train-codebook, windows": "train-codebook people --listener left --out {out}/codebook.pt"
    f" --log-dir {{out}}/log {_OLD}",
    "train-predictor, windows": "train-predictor people --listener left --codebook windows.pt"
    f" --out {{out}}/predictor.pt --log-dir {{out}}/log {_OLD}",
}


class Failed(Exception):
    """A command did, with its last words."""


def own(tree: Path) -> str:
    """The name of a folder in which a tree keeps what the other one need not be able to read."""
    return "_".join(tree.parts[1:])


def run(tree: Path, work: Path, command: str, out: str) -> float:
    """CPU-seconds of one command of a tree, in the folder `work`. Raises Failed."""
    words = shlex.split(command.format(out=out, own=own(tree)))
    if words[0] != "--help":
        words += ["--config", "settings.yaml"]
    weights = {"L2L_WEIGHTS": os.environ.get("L2L_WEIGHTS", str(HERE / "third_party/weights"))}
    environment = weights | {"PYTHONPATH": str(tree)}
    found = cost([sys.executable, "-m", "l2l", *words], folder=work, environment=environment)
    if found.status:
        raise Failed(found.last_words or "no message")
    return found.cpu


def prepare(tree: Path, work: Path) -> None:
    """What the steps read, made by a tree, but for this tree's own predictor."""
    (work / "settings.yaml").write_text(yaml.safe_dump(SETTINGS))
    for split in ("train", "test"):
        write_people(work / "people", split, WINDOWS, 10)
    made = (
        ("demo-video", "raw"),
        *((name, "recording") for name in ("normalise", "track", "diarize", "separate", "mel", "fit-faces", "faces")),
        *(("train-codebook", "."), ("train-predictor", own(tree)), ("sample", ".")),
        ("train-codebook, windows", "windows"),
    )
    for name, out in made:
        run(tree, work, STEPS[name], out)
        if name == "fit-faces":
            shutil.copy(work / "recording/face_basis.npz", work)
    run(HERE, work, STEPS["train-predictor"], own(HERE))
    shutil.copy(work / "windows/codebook.pt", work / "windows.pt")


def row(name: str, trees: tuple[Path, Path], work: Path, runs: int) -> str:
    """A line of the table."""
    spent: tuple[list[float], list[float]] = [], []
    for number in range(runs + 1):
        for which in (0, 1) if number % 2 else (1, 0):
            out = work / "out"
            shutil.rmtree(out, ignore_errors=True)
            # What says that a step has been done stays behind, so that it is done again.
            shutil.copytree(work / "recording", out, ignore=shutil.ignore_patterns("steps"))
            try:
                spent[which].append(run(trees[which], work, STEPS[name], "out"))
            except Failed as error:
                return f"| {name} | {('this', 'the other')[which]} tree fails: {error} | | |"
    mine, other = (np.array(each[1:]) for each in spent)
    ratios = mine / other
    return (
        f"| {name} | {np.median(mine):.2f} | {np.median(other):.2f} |"
        f" {np.median(ratios):.2f} ({ratios.min():.2f} to {ratios.max():.2f}) |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path, help="another tree")
    parser.add_argument("--step", nargs="+", default=list(STEPS), choices=list(STEPS), help="these alone")
    parser.add_argument("--runs", type=int, default=5, help="pairs of each step")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        prepare(args.other.resolve(), work)
        print("| step | CPU-s, this tree | the other | ratio (range) |\n|---|---|---|---|", flush=True)
        for name in args.step:
            print(row(name, (HERE, args.other.resolve()), work, args.runs), flush=True)


if __name__ == "__main__":
    main()
