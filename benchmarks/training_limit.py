"""How near is training to what the processor can do at all? Both models of both architectures, one thread.

    python -m benchmarks.training_limit

A training step is mostly products of matrices. Their floating-point operations are counted by torch, and compared with
those of one large product in the same second: no program that computes the same in float32 on this core can be faster
than 100 %. The product is timed before and after each step, for other programs slow both.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.evaluate import write_people
from benchmarks.gpu import settings_on, trainings
from l2l.dataset.layout import load_chunks

SIDE = 1024  # of the matrices


def seconds(call: Callable[[], object], least: float) -> float:
    """CPU-seconds of one call, over at least so many of them."""
    call()
    count, start = 0, time.process_time()
    while (spent := time.process_time() - start) < least:
        call()
        count += 1
    return spent / count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=5.0, help="CPU-seconds of each measurement")
    args = parser.parse_args()
    torch.set_num_threads(1)
    one, two = torch.randn(2, SIDE, SIDE)
    print("| training step | sequences/s | GFLOP | GFLOP/s | of one large product |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        write_people(Path(folder), "train", 8 * args.batch, 16)
        data = load_chunks(Path(folder), "train", "left")
        for case in trainings(data, settings_on(torch.device("cpu"), {}), [args.batch], ["float32"]):
            with FlopCounterMode(display=False) as counted:
                case.call()
            work = counted.get_total_flops() / 1e9
            before = seconds(lambda: one @ two, args.seconds / 5)
            spent = seconds(case.call, args.seconds)
            after = seconds(lambda: one @ two, args.seconds / 5)
            peak = 2 * SIDE**3 / 1e9 * 2 / (before + after)
            name = case.name.removeprefix("train ")
            print(
                f"| {name} | {args.batch / spent:.0f} | {work:.1f} | {work / spent:.0f} | {work / spent / peak:.0%} |"
            )


if __name__ == "__main__":
    main()
