"""Our checkpoints: tensors and plain values in one file, written whole and read without running anything in it.

- A checkpoint holds all that its model needs: architecture, sizes, weights, the numbers that its inputs are
  standardized by, and where it came from.
- A predictor predicts the codes of ONE codebook. It carries that codebook's fingerprint, which is compared whenever the
  two are loaded together.
"""

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import nn

from l2l.errors import UserError
from l2l.features.standardize import Standardizer
from l2l.files import atomic
from l2l.tensors import load_tensors

M = TypeVar("M", bound=nn.Module)
FORMAT = 1

Meta = dict[str, Any]  # a checkpoint without its weights and standardizers


def fingerprint(state_dict: dict[str, torch.Tensor]) -> str:
    """sha256 over names, types, shapes and bytes of the weights."""
    digest = hashlib.sha256()
    for key, value in state_dict.items():
        array = np.ascontiguousarray(value.cpu().numpy())
        digest.update(f"{key} {array.dtype.str} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def save_checkpoint(path: Path, standardizers: dict[str, Standardizer], **content: Any) -> None:
    """Write one checkpoint; `content` holds tensors and plain values only. The same content gives the same bytes."""
    tensors = {
        name: {key: torch.from_numpy(array) for key, array in standardizer.to_dict().items()}
        for name, standardizer in standardizers.items()
    }
    smoothing: dict[str, str] = {name: standardizer.smoothing for name, standardizer in standardizers.items()}
    # Through an open file: given a path, torch would write the temporary file's random name into the archive.
    with atomic(path) as partial, open(partial, "wb") as file:
        torch.save(_interned({"format": FORMAT, **content, "standardizer": tensors, "smoothing": smoothing}), file)


def _interned(value: Any) -> Any:
    """Equal strings made one object: a pickle writes an object it has seen as a reference, an equal one in full."""
    if isinstance(value, dict):
        return {_interned(key): _interned(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_interned(inner) for inner in value)
    return sys.intern(value) if type(value) is str else value


def read_checkpoint(path: Path, kind: str, architecture: str | None = None) -> dict[str, Any]:
    """The content of a checkpoint of `kind`, codebook or predictor.

    Raises UserError when it is missing, unreadable, of another kind, or of another architecture than the one given.
    """
    try:
        content = load_tensors(path)
    except FileNotFoundError:
        raise UserError(f"{path} does not exist; make it with `l2l train-{kind}` or the workflow.") from None
    except ValueError:
        raise UserError(f"{path} is not a checkpoint that can be read; train the {kind} again.") from None
    if not isinstance(content, dict) or content.get("kind") != kind:
        raise UserError(f"{path} is not a {kind} checkpoint of l2l; give the file that `l2l train-{kind}` wrote.")
    if content.get("format") != FORMAT:
        raise UserError(f"{path} has format {content.get('format')}, this l2l reads {FORMAT}; train the {kind} again.")
    found = content.get("architecture")
    if not found:
        raise UserError(f"{path} does not say its architecture: an older l2l wrote it; train the {kind} again.")
    if architecture and found != architecture:
        raise UserError(
            f"{path} is a {kind} of architecture {found}, but one of architecture {architecture} is needed; train the "
            f"{kind} again, or change architecture in config.yaml."
        )
    return content


def load_model(
    path: Path,
    kind: str,
    architecture: str,
    build: Callable[[dict[str, Any]], M],
    codebook: tuple[Path, Meta] | None = None,
) -> tuple[M, dict[str, Standardizer], Meta]:
    """A model on the CPU, in eval mode and without gradients, the standardizers of its inputs, and the rest.

    `build` makes the model from the checkpoint's content, before its weights are loaded. `codebook` is the one that a
    predictor must have been trained with. The rest holds the `fingerprint` of the weights, too. Raises UserError naming
    the file and what is wrong with it.
    """
    content = read_checkpoint(path, kind, architecture)
    try:
        model, weights = build(content), content.pop("state_dict")
    except (KeyError, ValueError):  # of the settings, too
        raise UserError(f"{path}: the {kind}'s sizes cannot be read; train the {kind} again.") from None
    if codebook and "codebook_fingerprint" not in content:
        raise UserError(f"{path} does not say which codebook it was trained with; train the predictor again.")
    if codebook and content["codebook_fingerprint"] != codebook[1]["fingerprint"]:
        raise UserError(
            f"{path} was trained with another codebook than {codebook[0]}, so its codes would mean something else; "
            "give the codebook it was trained with, or train the predictor again."
        )
    content["fingerprint"] = fingerprint(weights)
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise UserError(f"{path}: weights and sizes disagree ({str(error).splitlines()[0]}); train again.") from None
    return model.eval().requires_grad_(False), pop_standardizers(content, path), content


def pop_standardizers(content: dict[str, Any], path: Path) -> dict[str, Standardizer]:
    """Move the standardizers out of `content`. Raises UserError when the file does not have them."""
    try:
        stored, smoothing = content.pop("standardizer"), content.pop("smoothing")
        return {
            name: Standardizer.from_dict({key: value.numpy() for key, value in arrays.items()}, smoothing[name])
            for name, arrays in stored.items()
        }
    except KeyError as error:
        raise UserError(f"{path}: {error} is missing; train again.") from None
