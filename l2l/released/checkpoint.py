"""The released program's checkpoint files: read as they are, written so that it can load them back.

- A file is `{config, state_dict, optimizer: {optimizer, n_steps}, epoch}`. Every name in `state_dict` carries the
  prefix `module.`, left by torch's DataParallel; here it is taken off when read and put back when written.
- Our models register their weights in the released order, so an optimizer's numbered states fit without translation.
- Files are written in torch's older format: the released program ran with a torch that knows no other, and every later
  one reads both. Reading never runs anything inside a file (`weights_only`).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from l2l import config
from l2l.errors import UserError
from l2l.files import atomic
from l2l.windows.codebook import Codebook
from l2l.windows.predictor import Predictor

PREFIX = "module."


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
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise UserError(f"{path} does not exist; give a checkpoint of the released program.") from None
    except Exception:  # what the unpickler raises for a file that is no checkpoint has no common type
        raise UserError(f"{path} is not a checkpoint that can be read; fetch it again.") from None
    try:
        weights, state = content["state_dict"], content["optimizer"]
        stripped = {_strip(key, path): value for key, value in weights.items()}
        return ReleasedCheckpoint(
            stripped, str(content["config"]), state["optimizer"], int(state["n_steps"]), int(content["epoch"])
        )
    except (KeyError, TypeError, AttributeError, ValueError):
        raise UserError(
            f"{path} is no checkpoint of the released program, which holds config, state_dict, optimizer and epoch."
        ) from None


def _strip(key: str, path: Path) -> str:
    if not key.startswith(PREFIX):
        raise UserError(f"{path}: the weight {key!r} lacks the prefix {PREFIX!r} of the released checkpoints.")
    return key.removeprefix(PREFIX)


def write_released(path: Path, checkpoint: ReleasedCheckpoint) -> None:
    """Write one file that the released program loads."""
    content = {
        "config": checkpoint.config,
        "state_dict": {PREFIX + key: value.cpu() for key, value in checkpoint.weights.items()},
        "optimizer": {"optimizer": _on_cpu(checkpoint.optimizer), "n_steps": checkpoint.steps},
        "epoch": checkpoint.epoch,
    }
    with atomic(path) as partial, open(partial, "wb") as file:
        torch.save(content, file, _use_new_zipfile_serialization=False)


def _on_cpu(value: Any) -> Any:
    """Nested dicts and lists with every tensor on the CPU, so that a machine without a GPU can read the file."""
    if isinstance(value, dict):
        return {key: _on_cpu(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_on_cpu(inner) for inner in value]
    return value.cpu() if isinstance(value, Tensor) else value


def _size(weights: dict[str, Tensor], key: str, axis: int, path: Path) -> int:
    try:
        return weights[key].shape[axis]
    except (KeyError, IndexError):
        raise UserError(f"{path}: the weight {key!r} is missing; this is another kind of checkpoint.") from None


def _layers(weights: dict[str, Tensor], prefix: str) -> int:
    """Layers of a transformer, each of which is two entries of its list."""
    return len({key.split(".")[prefix.count(".") + 1] for key in weights if key.startswith(prefix + ".")}) // 2


def load_codebook_weights(checkpoint: ReleasedCheckpoint, sizes: config.WindowCodebookSettings, path: Path) -> Codebook:
    """The codebook in eval mode. Raises UserError naming the size or weight that `sizes` does not have."""
    weights, layer = checkpoint.weights, "encoder.encoder_transformer.net"
    found = {
        "codes (n_embed)": (sizes.codes, _size(weights, "quantize.embedding.weight", 0, path)),
        "hidden_size (zquant_dim)": (sizes.hidden_size, _size(weights, "quantize.embedding.weight", 1, path)),
        "layers (num_hidden_layers)": (sizes.layers, _layers(weights, layer)),
        "feedforward_size (intermediate_size)": (
            sizes.feedforward_size,
            _size(weights, f"{layer}.1.fn.fn.l1.weight", 0, path),
        ),
    }
    return _load(Codebook, (sizes,), weights, found, path)


def load_predictor_weights(
    checkpoint: ReleasedCheckpoint, sizes: config.WindowPredictorSettings, codes: int, path: Path
) -> Predictor:
    """The predictor in eval mode. Raises UserError naming the size or weight that `sizes` does not have."""
    weights, layer = checkpoint.weights, "cross_modal_layer.transformer_layer.net"
    found = {
        "codes (in_dim of the past)": (codes, _size(weights, "listener_past_tok_embedding.weight", 0, path)),
        "hidden_size": (sizes.hidden_size, _size(weights, "listener_past_tok_embedding.weight", 1, path)),
        "layers (num_hidden_layers)": (sizes.layers, _layers(weights, layer)),
        "cross_layers": (sizes.cross_layers, _layers(weights, "cm_transformer.net")),
        "feedforward_size (intermediate_size)": (
            sizes.feedforward_size,
            _size(weights, f"{layer}.1.fn.fn.l1.weight", 0, path),
        ),
    }
    return _load(Predictor, (sizes, codes), weights, found, path)


def _load(
    model_type: type, arguments: tuple, weights: dict[str, Tensor], found: dict[str, tuple[int, int]], path: Path
) -> Any:
    for name, (wanted, stored) in found.items():
        if wanted != stored:
            raise UserError(f"{path}: {name} is {stored} in the weights, but {wanted} in the configuration.")
    with torch.device("meta"):
        model = model_type(*arguments)
    expected = model.state_dict()
    for key in expected.keys() ^ weights.keys():
        raise UserError(f"{path}: the weight {key!r} is {'missing' if key in expected else 'not known'}.")
    for key, tensor in expected.items():
        if tensor.shape != weights[key].shape or tensor.dtype != weights[key].dtype:
            raise UserError(
                f"{path}: the weight {key!r} is {weights[key].dtype} {tuple(weights[key].shape)}, "
                f"expected {tensor.dtype} {tuple(tensor.shape)}."
            )
    model.load_state_dict(weights, assign=True)
    return model.eval().requires_grad_(False)
