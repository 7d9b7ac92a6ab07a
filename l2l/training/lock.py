"""One training per output: a lock that ends with the process that holds it.

- A workflow that is killed leaves its cluster jobs running, and its next start submits them again. The second training
  of an output stops at once with a sentence that names the first one.
- The lock is the kernel's (`fcntl.lockf`), not the file, so nothing has to be cleaned up after a crash. It holds
  between machines on NFS and on Lustre mounted with `flock`. A file system without locks gives a warning.
- Not `flock`, nor `filelock` that uses it: some of these file systems keep it to one machine.
"""

import contextlib
import errno
import fcntl
import json
import logging
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from l2l.errors import UserError

log = logging.getLogger(__name__)

TAKEN = (errno.EACCES, errno.EAGAIN)  # POSIX allows either


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file `path`, which is made and removed. Raises UserError naming the process that holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = _taken(path)
    try:
        yield
    finally:
        if file:
            path.unlink(missing_ok=True)  # while it is still locked, so that the next one's file is never removed
            file.close()


def _taken(path: Path) -> TextIO | None:
    while True:
        file = open(path, "a+", encoding="utf-8")  # noqa: SIM115 - it is open for as long as the lock is held
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = _holder(file)
            file.close()
            if error.errno in TAKEN:
                raise UserError(
                    f"{path.parent} is being trained in by {holder}; wait until it ends or cancel it, then run this "
                    "command again, which goes on from there."
                ) from None
            log.warning("%s cannot be locked (%s): nothing keeps a second training away", path, error.strerror)
            return None
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.stat(path), os.fstat(file.fileno())):
                break
        file.close()  # its holder removed it between our open and our lock
    try:
        file.truncate(0)
        json.dump({"host": socket.gethostname(), "pid": os.getpid(), "job": os.environ.get("SLURM_JOB_ID")}, file)
        file.flush()
    except OSError:  # there is no room
        path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # closing writes what could not be written
            file.close()
        raise
    return file


def _holder(file: TextIO) -> str:
    """Who wrote the file, in words. It is read through the one that is open: closing another would drop a lock."""
    file.seek(0)
    try:
        found = json.loads(file.read())
        job = f", SLURM job {found['job']}" if found["job"] else ""
        return f"process {found['pid']} on {found['host']}{job}"
    except (ValueError, KeyError, TypeError):
        return "another process"  # which has not written its name yet
