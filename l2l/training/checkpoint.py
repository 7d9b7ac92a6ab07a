"""Our checkpoints: tensors and plain values in one file, written whole, read without running anything in it.

- A checkpoint holds all that its model needs: sizes, weights, the numbers it standardizes by, and where it came from.
- A predictor speaks in the codes of ONE codebook, so it carries that codebook's fingerprint, and the two are checked
  whenever they are loaded together.
"""

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch
from pydantic import ValidationError
from torch import nn

from l2l import config
from l2l.errors import UserError
from l2l.features.standardize import Standardizer
from l2l.files import atomic
from l2l.windows.codebook import Codebook
from l2l.windows.predictor import Predictor

C = TypeVar("C", bound=nn.Module)
FORMAT = 1

Meta = dict[str, Any]  # the checkpoint without its weights and standardizers


class Pair(NamedTuple):
    """A predictor with the codebook it belongs to, in eval mode, and what each input is standardized by."""

    codebook: Codebook
    predictor: Predictor
    listener: Standardizer
    speaker: Standardizer
    audio: Standardizer


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
    # Through an open file: given a path, torch would write the temporary file's random name into the archive.
    with atomic(path) as partial, open(partial, "wb") as file:
        smoothing: dict[str, str] = {name: standardizer.smoothing for name, standardizer in standardizers.items()}
        torch.save(_interned({"format": FORMAT, **content, "standardizer": tensors, "smoothing": smoothing}), file)


def _interned(value: Any) -> Any:
    """Equal strings made one object: a pickle writes an object it has seen as a reference, an equal one in full."""
    if isinstance(value, dict):
        return {_interned(key): _interned(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_interned(inner) for inner in value)
    return sys.intern(value) if type(value) is str else value


def load_file(path: Path, kind: str, architecture: str = "windows") -> dict[str, Any]:
    """The content of a checkpoint. Raises UserError when it is missing, unreadable, or of another kind."""
    content = _read(path, kind)
    if content.get("architecture", "windows") != architecture:
        raise UserError(
            f"{path} is a {kind} of architecture {content.get('architecture', 'windows')}, and {architecture} is asked "
            f"for; train the {kind} again, or change architecture in config.yaml."
        )
    return content


def architecture(path: Path, kind: str) -> str:
    """Which models a checkpoint is of: patches or windows. Raises UserError when it cannot be read."""
    return str(_read(path, kind).get("architecture", "windows"))


def sizes(path: Path, kind: str) -> dict[str, Any]:
    """The settings that a model was trained with, of either architecture. Raises UserError when it cannot be read."""
    return dict(_read(path, kind).get("config", {}))


def _read(path: Path, kind: str) -> dict[str, Any]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise UserError(f"{path} does not exist; make it with `l2l train-{kind}` or the workflow.") from None
    except Exception:  # what the unpickler raises for a file that is no checkpoint has no common type
        raise UserError(f"{path} is not a checkpoint that can be read; train the {kind} again.") from None
    if not isinstance(content, dict) or content.get("kind") != kind:
        raise UserError(f"{path} is not a {kind} checkpoint of l2l; give the file that `l2l train-{kind}` wrote.")
    if content.get("format") != FORMAT:
        raise UserError(f"{path} has format {content.get('format')}, this l2l reads {FORMAT}; train the {kind} again.")
    return content


def restore_weights(model: nn.Module, content: dict[str, Any], path: Path) -> None:
    """Move the weights out of `content` into `model`, strictly; it is then in eval mode and not trained."""
    try:
        model.load_state_dict(content.pop("state_dict"))
    except (KeyError, RuntimeError) as error:
        raise UserError(f"{path}: weights and sizes disagree ({str(error).splitlines()[0]}); train again.") from None
    model.eval().requires_grad_(False)


def standardizers(content: dict[str, Any], names: tuple[str, ...], path: Path) -> dict[str, Standardizer]:
    """Move the standardizers of `names` out of `content`."""
    stored, smoothing = content.pop("standardizer", {}), content.pop("smoothing", {})
    try:
        return {
            name: Standardizer.from_dict(
                {key: value.numpy() for key, value in stored[name].items()}, smoothing.get(name, "none")
            )
            for name in names
        }
    except KeyError as error:
        raise UserError(f"{path}: the standardizer {error} is missing; train again.") from None


def load_codebook(path: Path) -> tuple[Codebook, Standardizer, Meta]:
    """The codebook on CPU in eval mode, the listener's standardizer, and the rest of the checkpoint.

    The rest also holds `fingerprint`. Raises UserError naming the file that is missing, unreadable or of another kind.
    """
    return codebook_from(path, "windows", lambda sizes: Codebook(config.WindowCodebookSettings.model_validate(sizes)))


def codebook_from(path: Path, architecture: str, build: Callable[[dict[str, Any]], C]) -> tuple[C, Standardizer, Meta]:
    """`load_codebook` of either architecture; `build` makes the model of its sizes."""
    content = load_file(Path(path), "codebook", architecture)
    try:
        model = build(content["config"])
    except (KeyError, ValidationError):
        raise UserError(f"{path}: the codebook's sizes cannot be read; train the codebook again.") from None
    content["fingerprint"] = fingerprint(content["state_dict"])
    restore_weights(model, content, path)
    return model, standardizers(content, ("listener",), path)["listener"], content


def load_predictor(path: Path) -> tuple[Predictor, dict[str, Standardizer], Meta]:
    """The predictor on CPU in eval mode, standardizers of `speaker` and `audio`, and the rest of the checkpoint.

    Raises UserError naming the file that is missing, unreadable or of another kind.
    """
    content = load_file(Path(path), "predictor")
    try:
        model = Predictor(config.WindowPredictorSettings.model_validate(content["config"]), content["codes"])
    except (KeyError, ValidationError):
        raise UserError(f"{path}: the predictor's sizes cannot be read; train the predictor again.") from None
    restore_weights(model, content, path)
    return model, standardizers(content, ("speaker", "audio"), path), content


def load_pair(codebook: Path, predictor: Path) -> Pair:
    """Both models. Raises UserError also when the predictor was trained with another codebook."""
    codebook_model, listener, codebook_meta = load_codebook(codebook)
    predictor_model, others, predictor_meta = load_predictor(predictor)
    check_pair(codebook, codebook_meta, predictor, predictor_meta)
    return Pair(codebook_model, predictor_model, listener, others["speaker"], others["audio"])


def check_pair(codebook: Path, codebook_meta: Meta, predictor: Path, predictor_meta: Meta) -> None:
    """Raises UserError when the predictor was trained with another codebook."""
    if predictor_meta["codebook_fingerprint"] != codebook_meta["fingerprint"]:
        raise UserError(
            f"{predictor} was trained with another codebook than {codebook}, so its codes would mean something else; "
            "give the codebook it was trained with, or train the predictor again."
        )
