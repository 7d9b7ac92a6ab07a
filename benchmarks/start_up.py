"""How long commands take before they begin, in CPU-seconds and on the clock.

    python -m benchmarks.start_up                       # in the repository; plans data/raw/demo where it is
    python -m benchmarks.start_up --times 9

Each line is the median of several runs, with the smallest and the largest, each in a process of its own.
"""

import argparse
import sys

import numpy as np

from benchmarks.cost import cost

IMPORT = "import importlib, sys; [importlib.import_module(name) for name in sys.argv[1:]]"
STEPS = {
    "recordings, split": "l2l.recordings.table",
    "normalise, track, separate, mel, faces": "l2l.recordings.steps",
    "chunk": "l2l.dataset.chunks",
    "chunk-arrays": "l2l.dataset.by_hand",
    "compare": "l2l.evaluation.compare",
    "report": "l2l.report.page",
    "torch alone": "torch",
    "sample": "l2l.patches.sampling",
    "evaluate": "l2l.evaluation.evaluate",
    "live": "l2l.web.open_live",
}


def run(command: list[str]) -> tuple[float, float]:
    """CPU and wall-clock seconds."""
    found = cost(command)
    if found.status:
        sys.exit(f"{' '.join(command)} failed:\n{found.said}")
    return found.cpu, found.seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=5)
    args = parser.parse_args()
    python, snakemake = sys.executable, [sys.executable, "-m", "snakemake"]
    commands = {
        "Python alone": [python, "-c", "pass"],
        "`l2l --help`": [python, "-m", "l2l", "--help"],
        "`snakemake --version`": [*snakemake, "--version"],
        "`snakemake -n results/demo/report.html`": [*snakemake, "-n", "-q", "all", "--", "results/demo/report.html"],
    }
    commands |= {f"imports of {name}": [python, "-c", IMPORT, module] for name, module in STEPS.items()}
    print("| what | CPU-s | s on the clock |\n|---|---|---|")
    for name, command in commands.items():
        found = np.array([run(command) for _ in range(args.times)])
        cells = [f"{np.median(each):.2f} ({each.min():.2f} to {each.max():.2f})" for each in found.T]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
