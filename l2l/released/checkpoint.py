"""The released program's checkpoint files: read as they are, written so that it can load them back.

- A file is `{config, state_dict, optimizer: {optimizer, n_steps}, epoch}`. Every name in `state_dict` carries the
  prefix `module.`, left by torch's DataParallel; here it is taken off when read and put back when written.
- Our models register their weights in the released order, so an optimizer's numbered states fit without translation.
- Files are written in torch's older format: the released program ran with a torch that knows no other, and every later
  one reads both. Reading never runs anything inside a file (`weights_only`).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from l2l import config
from l2l.errors import UserError
from l2l.files import atomic
from l2l.weights.state_dicts import load_into, read_torch
from l2l.windows.codebook import Codebook
from l2l.windows.predictor import Predictor

PREFIX = "module."
M = TypeVar("M", bound=nn.Module)


@dataclass(frozen=True)
class ReleasedCheckpoint:
    """The content of one file; names of weights without their prefix."""

    weights: dict[str, Tensor]
    config: str = ""  # path of the JSON configuration it was trained with
    optimizer: dict[str, Any] | None = None  # a torch optimizer's state_dict
    steps: int = 0  # optimizer steps taken
    epoch: int = 0


def read_released(path: Path) -> ReleasedCheckpoint:
    """Read one file onto the CPU. Raises UserError naming the file when it is missing or not of this kind."""
    if not path.is_file():
        raise UserError(f"{path} does not exist; give a checkpoint of the released program, a .pth.")
    content = read_torch(path)
    try:
        weights, state = content["state_dict"], content["optimizer"]
        for key in weights:
            if not key.startswith(PREFIX):
                raise UserError(f"{path}: the weight {key!r} lacks the prefix {PREFIX!r} of the released checkpoints.")
        plain = {key.removeprefix(PREFIX): value for key, value in weights.items()}
        return ReleasedCheckpoint(
            plain, str(content["config"]), state["optimizer"], int(state["n_steps"]), int(content["epoch"])
        )
    except (KeyError, TypeError, AttributeError, ValueError):
        raise UserError(f"{path} is not a checkpoint of the released program; give one, a .pth.") from None


def write_released(path: Path, checkpoint: ReleasedCheckpoint) -> None:
    """Write one file that the released program loads."""
    content = {
        "config": checkpoint.config,
        "state_dict": {PREFIX + key: value for key, value in checkpoint.weights.items()},
        "optimizer": {"optimizer": checkpoint.optimizer, "n_steps": checkpoint.steps},
        "epoch": checkpoint.epoch,
    }
    with atomic(path) as partial, open(partial, "wb") as file:
        torch.save(_on_cpu(content), file, _use_new_zipfile_serialization=False)


def _on_cpu(value: Any) -> Any:
    """Nested dicts and lists with every tensor on the CPU, so that a machine without a GPU can read the file."""
    if isinstance(value, dict):
        return {key: _on_cpu(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_on_cpu(inner) for inner in value]
    return value.cpu() if isinstance(value, Tensor) else value


def load_codebook_weights(checkpoint: ReleasedCheckpoint, sizes: config.WindowCodebookSettings, path: Path) -> Codebook:
    """The codebook in eval mode. Raises UserError naming the weight that does not have `sizes`."""
    with torch.device("meta"):  # on no device: nothing is drawn for weights that are replaced
        model = Codebook(sizes)
    return _load(model, checkpoint.weights, path)


def load_predictor_weights(
    checkpoint: ReleasedCheckpoint, sizes: config.WindowPredictorSettings, codes: int, path: Path
) -> Predictor:
    """The predictor in eval mode. Raises UserError naming the weight that does not have `sizes`."""
    with torch.device("meta"):
        model = Predictor(sizes, codes)
    return _load(model, checkpoint.weights, path)


def _load(model: M, weights: dict[str, Tensor], path: Path) -> M:
    model.to_empty(device="cpu")
    load_into(model, weights, path, "this is another network's file, or its configuration is another model's.")
    for key, tensor in model.state_dict().items():
        if weights[key].dtype != tensor.dtype:
            raise UserError(f"{path}: the weight {key!r} is {weights[key].dtype}, expected {tensor.dtype}.")
    return model
