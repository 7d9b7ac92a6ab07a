"""`python -m tests.ends --kills 20 --terms 10 --full 20`: a table of what is wrong after each step's early ends."""

import argparse
import contextlib
import shutil
import signal
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.ends.full import can_mount, fill, small_disk
from tests.ends.kills import kill, moments
from tests.ends.steps import STEPS, Step, prepare
from tests.ends.trial import Bench, Prepared
from tests.preloaded import preloaded


def _kept(folder: Path | None, name: str, work: Path, make: Callable[[], object]) -> None:
    """Put into `work` what `make` makes there, or what it has made last time."""
    if folder and (folder / name).exists():
        shutil.copytree(folder / name, work, dirs_exist_ok=True)
        return
    make()
    if folder:
        shutil.copytree(work, folder / name)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--step", nargs="*", default=list(STEPS), help="these alone are put on trial")
    parser.add_argument("--kills", type=int, default=20, help="of each step")
    parser.add_argument("--terms", type=int, default=10, help="SIGTERM, of each step")
    parser.add_argument("--full", type=int, default=20, help="full disks, of each step")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="keep what clean runs make, and do not run those again next time")
    given = parser.parse_args()
    print(f"full disks: {'a filesystem of limited size' if can_mount() else 'RLIMIT_FSIZE, for only root may mount'}")
    print(
        "| step | s | MB | SIGKILL | SIGTERM | full disk | wrong | seconds |\n| --- " + "| --- " * 7 + "|", flush=True
    )
    found = []
    with tempfile.TemporaryDirectory(prefix="ends") as name, contextlib.ExitStack() as stack:
        bench = Bench(Path(name))
        (bench.folder / "server").mkdir()
        stack.enter_context(preloaded(bench.folder / "server"))
        if can_mount():
            stack.enter_context(small_disk(bench.work))
        bench.work.mkdir(exist_ok=True)
        bench.run(Step("config --schema"))  # whoever is first waits for the imports
        _kept(given.folder, "prepared", bench.work, lambda: prepare(bench.work, bench.must))
        for number, (name, step) in enumerate(STEPS.items()):
            begin, random, wrong = time.time(), np.random.default_rng([given.seed, number]), []
            if name not in given.step:
                _kept(given.folder, name, bench.work, lambda step=step: bench.must(step))
                continue
            prepared = Prepared(bench, step)
            wrong += [f"{name}, nothing: {fault}" for fault in prepared.clean_again()]
            need = prepared.need
            trials = [(f"{end}", kill, end) for end in moments(prepared, signal.SIGKILL, given.kills, random)]
            trials += [(f"{end}", kill, end) for end in moments(prepared, signal.SIGTERM, given.terms, random)]
            trials += [(f"{free} bytes free", fill, free) for free in map(int, random.integers(0, need, given.full))]
            for index, (label, attempt, argument) in enumerate(trials):
                previous = bool(index % 2)
                try:
                    faults = list(attempt(prepared, argument, previous))
                except Exception:
                    faults = [traceback.format_exc()]
                wrong += [f"{name}, {label}{', made before' * previous}: {fault}" for fault in faults]
            prepared.reset("after")
            found += wrong
            print(
                f"| {name} | {prepared.clean.seconds:.2f} | {need / 1e6:.2f} | {given.kills} | {given.terms} |"
                f" {given.full} | {len(wrong)} | {time.time() - begin:.0f} |",
                flush=True,
            )
            print("".join(f"    {line[:2500]}\n" for line in wrong), end="", flush=True)
    return bool(found)


if __name__ == "__main__":
    raise SystemExit(main())
