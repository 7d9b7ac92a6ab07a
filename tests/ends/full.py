"""Run a step on a disk that has too little room; then with room.

Root gets a small filesystem in memory, whose size is set anew for each trial. Others get a limit on the size of a file
(RLIMIT_FSIZE), which only stops what is larger.
"""

import contextlib
import functools
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.ends.trial import End, Prepared

ROOMY = 4 << 30  # bytes
PAGE = os.sysconf("SC_PAGE_SIZE")


@functools.cache
def can_mount() -> bool:
    """Whether this process may: root in a container often may not."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["mount", "-t", "tmpfs", "tmpfs", folder]
        if os.geteuid() or not shutil.which("mount") or subprocess.run(command, capture_output=True).returncode:
            return False
        subprocess.run(["umount", folder], check=True)
    return True


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """`folder` is a filesystem of its own meanwhile."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={ROOMY}", "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def resize(folder: Path, free: int) -> None:
    """Leave `free` bytes."""
    found = os.statvfs(folder)
    size = (found.f_blocks - found.f_bfree) * found.f_frsize + free // PAGE * PAGE if free < ROOMY else ROOMY
    subprocess.run(["mount", "-o", f"remount,size={max(size, PAGE)}", str(folder)], check=True)


def fill(step: Prepared, free: int, previous: bool) -> Iterator[str]:
    """One run with too little room; what is wrong."""
    work = step.bench.work
    step.reset("after" if previous else "before")
    if can_mount():
        resize(work, free)
    try:
        done = step.bench.run(step.step, End() if can_mount() else End(largest=free))
    finally:
        if can_mount():
            resize(work, ROOMY)
    if done.status == 75:
        yield from done.faults_of_words()
        if done.sentences and not re.search(r"[/.]\w.* free\b", done.sentences[-1]):
            yield f"the sentence does not say which file, or what is free: {done.sentences[-1]}"
        yield from (f"{name} lies there" for name in step.unfinished())
    elif done.status:
        yield f"status {done.status}: {done.said[-1500:]!r}"
    yield from step.left(previous)
    yield from step.again()
