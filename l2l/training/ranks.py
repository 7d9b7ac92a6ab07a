"""The processes that train one model together: one alone, or those that torchrun or srun started.

- The launcher decides how many; nothing here starts a process. With N of them every step still has ONE batch of
  `batch_size` windows: all draw the same rows and random numbers, and each takes its part. Dropout and noise are each
  process's own (`l2l.training.seeding`).
- The loss is the mean over the whole batch, so a part weighs as much as it has rows, and BatchNorm sees all of them
  (`l2l.training.batchnorm`). N processes therefore train the same model as one, up to rounding.
- Validating, writing and logging is the first process's, the lead's.
- Lightning Fabric joins the processes and shares gradients; a process alone never loads it, and its results stay
  equal to the byte.
"""

import contextlib
import gc
import logging
import os
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from l2l import config
from l2l.errors import ShownError, UserError
from l2l.training.batchnorm import make_global
from l2l.training.state import Task

T = TypeVar("T")


class Launch(NamedTuple):
    """What a launcher tells each of its processes."""

    launcher: str
    size: int  # processes in all
    nodes: int
    local_rank: int  # this one's number on its machine


def launched() -> Launch | None:
    """How this process was started, or None when it is alone.

    Of SLURM only a job STEP counts: in a batch script SLURM_NTASKS says 2 though a plain command runs once.
    """
    found = os.environ
    if "TORCHELASTIC_RUN_ID" in found:
        size, local = int(found["WORLD_SIZE"]), int(found["LOCAL_WORLD_SIZE"])
        launch = Launch("torchrun", size, size // local, int(found["LOCAL_RANK"]))
    elif "SLURM_STEP_NUM_TASKS" in found:
        nodes = int(found.get("SLURM_STEP_NUM_NODES", 1))
        launch = Launch("srun", int(found["SLURM_STEP_NUM_TASKS"]), nodes, int(found["SLURM_LOCALID"]))
    else:
        return None
    return launch if launch.size > 1 else None


class Ranks:
    """This process among those that train together; without `fabric` it is alone, and everything is a plain call."""

    def __init__(self, fabric: Any = None) -> None:
        self._fabric = fabric
        self.size: int = fabric.world_size if fabric else 1
        self.rank: int = fabric.global_rank if fabric else 0

    @property
    def lead(self) -> bool:
        """Whether this process validates, writes and logs."""
        return self.rank == 0

    @contextlib.contextmanager
    def shared(self, task: Task) -> Iterator[None]:
        """Inside, `task.through` makes gradients and BatchNorm those of the whole batch."""
        if not self._fabric:
            yield
            return
        make_global(task.model)
        task.through = self._fabric.setup_module(task.model)
        try:
            yield
        finally:
            # DDP has to go before its process group: the last one to let go of a group waits for its threads, and DDP
            # does so without letting those run (torch 2.13 with gloo then hangs, about once in ten times).
            task.through = task.model
            gc.collect()

    def part(self, count: int) -> tuple[slice, float]:
        """This process's rows of a batch of `count`, and their share of the batch's mean.

        A batch with fewer rows than processes is computed whole by all of them: the same mean, if dearer. Only the
        running variance of BatchNorm, which counts each row `size` times then, is slightly smaller.
        """
        if count < self.size:
            return slice(None), 1 / self.size
        start, end = (count * rank // self.size for rank in (self.rank, self.rank + 1))
        return slice(start, end), (end - start) / count

    def backward(self, loss: Tensor, share: float) -> None:
        """Gradients of the whole batch's mean, given this part's."""
        if self._fabric:
            self._fabric.backward(loss * (share * self.size))  # DDP takes the mean over processes
        else:
            loss.backward()

    def total(self, value: Tensor) -> Tensor:
        """The sum over all processes."""
        if self._fabric:
            value = value.clone()
            dist.all_reduce(value)
        return value

    def largest(self, value: int) -> int:
        """The largest over all processes."""
        if not self._fabric:
            return value
        numbers = torch.tensor([value], device=self._fabric.device)
        dist.all_reduce(numbers, dist.ReduceOp.MAX)
        return int(numbers)

    def on_lead(self, call: Callable[[], T]) -> T:
        """What `call()` returns in the lead, in every process; its ShownError is everyone's too."""
        if not self._fabric:
            return call()
        result, failure = None, None
        if self.lead:
            try:
                result = call()
            except ShownError as error:
                failure = type(error), str(error)
        result, failure = self._fabric.broadcast((result, failure))
        if failure is not None:
            raise failure[0](failure[1])
        return result  # type: ignore[return-value]


@contextlib.contextmanager
def joined(training: config.TrainingSettings) -> Iterator[Ranks]:
    """Meet the other processes of the launcher, if there are any. Raises UserError when they do not fit."""
    launch = launched()
    if launch is None:
        yield Ranks()
        return
    if training.batch_size < launch.size:
        raise UserError(
            f"training.batch_size {training.batch_size} cannot be split over {launch.size} processes; start fewer, or "
            "raise it."
        )
    ranks = Ranks(_fabric(launch, training))
    if not ranks.lead:
        logging.getLogger("l2l").setLevel(logging.WARNING)
    try:
        yield ranks
    finally:
        dist.destroy_process_group()


def _fabric(launch: Launch, training: config.TrainingSettings) -> Any:
    from lightning_fabric import Fabric
    from lightning_fabric.plugins.environments import SLURMEnvironment, TorchElasticEnvironment
    from lightning_fabric.strategies import DDPStrategy

    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    cuda = training.device != "cpu" and torch.cuda.is_available()
    local = launch.size // launch.nodes
    if cuda and torch.cuda.device_count() < local:
        raise UserError(
            f"{launch.launcher} started {local} processes on this machine, which see {torch.cuda.device_count()} "
            "GPU(s); give each node as many GPUs as processes, visible to all of them (--gres=gpu:N)."
        )
    # Weights that a batch does not use keep no gradient, as alone; BatchNorm's numbers are equal everywhere already.
    strategy = DDPStrategy(find_unused_parameters=True, forward_sync_buffers=False)
    environment = TorchElasticEnvironment() if launch.launcher == "torchrun" else SLURMEnvironment(auto_requeue=False)
    try:
        fabric = Fabric(
            accelerator="cuda" if cuda else "cpu",
            devices=local,
            num_nodes=launch.nodes,
            strategy=strategy,
            plugins=[environment],
        )
        fabric.launch()
    except (ValueError, RuntimeError) as error:
        raise UserError(f"the {launch.size} processes of {launch.launcher} do not meet: {error}") from None
    return fabric
