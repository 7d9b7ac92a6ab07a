"""Running a network: on which device, with how many threads."""

import contextlib
from collections.abc import Iterator

import torch
from threadpoolctl import threadpool_limits

from l2l.errors import SetupError


def torch_device(choice: str, key: str) -> torch.device:
    """The device for `choice` (auto, cpu or cuda), the value of setting `key`; auto takes a GPU when there is one.

    Raises SetupError when cuda is chosen and there is no GPU.
    """
    found = torch.cuda.is_available()
    if choice == "cuda" and not found:
        raise SetupError(f"{key} is cuda, but torch finds no GPU; set it to auto or cpu.")
    return torch.device("cuda" if found and choice != "cpu" else "cpu")


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Inside, torch and matrix products use one thread: sums depend on how many there are."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(before)


@contextlib.contextmanager
def inference(threads: int) -> Iterator[None]:
    """Inside, torch uses `threads` threads and keeps nothing for gradients; afterwards it is as it was."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.inference_mode():
            yield
    finally:
        torch.set_num_threads(before)
