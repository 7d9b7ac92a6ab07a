"""One training of one output: its processes, its lock, and how it stops and goes on.

- Every `training.checkpoint_minutes`, and when a signal asks to stop, the state goes to a file beside the output
  (`l2l.training.resume`). SIGTERM (time limits, preemption), SIGUSR1 and SIGURG (`sbatch --signal`) and SIGINT (Ctrl-C)
  let the step under way finish first. A second signal ends the process as ever.
- When the output is written, the file is deleted: what is finished is not resumed.
"""

import contextlib
import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import torch

from l2l import config
from l2l.errors import Stopped
from l2l.training import resume
from l2l.training.lock import locked
from l2l.training.ranks import Ranks, joined
from l2l.training.state import Task, TrainingState

log = logging.getLogger(__name__)

SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGURG, signal.SIGINT)
GO_ON, WRITE, STOP = range(3)
AGREE_EVERY = 8  # steps; asking all processes costs a GPU its lead over the CPU


class Session:
    """Without an output nothing is written, nothing is locked and signals do what they always do."""

    def __init__(self, out: Path | None = None, minutes: float = 0, ranks: Ranks | None = None) -> None:
        self.ranks = ranks or Ranks()
        self.path = hidden(out, "resume") if out else None
        self.run = ""  # which run this is, see `resume.identity`
        self._minutes = minutes
        self._written = time.monotonic()
        self._signal: signal.Signals | None = None

    def resume(self, task: Task, state: TrainingState) -> None:
        """Go on from the file of this run, if there is one."""
        path, run = self.path, self.run
        content = self.ranks.on_lead(lambda: resume.read(path, run)) if path else None
        if content is None:
            return
        resume.restore(content, task, state)
        if not self.ranks.lead:
            state.running = torch.zeros_like(state.running)  # the lead has the sum of all
        log.info("going on after step %d, from %s", state.total, self.path)

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Signals are remembered for `pause` inside this block; elsewhere there is nothing to save."""
        if not self.path or threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._remember) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _remember(self, number: int, frame: FrameType | None) -> None:
        self._signal = signal.Signals(number)
        for each in SIGNALS:  # the next one is not remembered, it ends
            signal.signal(each, signal.SIG_DFL)

    def pause(self, task: Task, state: TrainingState) -> None:
        """After a step: write the file when it is time to. Raises Stopped when a process got a signal."""
        if not self.path or (self.ranks.size > 1 and state.step % AGREE_EVERY):
            return
        due = self._minutes and time.monotonic() - self._written >= 60 * self._minutes
        wish = self.ranks.largest(STOP if self._signal else WRITE if due else GO_ON)
        if wish == GO_ON:
            return
        running = self.ranks.total(state.running)
        state.running = running if self.ranks.lead else torch.zeros_like(running)
        if self.ranks.lead:
            resume.save(self.path, self.run, task, state)
        self._written = time.monotonic()
        if wish == STOP:
            reason = self._signal.name if self._signal else "a signal to another process"
            raise Stopped(
                f"stopped after step {state.total} by {reason}; run the same command again to go on from {self.path}."
            )

    def finish(self, write: Callable[[], Any] | None = None) -> None:
        """Let the lead write the output, which ends the need to resume."""

        def close() -> None:
            if write:
                write()
            if self.path:
                self.path.unlink(missing_ok=True)

        self.ranks.on_lead(close)


def hidden(out: Path, purpose: str) -> Path:
    """The file beside `out` for this purpose: results/x/codebook.pt -> results/x/.codebook.resume.pt."""
    return out.with_name(f".{out.stem}.{purpose}{out.suffix}")


@contextlib.contextmanager
def session(out: Path, training: config.TrainingSettings) -> Iterator[Session]:
    """Train `out` with the launcher's other processes and with nobody else. Raises UserError when it is locked."""
    with joined(training) as ranks, contextlib.ExitStack() as stack:
        ranks.on_lead(lambda: stack.enter_context(locked(hidden(out, "lock"))))
        yield Session(out, training.checkpoint_minutes, ranks)
