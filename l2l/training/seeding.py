"""Random draws that torch takes from its global generators: first weights, dropout, noise, restarts of dead codes.

No resume file knows the global generators. They are seeded for one call, so that the call gives the same numbers
whenever it is made, and afterwards they are as they were. Of several GPUs only the one in use is touched.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import TypeVar

import torch
from torch import nn

M = TypeVar("M", bound=nn.Module)


def draw_seed(generator: torch.Generator, part: slice = slice(None)) -> int:
    """A seed by one draw from `generator`; `part` is the process's part of a batch: each part has a seed of its own."""
    return int(torch.randint(0, 2**62, (), generator=generator)) + (part.start or 0)


def seeded_model(build: Callable[[], M], seed: int, device: torch.device) -> M:
    """The model that `build` makes, its first weights drawn from `seed` on the CPU, on `device`."""
    with seeded(seed, torch.device("cpu")):
        return build().to(device)


@contextlib.contextmanager
def seeded(seed: int | None, device: torch.device) -> Iterator[None]:
    """Inside, the global generators of the CPU and of `device` begin at `seed`; None leaves them alone."""
    if seed is None:
        yield
        return
    gpus = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=gpus):
        torch.default_generator.manual_seed(seed)
        for gpu in gpus:
            with torch.cuda.device(gpu):
                torch.cuda.manual_seed(seed)
        yield
