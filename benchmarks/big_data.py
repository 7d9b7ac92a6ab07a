"""What does training cost on hours and days of recordings? Both models of patches, on made-up windows.

    python -m benchmarks.big_data work/big                       # 100,000 windows, 59 hours: 4 GB of disk
    python -m benchmarks.big_data work/big --hours 1 3 10 30 100 300 --plot docs/hours.svg    # 7 GB

The first 10 hours (`--real`) are random walks. The others are zeros, which take no disk: they cost the processor what
others cost. What a training itself keeps on disk is in TMPDIR, 10 GB of 300 hours.

For each number of hours and each model a row: CPU-seconds until the first step; of a step; steps, which follow from the
hours; CPU-seconds of what is fitted after them; of the whole training; and the most memory that the process has
for itself until the last step (anonymous: mapped files are the system's to drop; about 230 are Python and torch). The
goal: below 4 GB for 59 hours. Give hours in ascending order: a process does not give all memory back.

The last line says how the whole grows: the exponent b of CPU-seconds = a hours^b, least squares on logarithms.
"""

import argparse
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from benchmarks.cost import exponent
from benchmarks.gpu import trained
from l2l.config import Settings
from l2l.dataset.layout import PART_SHAPES, WINDOW, chunk_paths, load_chunks
from l2l.patches.train_codebook import prepare_codebook
from l2l.patches.train_predictor import prepare_predictor
from l2l.training.run import Run
from l2l.units import FPS

IN_A_ROW = 120  # windows of a recording, four minutes
PARTS = ("listener", "speaker", "audio")


def write(folder: Path, windows: int, real: int) -> None:
    """Random walks in the published layout, recording by recording; after `real` of them, windows are zeros that take
    no place on disk."""
    paths, rng = chunk_paths(folder, "train", "left"), np.random.default_rng(0)
    for part in PARTS:
        paths[part].parent.mkdir(parents=True, exist_ok=True)
        np.lib.format.open_memmap(paths[part], "w+", np.float32, (windows, *PART_SHAPES[part]))
    for first in range(0, min(windows, real), IN_A_ROW):
        rows = slice(first, min(first + IN_A_ROW, windows))
        for part in PARTS:
            array = np.lib.format.open_memmap(paths[part], "r+")[rows]
            found = rng.random(array.shape, np.float32)
            array[:] = found if part == "audio" else 0.1 * (found - 0.5).cumsum(1)
    number, frames = np.divmod(np.arange(windows), IN_A_ROW), np.arange(WINDOW)
    files = np.lib.format.open_memmap(paths["files"], "w+", "<U8", (windows, WINDOW, 3))
    files[..., 0], files[..., 1] = np.char.add("r", number[0].astype(str))[:, None], "right"
    files[..., 2] = WINDOW * number[1][:, None] + frames


def memory() -> float:
    """MB of this process alone."""
    return int(Path("/proc/self/status").read_text().split("RssAnon:")[1].split()[0]) / 1024


@contextmanager
def most_memory() -> Iterator[Callable[[], float]]:
    """Yields what says the most memory of this process since, MB."""
    most, over = memory(), threading.Event()

    def watch() -> None:
        nonlocal most
        while not over.wait(0.05):
            most = max(most, memory())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield lambda: most
    finally:
        over.set()
        thread.join()


class Training(NamedTuple):
    """What one cost; seconds are of one core."""

    hours: float
    model: str
    before: float  # seconds until the first step
    step: float  # seconds
    steps: int
    after: float  # seconds, for what is fitted after the last step
    memory: float  # MB

    @property
    def whole(self) -> float:
        return self.before + self.step * self.steps + self.after

    def line(self) -> str:
        cells = f"{self.hours:.1f}", self.model, f"{self.before:.0f}", f"{1000 * self.step:.0f}", f"{self.steps}"
        return "| " + " | ".join([*cells, f"{self.after:.0f}", f"{self.whole:.0f}", f"{self.memory:.0f}"]) + " |"


HEAD = "hours", "model", "CPU-s before", "ms of a step", "steps", "CPU-s after", "CPU-s in all", "MB"


def measured(hours: float, name: str, prepare: Callable[[], Run], steps: int) -> tuple[Training, Run]:
    """What a training costs, and what was prepared."""
    with most_memory() as most:
        start = time.process_time()
        run = prepare()
        prepared = time.process_time()
        step = trained(name, run, run.training.batch_size).call
        for _ in range(steps):
            step()
        stepped = time.process_time()
        peak = most()
    run.task.model.eval()
    if run.finish:
        run.finish()
    after, total = time.process_time() - stepped, run.training.steps
    return Training(hours, name, prepared - start, (stepped - prepared) / steps, total, after, peak), run


def both(folder: Path, windows: int, real: int, steps: int) -> Iterator[Training]:
    """Of both models on so many windows, which are made in `folder`."""
    write(folder, windows, real)
    data, settings = load_chunks(folder, "train", "left"), Settings()
    hours = len(data) * WINDOW / FPS / 3600
    cost, run = measured(hours, "codebook", lambda: prepare_codebook(data, settings), steps)
    yield cost
    codebook, listener = run.task.model.requires_grad_(False), run.standardizers["listener"]
    del run
    yield measured(hours, "predictor", lambda: prepare_predictor(data, codebook, listener, settings), steps)[0]


def grows(costs: list[Training]) -> float:
    return exponent([cost.hours for cost in costs], [cost.whole for cost in costs])


def plot(found: dict[str, list[Training]], path: Path) -> None:
    """CPU-seconds of whole trainings against hours, both axes logarithmic."""
    from matplotlib import pyplot, ticker

    figure, axes = pyplot.subplots(figsize=(6, 3.6), layout="constrained")
    for model, costs in found.items():
        label = f"{model}: hours^{grows(costs):.2f}"
        axes.loglog([cost.hours for cost in costs], [cost.whole for cost in costs], "o-", label=label)
    axes.set(xlabel="hours of recordings", ylabel="CPU-seconds of training, one core")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("")
    axes.grid(which="both", alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="in which windows are made, and deleted afterwards")
    parser.add_argument("--hours", type=float, nargs="+", default=[100_000 * WINDOW / FPS / 3600])
    parser.add_argument("--real", type=float, default=10, help="hours that are not zeros; zeros take no disk")
    parser.add_argument("--steps", type=int, default=20, help="that are measured")
    parser.add_argument("--plot", type=Path, help="a picture to write, of several numbers of hours")
    args = parser.parse_args()
    if not sys.platform.startswith("linux"):
        parser.error("memory is read from /proc, which only Linux has.")
    torch.set_num_threads(1)
    args.folder.mkdir(parents=True, exist_ok=True)
    print("| " + " | ".join(HEAD) + " |\n|" + "---|" * len(HEAD), flush=True)
    found: dict[str, list[Training]] = {"codebook": [], "predictor": []}
    for hours in args.hours:
        with tempfile.TemporaryDirectory(dir=args.folder) as folder:
            counts = (round(number * 3600 * FPS / WINDOW) for number in (hours, args.real))
            for cost in both(Path(folder), *counts, args.steps):
                print(cost.line(), flush=True)
                found[cost.model].append(cost)
    if len(args.hours) > 1:
        print("exponents:", ", ".join(f"{model} {grows(costs):.2f}" for model, costs in found.items()))
        if args.plot:
            plot(found, args.plot)


if __name__ == "__main__":
    main()
