"""Weights that others publish: read without running anything in the file, and only into the network they fit.

- torch's files go through its restricted unpickler (`weights_only`): a class or a command in the file is refused.
- Every name and shape must be the network's. Only `num_batches_tracked` may be missing: files older than torch 0.4.1
  have none, and inference does not use it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from torch import Tensor, nn

from l2l.errors import SetupError
from l2l.tensors import load_tensors
from l2l.weights import catalogue

_COUNTER = "num_batches_tracked"
Model = TypeVar("Model", bound=nn.Module)


def read_torch(path: Path) -> Any:
    """The content of a torch file, on the CPU. Raises UserError when it is missing, cut off or holds more than data."""
    try:
        return load_tensors(path)
    except FileNotFoundError:
        raise SetupError(f"{path} does not exist; `l2l weights` says how to get such files.") from None
    except ValueError:
        raise SetupError(
            f"{path} is cut off, or holds something else than tensors and plain values; nothing in it was run. "
            "Get the file again from its publisher."
        ) from None


def load_published(model: Model, entry: str, file: str) -> Model:
    """`model` with the weights of a file in the catalogue. Raises UserError when it is missing or another network's."""
    path = catalogue.find(entry, file)
    load_into(model, read_torch(path), path)
    return model


def load_into(model: nn.Module, weights: Any, path: Path, another: str = "this is another network's file.") -> None:
    """Put `weights` (names to tensors) into `model`, in inference mode. Raises UserError naming what does not fit.

    `another` says why a name or shape may be wrong.
    """
    if not isinstance(weights, Mapping) or not all(isinstance(value, Tensor) for value in weights.values()):
        raise SetupError(f"{path} is not a list of named weights; give the file that its publisher names.")
    wanted, network = model.state_dict(), type(model).__name__
    for name in dict.fromkeys([*wanted, *weights]):
        if name not in wanted:
            raise SetupError(f"{path}: {network} has no weight {name!r}; {another}")
        if name in weights and (found := tuple(weights[name].shape)) != tuple(wanted[name].shape):
            needed = tuple(wanted[name].shape)
            raise SetupError(f"{path}: the weight {name!r} has shape {found}, {network} needs {needed}; {another}")
        if name not in weights and not name.endswith(_COUNTER):
            raise SetupError(f"{path}: the weight {name!r} of {network} is missing; {another}")
    model.load_state_dict(dict(weights), strict=False)
    model.eval().requires_grad_(False)
