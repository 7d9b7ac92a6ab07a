"""The released program's checkpoint files: read as they are, written so that it can load them back.

- A file is `{config, state_dict, optimizer: {optimizer, n_steps}, epoch}`. Every name in `state_dict` carries the
  prefix `module.`, left by torch's DataParallel; here it is taken off when read and put back when written.
- Our models register their weights in the released order, so an optimizer's numbered states fit without translation.
- Files are written in torch's older format: the released program ran with a torch that knows no other, and every later
  one reads both. Reading never runs anything inside a file (`weights_only`).
"""

from collections.abc import Callable
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
Sizes = dict[str, tuple[str, str, int | None]]
# Size of ours: the key of the JSON, and the weight whose axis has it; of a layer's list, two entries are one layer.
_CODEBOOK_SIZES: Sizes = {
    "codes": ("n_embed", "quantize.embedding.weight", 0),
    "hidden_size": ("zquant_dim", "quantize.embedding.weight", 1),
    "layers": ("num_hidden_layers", "encoder.encoder_transformer.net", None),
    "feedforward_size": ("intermediate_size", "encoder.encoder_transformer.net.1.fn.fn.l1.weight", 0),
}
_PREDICTOR_SIZES: Sizes = {
    "codes": ("in_dim of the past", "listener_past_tok_embedding.weight", 0),
    "hidden_size": ("hidden_size", "listener_past_tok_embedding.weight", 1),
    "layers": ("num_hidden_layers", "cross_modal_layer.transformer_layer.net", None),
    "cross_layers": ("fixed", "cm_transformer.net", None),
    "feedforward_size": ("intermediate_size", "cross_modal_layer.transformer_layer.net.1.fn.fn.l1.weight", 0),
}


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
            if not isinstance(weights[key], Tensor):
                raise UserError(f"{path}: the weight {key!r} is no tensor; give a checkpoint of the released program.")
        plain = {key.removeprefix(PREFIX): value for key, value in weights.items()}
        return ReleasedCheckpoint(
            plain, str(content["config"]), state["optimizer"], int(state["n_steps"]), int(content["epoch"])
        )
    except (KeyError, TypeError, AttributeError, ValueError):
        raise UserError(
            f"{path} is not a checkpoint of the released program, which holds config, state_dict, optimizer and epoch."
        ) from None


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
    """The codebook in eval mode. Raises UserError naming the size or weight that `sizes` does not have."""
    return _load(lambda: Codebook(sizes), _CODEBOOK_SIZES, sizes.model_dump(), checkpoint.weights, path)


def load_predictor_weights(
    checkpoint: ReleasedCheckpoint, sizes: config.WindowPredictorSettings, codes: int, path: Path
) -> Predictor:
    """The predictor in eval mode. Raises UserError naming the size or weight that `sizes` does not have."""
    values = {**sizes.model_dump(), "codes": codes}
    return _load(lambda: Predictor(sizes, codes), _PREDICTOR_SIZES, values, checkpoint.weights, path)


def _load(build: Callable[[], M], table: Sizes, sizes: dict[str, Any], weights: dict[str, Tensor], path: Path) -> M:
    for size, (key, name, axis) in table.items():  # first, in the words of the configuration
        if axis is None:
            found = len({k.removeprefix(f"{name}.").split(".")[0] for k in weights if k.startswith(f"{name}.")}) // 2
        elif name in weights and weights[name].ndim > axis:
            found = weights[name].shape[axis]
        else:
            raise UserError(f"{path}: the weight {name!r} is missing; this is another kind of checkpoint.")
        if found != sizes[size]:
            raise UserError(f"{path}: {size} ({key}) is {found} in the weights, {sizes[size]} in the configuration.")
    with torch.device("meta"):
        model = build()
    for key, tensor in model.state_dict().items():
        if (kind := weights[key].dtype if key in weights else "missing") != tensor.dtype:
            raise UserError(f"{path}: the weight {key!r} is {kind}, expected {tensor.dtype}.")
    model.to_empty(device="cpu")  # built on no device: nothing is drawn for weights that are replaced
    load_into(model, weights, path)
    return model
