"""Random draws that torch takes from its global generator: first weights, dropout, restarts of dead codes.

No resume file knows the global generator. It is seeded for one call, so that the call gives the same numbers whenever
it is made, and afterwards it is as it was.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import TypeVar

import torch
from torch import nn

M = TypeVar("M", bound=nn.Module)


@contextlib.contextmanager
def seeded(generator: torch.Generator) -> Iterator[None]:
    """Inside, torch's global generators are seeded by one draw from `generator`."""
    seed = int(torch.randint(0, 2**62, (), generator=generator))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


def seeded_model(build: Callable[[], M], seed: int, device: torch.device) -> M:
    """The model that `build` makes, its first weights drawn from `seed`, on `device`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build().to(device)
