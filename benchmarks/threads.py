"""Is training on two threads slower than on one, where the machine's two cores are busy?

    python -m benchmarks.threads data/demo --pairs 3

It starts processes that only spin, trains a codebook for a few steps with one and with two threads, in turn, and prints
the seconds from the first step to the last. `--spinning` also tries threads that wait as libgomp does by itself.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from datetime import datetime
from pathlib import Path

_SPIN = "while True: pass"


def train(chunks: Path, threads: int, steps: int, libgomp: bool) -> float:
    """Seconds that `steps` steps take."""
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "PYTHONUNBUFFERED": "1"}
    environment.pop("OMP_WAIT_POLICY", None)
    environment.pop("GOMP_SPINCOUNT", None)
    if libgomp:
        environment["GOMP_SPINCOUNT"] = "300000"  # what it is when nobody says anything
    keys = {"max_steps": 2 * steps, "validate_every": steps, "patience": 0, "device": "cpu"}
    given = [word for key, value in keys.items() for word in ("--set", f"codebook.training.{key}={value}")]
    with tempfile.TemporaryDirectory() as folder:
        command = ["train-codebook", str(chunks), "--listener", "left", "--out", f"{folder}/codebook.pt"]
        command = [sys.executable, "-m", "l2l", *command, "--log-dir", f"{folder}/board", *given]
        with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            seen = {}
            for line in process.stderr:
                if found := re.match(r"step (\d+),", line):
                    seen[int(found[1])] = datetime.now()
    if process.returncode or len(seen) < 2:
        raise SystemExit("training failed; run the same command by hand.")
    return (seen[2 * steps] - seen[steps]).total_seconds()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("chunks", type=Path, help="data/<person>")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--busy", type=int, default=2, help="processes that spin")
    parser.add_argument("--spinning", action="store_true", help="also threads that wait as libgomp does by itself")
    args = parser.parse_args()
    others = [subprocess.Popen([sys.executable, "-c", _SPIN]) for _ in range(args.busy)]
    try:
        for _ in range(args.pairs):
            ways = {"one thread": (1, False), "two threads": (2, False)}
            ways |= {"two, spinning": (2, True)} if args.spinning else {}
            said = [
                f"{name} {train(args.chunks, threads, args.steps, old):.1f} s" for name, (threads, old) in ways.items()
            ]
            print(f"{args.steps} steps: {', '.join(said)}", flush=True)
    finally:
        for other in others:
            other.kill()


if __name__ == "__main__":
    main()
