"""Where the models run and how many CPU threads they take."""

import torch

from l2l import config
from l2l.errors import UserError


def prepare(training: config.Training) -> torch.device:
    """The device of `training`, with torch's CPU threads set. Raises UserError when there is no such device."""
    if training.threads:
        torch.set_num_threads(training.threads)
    if training.device == "cuda" and not torch.cuda.is_available():
        raise UserError("training.device is cuda, but torch finds no GPU; set it to auto or cpu.")
    name = "cuda" if training.device != "cpu" and torch.cuda.is_available() else "cpu"
    return torch.device(name)
