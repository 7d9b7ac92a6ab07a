"""Which rows make a batch, in training and in validation.

- `mixed`: every epoch is a new random order; only a last batch of one is left out.
- `fixed`, as released: batch b is always the same rows. Their order is shuffled, by a generator of its own with a fixed
  seed; rows beyond the last whole batch are never used, and validation leaves them out too. Where the released code
  failed for want of one whole batch, all rows make one smaller batch.
"""

import numpy as np
import torch

ORDER_SEED = 23456  # of the order of fixed batches, as released
HELD = 256  # windows of a mixed validation batch; the result does not depend on it


def mixed_epoch(rows: np.ndarray, size: int, generator: torch.Generator) -> np.ndarray:
    """All rows in a new order."""
    order = rows[torch.randperm(len(rows), generator=generator).numpy()]
    # A batch of one makes BatchNorm's statistics those of a single window; it comes along in a later epoch.
    single = len(order) % size == 1 and len(order) > 1 and size > 1
    return order[:-1] if single else order


def fixed_epoch(rows: np.ndarray, size: int, order: np.random.RandomState) -> np.ndarray:
    """The rows of all whole batches, batch after batch in a new order of batches."""
    count = len(rows) // size
    if not count:
        return rows
    numbers = np.arange(count)
    order.shuffle(numbers)
    return rows[: count * size].reshape(count, size)[numbers].ravel()


def held_out(count: int, batches: str, size: int) -> list[slice]:
    """Batches of `count` held-out rows: all of them, or whole batches of `size` when batches are `fixed`."""
    if batches == "mixed":
        return [slice(start, start + HELD) for start in range(0, count, HELD)]
    return whole_batches(count, size)


def whole_batches(count: int, size: int) -> list[slice]:
    """Batches of exactly `size` rows, without the rest; fewer rows than that make one batch."""
    return [slice(start, start + size) for start in range(0, max(count - size, 0) + 1, size)]
