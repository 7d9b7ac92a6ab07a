"""Where the models run and how many CPU threads they take."""

import torch

from l2l import config
from l2l.errors import UserError
from l2l.training.ranks import launched


def prepare(training: config.TrainingSettings) -> torch.device:
    """The device of `training`, with torch's CPU threads set; of several processes each takes a GPU of its own.

    Raises UserError when there is no such device.
    """
    if training.threads:
        torch.set_num_threads(training.threads)
    if training.device == "cuda" and not torch.cuda.is_available():
        raise UserError("training.device is cuda, but torch finds no GPU; set it to auto or cpu.")
    if training.device == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")
    launch = launched()
    return torch.device("cuda", launch.local_rank) if launch else torch.device("cuda")
