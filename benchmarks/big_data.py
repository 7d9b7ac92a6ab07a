"""How much memory and time does training take on days of recordings? Both models of patches, on made-up windows.

    python -m benchmarks.big_data work/big                       # 100,000 windows, 59 hours: 23 GB of disk
    python -m benchmarks.big_data work/big --windows 10000 --steps 20

Prints a row for each model: CPU-seconds until the first step, of a step, and memory that the process took for itself
(anonymous: mapped files are the system's to drop). The goal: below 4 GB for 100,000 windows.
"""

import argparse
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

from benchmarks.gpu import trained
from l2l.config import Settings
from l2l.dataset.layout import PART_SHAPES, WINDOW, chunk_paths, load_chunks
from l2l.files import create_array
from l2l.patches.train_codebook import prepare_codebook
from l2l.patches.train_predictor import prepare_predictor
from l2l.training.run import Run

IN_A_ROW = 120  # windows of a recording, four minutes
PARTS = ("listener", "speaker", "audio")


def write(folder: Path, windows: int) -> None:
    """Random walks in the published layout, recording by recording."""
    paths, rng = chunk_paths(folder, "train", "left"), np.random.default_rng(0)
    for part in PARTS:
        paths[part].parent.mkdir(parents=True, exist_ok=True)
        create_array(paths[part], (windows, *PART_SHAPES[part]))
    for first in range(0, windows, IN_A_ROW):
        rows = slice(first, min(first + IN_A_ROW, windows))
        for part in PARTS:
            array = np.lib.format.open_memmap(paths[part], "r+")[rows]
            found = rng.random(array.shape, np.float32)
            array[:] = found if part == "audio" else 0.1 * (found - 0.5).cumsum(1)
    number, frames = np.divmod(np.arange(windows), IN_A_ROW), np.arange(WINDOW)
    files = np.empty((windows, WINDOW, 3), "<U8")
    files[..., 0], files[..., 1] = np.char.add("r", number[0].astype(str))[:, None], "right"
    files[..., 2] = WINDOW * number[1][:, None] + frames
    np.save(paths["files"], files)


@contextmanager
def most_memory() -> Iterator[Callable[[], float]]:
    """Yields what says the most anonymous memory of this process until now, MB, over that at the beginning."""

    def now() -> int:
        text = Path("/proc/self/status").read_text()
        return int(text.split("RssAnon:")[1].split()[0])

    first = most = now()
    over = threading.Event()

    def watch() -> None:
        nonlocal most
        while not over.wait(0.05):
            most = max(most, now())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield lambda: (most - first) / 1024
    finally:
        over.set()
        thread.join()


def row(name: str, prepare: Callable[[], Run], steps: int) -> tuple[str, Run]:
    """A line of the table, and what was prepared."""
    with most_memory() as most:
        start = time.process_time()
        run = prepare()
        prepared = time.process_time()
        step = trained(name, run, run.training.batch_size).call
        for _ in range(steps):
            step()
        spent = (time.process_time() - prepared) / steps
        return f"| {name} | {prepared - start:.0f} | {1000 * spent:.0f} | {most():.0f} |", run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="of the windows, which are made unless they are there")
    parser.add_argument("--windows", type=int, default=100_000)
    parser.add_argument("--steps", type=int, default=20)
    args = parser.parse_args()
    if not sys.platform.startswith("linux"):
        parser.error("memory is read from /proc, which only Linux has.")
    torch.set_num_threads(1)
    if not chunk_paths(args.folder, "train", "left")["files"].exists():
        write(args.folder, args.windows)
    data, settings = load_chunks(args.folder, "train", "left"), Settings()
    print(f"{len(data)} windows, {len(data) * WINDOW / 30 / 3600:.1f} hours, one thread")
    print("| model | CPU-s before the first step | ms of a step | MB |\n|---|---|---|---|")
    text, run = row("codebook", lambda: prepare_codebook(data, settings), args.steps)
    print(text, flush=True)
    codebook, listener = run.task.model.eval().requires_grad_(False), run.standardizers["listener"]
    del run
    text, _ = row("predictor", lambda: prepare_predictor(data, codebook, listener, settings), args.steps)
    print(text, flush=True)


if __name__ == "__main__":
    main()
