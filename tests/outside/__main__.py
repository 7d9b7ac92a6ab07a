"""`python -m tests.outside`: the tiny demo without a net, under strace; prints what should not be."""

import argparse
import tempfile
from pathlib import Path

from tests.outside.run import can_run, run

TARGETS = ["results/demo/report.html", "results/demo/accuracy.json", "results/demo/preview.mp4"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", default=TARGETS)
    given = parser.parse_args()
    if not can_run():
        print("strace and an empty network namespace (unshare --net) cannot be had here.")
        return 2
    with tempfile.TemporaryDirectory(prefix="outside") as folder:
        seen = run(Path(folder) / "run", *given.targets)
    print(f"workflow: exit status {seen.status}")
    if seen.status:
        print(seen.said[-5000:])
    for what, found in (
        ("asked outside this machine", seen.asked),
        ("written outside", seen.elsewhere),
        ("left in the home folder and TMPDIR", seen.left),
    ):
        print(f"{what}: {len(found)}", *sorted(found), sep="\n  ")
    return bool(seen.status or seen.asked or seen.elsewhere or seen.left)


if __name__ == "__main__":
    raise SystemExit(main())
