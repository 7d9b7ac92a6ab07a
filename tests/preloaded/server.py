"""`python -m tests.preloaded.server FOLDER`: listens at FOLDER/socket; forks for each command that is asked for."""

import atexit
import contextlib
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import NoReturn

import numpy as np

from tests.ends import moment


def serve(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "socket"))
        listener.listen(64)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who answer
        first = True
        while True:
            connection, _ = listener.accept()
            if first:
                import_all()
            first = False
            if os.fork() == 0:
                break
            connection.close()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    answer(connection, folder)


def import_all() -> None:
    import snakemake.cli

    import l2l

    for module in pkgutil.walk_packages(l2l.__path__, "l2l."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    learn_to_load_compiled()
    threads = os.listdir("/proc/self/task")
    assert len(threads) == 1, "a fork would lose a thread that an import has started"
    assert snakemake.cli
    gc.collect()
    gc.freeze()  # what is here stays; looking at it would copy its pages in every process


def learn_to_load_compiled() -> None:
    """numba looks up all that it knows when the first compiled function is called."""
    from l2l.features.speaker import SpeakerFeatures

    SpeakerFeatures.fit(lambda: [(np.zeros((2, 56)), np.zeros(2), np.ones(2, bool))])


def answer(connection: socket.socket, folder: Path) -> None:
    """Run what is asked for in a process of its own; say its number, then its exit status."""
    length, files, _, _ = socket.recv_fds(connection, 8, 3)
    text = b""
    while len(text) < int.from_bytes(length, "big"):
        text += connection.recv(1 << 16)
    asked = json.loads(text)
    process = os.fork()
    if process == 0:
        connection.close()
        for number, file in enumerate(files):
            os.dup2(file, number)
            os.close(file)
        os.chdir(asked["folder"])
        os.environ.clear()
        os.environ.update(asked["variables"])
        sys.executable = str(folder / "python")
        sys.argv = asked["argv"]
        moment.arm()
        end(sys.argv[0])
    for file in files:
        os.close(file)
    connection.sendall(f"{process}\n".encode())
    if connection in select.select([connection, os.pidfd_open(process)], [], [])[0]:
        os.kill(process, signal.SIGKILL)  # as the one who asks
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    with contextlib.suppress(BrokenPipeError):  # nobody waits any more
        connection.sendall(f"{status if status >= 0 else 128 - status}\n".encode())
    os._exit(0)


def end(program: str) -> NoReturn:
    """Run it and end as it does, without taking apart all that was imported: that takes longer than most commands."""
    try:
        said = run(program)
    except SystemExit as error:
        said = error.code
    if isinstance(said, str):
        print(said, file=sys.stderr)
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush(), sys.stderr.flush()
    os._exit(1 if isinstance(said, str) else said or 0)


def run(program: str) -> int | str | None:
    if program == "snakemake":
        from snakemake.cli import main as snakemake

        return snakemake()
    from l2l.__main__ import main

    return main()


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
