"""`python -m tests.fuzz`: a table of mutants by format. What is found belongs into a test of its reader."""

import argparse
import tempfile
import time
import warnings
from pathlib import Path

from tests.fuzz.attack import attack
from tests.fuzz.formats import FORMATS


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("formats", nargs="*", default=list(FORMATS))
    parser.add_argument("--mutants", type=int, default=300, help="of each format")
    parser.add_argument("--first", type=int, default=0, help="number of the first mutant; each follows from its number")
    parser.add_argument("--minutes", type=float, default=60, help="at most, for each format")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    print("| format | mutants | other than numbers or one sentence | seconds |\n| --- | --- | --- | --- |", flush=True)
    found = []
    for name in given.formats:
        start = time.time()
        with tempfile.TemporaryDirectory() as folder:
            numbers = range(given.first, given.first + given.mutants)
            count, wrong = attack(name, Path(folder), numbers, start + 60 * given.minutes)
        found += wrong
        print(f"| {name} | {count} | {len(wrong)} | {time.time() - start:.0f} |", flush=True)
    print("\n".join(["", *found]))
    return bool(found)


if __name__ == "__main__":
    raise SystemExit(main())
