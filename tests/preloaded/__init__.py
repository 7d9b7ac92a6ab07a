"""Commands of tests in processes that have imported everything already.

A workflow of the tests is some dozens of short commands, and most of their time would go into importing torch and
Snakemake. Here a server imports them once and forks for each command; `client.py` is the command's place in the shell:
it hands over arguments, folder, variables and open files, passes signals on, and ends with the same status.
The demo's own workflow takes real processes, as a user's does.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
ADDRESS = "L2L_TESTS_PRELOADED"  # variable: the folder with the server's socket and the programs that ask it


@contextmanager
def preloaded(folder: Path) -> Iterator[None]:
    """Commands of `program` are answered while this lasts, also in processes that start in it."""
    for program in ("l2l", "snakemake"):
        _script(folder / program, f'"{sys.executable}" -IS "{HERE}/client.py" {program}')
    _script(folder / "python", f'"{sys.executable}"')  # programs are looked for beside Python
    command = [sys.executable, "-m", "tests.preloaded.server", str(folder)]
    server = subprocess.Popen(command, cwd=HERE.parents[1], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    os.environ[ADDRESS] = str(folder)
    try:
        yield
    finally:
        del os.environ[ADDRESS]
        server.terminate()
        server.wait()


def program(name: str) -> str:
    """The path of `l2l` or `snakemake`, to be run as if it were the real one."""
    return f"{os.environ[ADDRESS]}/{name}"


def _script(path: Path, command: str) -> None:
    path.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    path.chmod(0o755)
