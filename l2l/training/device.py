"""Where a model is trained or sampled, and with how many CPU threads."""

import torch

from l2l import config
from l2l.inference import torch_device
from l2l.training.ranks import launched


def prepare(training: config.TrainingSettings) -> torch.device:
    """The device of `training`, with torch's CPU threads set. Raises UserError when there is no such device."""
    if training.threads:
        torch.set_num_threads(training.threads)
    return device_of(training)


def device_of(training: config.TrainingSettings) -> torch.device:
    """The device of `training`; each of several processes takes a GPU of its own.

    Raises UserError when there is no such device.
    """
    device, launch = torch_device(training.device, "training.device"), launched()
    return torch.device("cuda", launch.local_rank) if launch and device.type == "cuda" else device
