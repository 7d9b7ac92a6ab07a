"""How near is training to what the processor can do at all? Both models of both architectures, one thread.

    python -m benchmarks.training_limit

A training step is mostly products of matrices. Their floating-point operations are counted by torch, and compared with
those of one large product in the same second and precision: no program that computes the same on this core can be
faster than 100 %. The product is timed before and after each step, for other programs slow both. bfloat16 has lines
where the processor multiplies it.
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
from l2l.config.section import Precision
from l2l.dataset.layout import load_chunks
from l2l.precision import available

SIDE = 1024  # of the matrices


def seconds(call: Callable[[], object], least: float) -> float:
    """CPU-seconds of one call, over at least so many of them."""
    call()
    count, start = 0, time.process_time()
    while (spent := time.process_time() - start) < least:
        call()
        count += 1
    return spent / count


def product(precision: Precision, least: float) -> float:
    """CPU-seconds of one large product."""
    one, two = torch.randn(2, SIDE, SIDE).to(torch.bfloat16 if precision == "bf16" else torch.float32)
    return seconds(lambda: one @ two, least)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=5.0, help="CPU-seconds of each measurement")
    args = parser.parse_args()
    torch.set_num_threads(1)
    precisions: list[Precision] = ["float32"]
    if available("bf16", torch.device("cpu")) == "bf16":
        precisions.append("bf16")
    print("| training step | precision | sequences/s | GFLOP | GFLOP/s | of one large product |")
    print("|---" * 6 + "|")
    with tempfile.TemporaryDirectory() as folder:
        write_people(Path(folder), "train", 8 * args.batch, 16)
        data = load_chunks(Path(folder), "train", "left")
        for case in trainings(data, settings_on(torch.device("cpu"), {}), [args.batch], precisions):
            with FlopCounterMode(display=False) as counted:
                case.call()
            work = counted.get_total_flops() / 1e9
            before = product(case.precision, args.seconds / 5)
            spent = seconds(case.call, args.seconds)
            after = product(case.precision, args.seconds / 5)
            peak = 2 * SIDE**3 / 1e9 * 2 / (before + after)
            name = case.name.removeprefix("train ")
            print(
                f"| {name} | {case.precision} | {args.batch / spent:.0f} | {work:.1f} | {work / spent:.0f} |"
                f" {work / spent / peak:.0%} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
