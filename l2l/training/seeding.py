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


@contextlib.contextmanager
def seeded(generator: torch.Generator, device: torch.device, part: slice = slice(None)) -> Iterator[None]:
    """Inside, the global generators of the CPU and of `device` are seeded by one draw from `generator`.

    `part` is the process's part of a batch: each part has numbers of its own.
    """
    seed = int(torch.randint(0, 2**62, (), generator=generator)) + (part.start or 0)
    with _forked(seed, device):
        yield


def seeded_model(build: Callable[[], M], seed: int, device: torch.device) -> M:
    """The model that `build` makes, its first weights drawn from `seed` on the CPU, on `device`."""
    with _forked(seed, torch.device("cpu")):
        return build().to(device)


@contextlib.contextmanager
def _forked(seed: int, device: torch.device) -> Iterator[None]:
    gpus = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=gpus):
        torch.default_generator.manual_seed(seed)
        for gpu in gpus:
            with torch.cuda.device(gpu):
                torch.cuda.manual_seed(seed)
        yield
