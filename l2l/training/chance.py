"""Chance inside a model, as dropout and the revival of dead codes, from the loop's generator.

Such modules draw from torch's global generator, which no resume file knows. Seeding it from the loop's, for one step,
makes a step the same whenever it is computed; afterwards the global one is as it was.
"""

import contextlib
from collections.abc import Iterator

import torch


@contextlib.contextmanager
def seeded(generator: torch.Generator) -> Iterator[None]:
    """Inside, torch's global generators are seeded by one draw from `generator`."""
    seed = int(torch.randint(0, 2**62, (), generator=generator))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield
