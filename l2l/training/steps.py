"""One step of a training: forward, backward, clipping, optimizer. On a GPU it is recorded once and then replayed.

- A small model's step is hundreds of short kernels, and Python takes longer to start them than the GPU to run them. A
  recording (CUDA graph) starts all of them at once. What a step learns from is copied to where the recording reads it.
- There is a recording for each kind and shape of batch, made when a kind comes for the fourth time; steps before that
  run as ever, so recording changes no weight and draws no number. All recordings share their memory.
- What cannot be recorded runs as ever, and one line says so. So does everything on a processor, and among several
  processes, which exchange gradients within a step.
"""

import contextlib
import logging
from collections import Counter
from collections.abc import Hashable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from l2l.training.ranks import Ranks
from l2l.training.seeding import seeded
from l2l.training.state import Batch, Task

log = logging.getLogger(__name__)

RUNS = 3  # of a kind of batch before it is recorded: kernels have been chosen and the optimizer has its memory
MOST = 8  # recordings; kinds beyond run as ever


class Recording(NamedTuple):
    """A step that can be replayed."""

    graph: torch.cuda.CUDAGraph
    tensors: tuple[Tensor, ...]  # what it learns from
    loss: Tensor


class Steps:
    """The steps of one training."""

    def __init__(self, task: Task, optimizer: Optimizer, clip: float, ranks: Ranks, replay: bool) -> None:
        """clip: the largest norm of gradients, 0: any. replay: record steps, where that is possible."""
        self._task, self._optimizer, self._clip, self._ranks = task, optimizer, clip, ranks
        self.device = next(task.model.parameters()).device
        self._replays = replay and ranks.size == 1 and self.device.type == "cuda"
        self._stream = torch.cuda.Stream(self.device) if self._replays else None
        self._runs: Counter[Hashable] = Counter()
        self._recordings: dict[Hashable, Recording] = {}
        self._prepare_optimizer()

    def _prepare_optimizer(self) -> None:
        """A recording reads no numbers of Python or of the processor; a resumed training may have been elsewhere."""
        for group in self._optimizer.param_groups:
            rate = float(group["lr"])
            group["lr"] = torch.tensor(rate, device=self.device) if self._replays else rate
            if "capturable" in group:
                group["capturable"] = self._replays
        for state in self._optimizer.state.values():
            if "step" in state and (self._replays or self.device.type == "cpu"):
                state["step"] = torch.as_tensor(state["step"], device=self.device)

    def rate(self, rate: float) -> None:
        """The learning rate of the next step."""
        for group in self._optimizer.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate

    @contextlib.contextmanager
    def on_stream(self) -> Iterator[None]:
        """Inside, all work of a GPU is queued where steps can be recorded."""
        if self._stream is None:
            yield
            return
        before = torch.cuda.current_stream(self.device)
        self._stream.wait_stream(before)
        with torch.cuda.stream(self._stream):
            yield
        before.wait_stream(self._stream)

    def __call__(self, batch: Batch, share: float = 1.0) -> Tensor:
        """Learn from this process's `share` of a batch; the loss (), which the next step may overwrite."""
        recording = self._recording(batch) if self._replays and batch.steady else None
        with seeded(batch.seed, self.device):
            if recording is None:
                return self._run(tuple(self._here(tensor) for tensor in batch.tensors), batch.kind, share)
            for place, tensor in zip(recording.tensors, batch.tensors, strict=True):
                place.copy_(self._lent(tensor), non_blocking=True)
            recording.graph.replay()
            return recording.loss

    def _recording(self, batch: Batch) -> Recording | None:
        """That of the batch's kind and shape, made when it is time to."""
        key = (batch.kind, *((tensor.shape, tensor.dtype) for tensor in batch.tensors))
        self._runs[key] += 1
        if self._runs[key] > RUNS and key not in self._recordings and len(self._recordings) < MOST:
            self._record(key, batch)
        return self._recordings.get(key)

    def _run(self, tensors: tuple[Tensor, ...], kind: Hashable, share: float) -> Tensor:
        self._optimizer.zero_grad(set_to_none=True)
        loss = self._task.loss(tensors, kind)
        self._ranks.backward(loss, share)
        if self._clip:
            nn.utils.clip_grad_norm_(self._task.model.parameters(), self._clip)
        self._optimizer.step()
        return loss.detach()

    def _lent(self, tensor: Tensor) -> Tensor:
        """In memory from which a GPU copies by itself."""
        return tensor.pin_memory() if self.device.type == "cuda" and tensor.device.type == "cpu" else tensor

    def _here(self, tensor: Tensor) -> Tensor:
        return self._lent(tensor).to(self.device, non_blocking=True)

    def _record(self, key: Hashable, batch: Batch) -> None:
        tensors = tuple(self._here(tensor).clone() for tensor in batch.tensors)
        graph = torch.cuda.CUDAGraph()
        pool = next(iter(self._recordings.values())).graph.pool() if self._recordings else None
        stream = torch.cuda.current_stream(self.device)
        try:
            with torch.cuda.graph(graph, pool=pool, stream=stream, capture_error_mode="thread_local"):
                loss = self._run(tensors, batch.kind, 1.0)
        except RuntimeError as error:
            self._replays = False
            log.info("steps are not recorded on this GPU (%s); training is slower", str(error).splitlines()[0])
            return
        self._recordings[key] = Recording(graph, tensors, loss)
