"""Running a network: a number of threads and no gradients, and afterwards torch as it was."""

import contextlib
from collections.abc import Iterator

import torch


@contextlib.contextmanager
def inference(threads: int) -> Iterator[None]:
    """Inside, torch uses `threads` threads and keeps nothing for gradients."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.inference_mode():
            yield
    finally:
        torch.set_num_threads(before)
