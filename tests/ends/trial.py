"""One run of a command in a process of its own (`tests.preloaded`), ended at some moment; and what lies there then."""

import contextlib
import csv
import functools
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tests.ends import moment
from tests.ends.steps import Step
from tests.preloaded import ADDRESS
from tests.preloaded.client import connected

LONGEST = 300  # seconds that a command may take
UNFINISHED = re.compile(r"/?\.[^/]+\.(partial|scratch|unpacking)\b|\.resume|\.lock")
# A training, a fold and a download, from where they stopped; an archive that has come, but is not unpacked.
GOES_ON = re.compile(r"resume|/\.[^/.]+\.\w+\.partial(\.json)?$|^weights/\w+\.zip$|/folds/\d+/")
# Curves have the time in them. Python tries whether it can write to TMPDIR; of a run that is killed then, 4 bytes stay.
NOT_SEEN = re.compile(r"^board/|^tmp/[a-z0-9_]{8}$")
MARK = "L2L_TESTS_TRIAL"


@dataclass(frozen=True)
class End:
    """When and how a run ends: a signal after `seconds`, or at the n-th thing it does; or no file above a size."""

    signal: int = 0
    seconds: float | None = None
    at: int | None = None
    largest: int | None = None

    def __str__(self) -> str:
        when = f"{self.seconds:.3f} s" if self.at is None else f"deed {self.at}"
        return f"{signal.Signals(self.signal).name} at {when}" if self.signal else "clean"


@dataclass(frozen=True)
class Ended:
    status: int  # as a shell says it: 128 + the signal that ended it
    said: str
    seconds: float
    deeds: int = 0

    @property
    def sentences(self) -> list[str]:
        return [line for line in self.said.splitlines() if line.startswith("l2l ")]

    def faults_of_words(self) -> list[str]:
        """What is wrong with how a command says that it cannot go on."""
        found = ["traceback"] if re.search("Traceback|Exception ignored|Error in ", self.said) else []
        if len(self.sentences) != 1 or self.said.splitlines()[-1:] != self.sentences:
            found.append("no sentence" if not self.sentences else "not one sentence at the end")
        return [f"{fault}: {self.said[-1500:]!r}" for fault in found]


@dataclass(frozen=True)
class Bench:
    """A folder with `work/`, where commands run, and room for what is kept of it."""

    folder: Path

    @property
    def work(self) -> Path:
        return self.folder / "work"

    def run(self, step: Step, end: End = End()) -> Ended:
        """Run a command; raises TimeoutError when it takes longer than `LONGEST`."""
        for name in ("tmp", "home"):
            (self.work / name).mkdir(exist_ok=True)
        mark, count = uuid.uuid4().hex, self.folder / "count.txt"
        asked: dict[str, object] = {} if end.signal or end.largest else {"count": str(count)}
        asked |= {"at": end.at, "signal": end.signal} if end.at is not None else {}
        asked |= {"largest": end.largest} if end.largest is not None else {}
        asked |= {"catalogue": str(self.work / step.catalogue)} if step.catalogue else {}
        variables = os.environ | {
            **{MARK: mark, moment.VARIABLE: json.dumps(asked)},
            **{"TMPDIR": str(self.work / "tmp"), "HOME": str(self.work / "home")},
            **({"L2L_WEIGHTS": str(self.work / "weights")} if step.own_weights else {}),
        }
        with open(self.folder / "said.txt", "wb") as said, open(os.devnull, "rb") as nothing:
            status, took = _run(
                step.argv(), self.work, variables, [nothing.fileno(), said.fileno(), said.fileno()], end
            )
        self._wait_for_children(mark)
        deeds = int(count.read_text()) if "count" in asked and count.exists() else 0
        return Ended(status, (self.folder / "said.txt").read_text(errors="replace"), took, deeds)

    def must(self, step: Step) -> Ended:
        """Make what a step needs, run it, and raise AssertionError when it fails."""
        step.make(self.work)
        done = self.run(step)
        if done.status:
            raise AssertionError(f"{step.words}: status {done.status}: {done.said}")
        return done

    def _wait_for_children(self, mark: str) -> None:
        for _ in range(100):
            if not (left := _marked(mark)):
                return
            time.sleep(0.05)
        raise AssertionError(f"processes go on: {left}")

    def listing(self) -> dict[str, str]:
        """Every file in work/, hidden ones too, with a digest of what must be the same in each run."""
        files = [path for path in sorted(self.work.rglob("*")) if path.is_file() and path.name != "settings.yaml"]
        names = {str(path.relative_to(self.work)): path for path in files}
        return {name: _known_digest(path) for name, path in names.items() if not NOT_SEEN.search(name)}


def _run(argv: list[str], folder: Path, variables: dict[str, str], files: list[int], end: End) -> tuple[int, float]:
    """(exit status, seconds from the begin of the process)."""
    with connected(f"{os.environ[ADDRESS]}/socket") as connection:
        connection.settimeout(LONGEST)
        asked = json.dumps({"argv": argv, "folder": str(folder), "variables": variables}).encode()
        socket.send_fds(connection, [len(asked).to_bytes(8, "big")], files)
        connection.sendall(asked)
        answer = connection.makefile()
        process = int(answer.readline())
        begin, timer = time.monotonic(), None
        if end.seconds is not None:
            timer = threading.Timer(end.seconds, _kill, (process, end.signal))
            timer.start()
        status = int(answer.readline())
        if timer:
            timer.cancel()
        return status, time.monotonic() - begin


def _kill(process: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, number)


def _marked(mark: str) -> list[str]:
    """Living processes that a run has started: all that were executed carry its mark."""
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if mark.encode() in environ.read_bytes():
                found.append(environ.with_name("cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found


def _known_digest(path: Path) -> str:
    """As `digest`; a file that nobody has touched is not read again."""
    found = path.stat()
    return _digest(path, found.st_ino, found.st_size, found.st_ctime_ns)


@functools.lru_cache(maxsize=1 << 14)
def _digest(path: Path, *_: int) -> str:
    return digest(path)


def digest(path: Path) -> str:
    """sha256 of a file; of tables and notes without the seconds that they say a step took."""
    if path.suffix == ".tsv":
        with open(path, newline="") as file:
            rows = [{k: v for k, v in row.items() if k != "took"} for row in csv.DictReader(file, delimiter="\t")]
        return hashlib.sha256(json.dumps(rows).encode()).hexdigest()
    if _is_note(str(path)):
        note = json.loads(path.read_text())
        return hashlib.sha256(json.dumps({k: v for k, v in note.items() if k != "took"}).encode()).hexdigest()
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def _highest(folder: Path) -> Iterator[list[int]]:
    """How many bytes more than before were used in `folder`, looked at all the time."""
    found, over = [1], threading.Event()

    def used() -> int:
        if os.path.ismount(folder):
            now = os.statvfs(folder)
            return (now.f_blocks - now.f_bfree) * now.f_frsize
        with contextlib.suppress(OSError):  # a file has gone meanwhile
            return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        return 0

    def watch() -> None:
        while not over.wait(0.005 if os.path.ismount(folder) else 0.1):
            found.append(used() - first)

    first, watcher = used(), threading.Thread(target=watch)
    watcher.start()
    try:
        yield found
    finally:
        over.set()
        watcher.join()


def _is_note(name: str) -> bool:
    return "/steps/" in name and name.endswith(".json")


class Prepared:
    """A step whose inputs lie in work/, and what a clean run makes of them."""

    def __init__(self, bench: Bench, step: Step) -> None:
        self.bench, self.step = bench, step
        step.make(bench.work)
        self._keep("before")
        before = bench.listing()
        with _highest(bench.work) as used:
            self.clean = bench.must(replace(step, make=Step.make))
        self._keep("after")
        after = bench.listing()
        self.before = {name: before.get(name) for name in after | before if after.get(name) != before.get(name)}
        self.after = {name: after.get(name) for name in self.before}
        self._all = after
        self._first = before
        self._known: list[dict[str, str]] = []
        self.need = max(used)  # bytes of disk

    def _keep(self, which: str) -> None:
        shutil.rmtree(self.bench.folder / which, ignore_errors=True)
        shutil.copytree(self.bench.work, self.bench.folder / which)

    def reset(self, which: str) -> None:
        """Put work/ into its state `before` or `after` the clean run.

        A step that remembers what it has done forgets it, so that it is done again over what it has made.
        """
        state = self.before if which == "before" else self.after
        for name in [*self.bench.listing(), *state]:
            kept, path = self.bench.folder / which / name, self.bench.work / name
            if name in state or name not in self._all:
                path.unlink(missing_ok=True)
                if kept.exists() and name in state:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy2(kept, path)
        for folder in sorted(filter(Path.is_dir, self.bench.work.rglob("*")), reverse=True):
            if not (self.bench.folder / which / folder.relative_to(self.bench.work)).is_dir():
                shutil.rmtree(folder)
        for name in filter(_is_note, self.after):
            if which == "after":
                (self.bench.work / name).unlink(missing_ok=True)

    def left(self, previous: bool) -> Iterator[str]:
        """What is wrong with the files that lie there after a run that was ended."""
        found = self.bench.listing()
        for name, was in self.before.items():
            now = found.get(name)
            if _is_note(name) and now is None:
                continue
            if now not in (was, self.after[name]):
                yield f"{name} is gone" if now is None else f"{name} has other bytes"
            elif previous and now != self.after[name]:
                yield f"{name}, made before, is gone"
        for name in found.keys() - self._all.keys() - self.before.keys():
            if not UNFINISHED.search(name) and not GOES_ON.search(name):
                yield f"{name} is left"

    def clean_again(self) -> Iterator[str]:
        """What is wrong when the same command is run anew, and where its outputs are."""
        for which in ("before", "after"):
            self.reset(which)
            self._known.clear()
            yield from self.again()
        self._known += [self._first, self._all]

    def unfinished(self) -> list[str]:
        """What lies there that a run which could say its last sentence should have removed."""
        new = self.bench.listing().keys() - self._all.keys() - self.before.keys()
        return sorted(name for name in new if not GOES_ON.search(name))

    def again(self) -> Iterator[str]:
        """Run the same command to its end; what is wrong then. Where nothing has changed, that is known already."""
        if self.bench.listing() in self._known:
            return
        done = self.bench.run(self.step)
        if done.status:
            yield f"run again, it ends with {done.status}: {done.said[-1500:]!r}"
        now = self.bench.listing()
        yield from (
            f"after the second run {name} differs" for name in now | self._all if now.get(name) != self._all.get(name)
        )
