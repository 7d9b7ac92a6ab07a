"""Models of the released program, made into ours and back: weights, optimizer, statistics.

- The original keeps a model in two files: weights in `.pth`, what it standardizes by in `_preprocess_core.npz`. Ours
  keeps both in one, and a predictor carries the fingerprint of its codebook.
- Nothing is lost on the way: the optimizer's state, the epoch and the name of the configuration travel along.
- Sizes come from the JSON configurations and are compared with the weights.
"""

import logging
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from torch import nn

from l2l import config
from l2l.errors import UserError
from l2l.features.standardize import Standardizer
from l2l.files import save_npz
from l2l.released import config as released_config
from l2l.released.checkpoint import (
    ReleasedCheckpoint,
    load_codebook_weights,
    load_predictor_weights,
    read_released,
    write_released,
)
from l2l.released.config import ReleasedConfig, read_config
from l2l.sides import Side
from l2l.training.checkpoint import fingerprint, save_checkpoint
from l2l.units import MEL_BANDS, MODEL_DIM
from l2l.windows.checkpoint import Pair, load_codebook, load_pair, load_predictor
from l2l.windows.train_codebook import codebook_optimizer
from l2l.windows.train_predictor import predictor_optimizer

log = logging.getLogger(__name__)

# What an original statistics file calls our inputs, and how many channels each has.
NAMES = {"listener": "Y", "speaker": "X", "audio": "audio"}
CHANNELS = {"listener": MODEL_DIM, "speaker": MODEL_DIM, "audio": MEL_BANDS}


def read_statistics(path: Path, inputs: tuple[str, ...]) -> dict[str, Standardizer]:
    """Standardizers of some inputs from an original `_preprocess_core.npz`; faces are smoothed first, sound is not.

    Raises UserError naming the file, and the array that is missing, misshapen or not finite.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {(name, kind): file[f"body_{kind}_{NAMES[name]}"] for name in inputs for kind in ("mean", "std")}
    except FileNotFoundError:
        raise UserError(f"{path} does not exist; it lies beside the released checkpoint.") from None
    except KeyError as error:
        raise UserError(f"{path}: {error.args[0]}; give the file that belongs to this model.") from None
    except (ValueError, OSError, EOFError, MemoryError, zipfile.BadZipFile):
        raise UserError(f"{path} is not an .npz file that can be read; fetch it again.") from None
    for (name, kind), array in arrays.items():
        if array.size != CHANNELS[name] or array.dtype.kind != "f" or not np.isfinite(array).all():
            raise UserError(
                f"{path}: body_{kind}_{NAMES[name]} has shape {array.shape}, expected {CHANNELS[name]} finite numbers."
            )
    return {
        name: Standardizer.from_dict(
            {kind: arrays[name, kind].ravel() for kind in ("mean", "std")}, "none" if name == "audio" else "bilateral"
        )
        for name in inputs
    }


def write_statistics(path: Path, standardizers: Mapping[str, Standardizer]) -> None:
    """Write an original `_preprocess_core.npz`: `body_mean_*` and `body_std_*`, (1, 1, F) float32."""
    arrays = {}
    for name, standardizer in standardizers.items():
        arrays[f"body_mean_{NAMES[name]}"] = standardizer.mean[None, None]
        arrays[f"body_std_{NAMES[name]}"] = standardizer.std[None, None]
    save_npz(path, **arrays)


class ReleasedPair:
    """Both released models with the settings that their configurations stand for."""

    def __init__(
        self,
        codebook: tuple[Path, Path, ReleasedConfig],
        predictor: tuple[Path, Path, ReleasedConfig],
        changes: tuple[str, ...] = (),
    ) -> None:
        """Each model is its `.pth`, its `_preprocess_core.npz` and its configuration; `changes` are laid over both.

        Raises UserError for files that do not fit each other.
        """
        (codebook_pth, codebook_npz, codebook_json), (predictor_pth, predictor_npz, predictor_json) = (
            codebook,
            predictor,
        )
        self.codes, vocabulary = released_config.codes(codebook_json), released_config.codes(predictor_json)
        if self.codes != vocabulary:
            raise UserError(
                f"{predictor_json.path} is for {vocabulary} codes, but {codebook_json.path} has {self.codes}; "
                "give the configuration of the codebook it was trained with."
            )
        self.codebook_sizes = released_config.settings(codebook_json, changes).windows.codebook
        self.predictor_sizes = released_config.settings(predictor_json, changes).windows.predictor
        self.codebook, self.predictor = read_released(codebook_pth), read_released(predictor_pth)
        self.pair = Pair(
            load_codebook_weights(self.codebook, self.codebook_sizes, codebook_pth),
            load_predictor_weights(self.predictor, self.predictor_sizes, self.codes, predictor_pth),
            **read_statistics(codebook_npz, ("listener",)),
            **read_statistics(predictor_npz, ("speaker", "audio")),
        )


def import_released_pair(
    codebook_pth: Path,
    codebook_npz: Path,
    predictor_pth: Path,
    predictor_npz: Path,
    codebook_json: Path,
    predictor_json: Path,
    out_codebook: Path,
    out_predictor: Path,
    listener: Side,
    padding: Literal["replicate", "zeros"] = "replicate",
) -> None:
    """Write a released codebook and its predictor as checkpoints of ours.

    `padding` is that of the convolutions, which the released files do not tell (see `l2l.windows.convolution`). Raises
    UserError naming the file, and the size, weight or array in it, that does not fit.
    """
    released = ReleasedPair(
        (codebook_pth, codebook_npz, read_config(codebook_json, "codebook")),
        (predictor_pth, predictor_npz, read_config(predictor_json, "predictor")),
        (f"codebook.padding={padding}", f"predictor.padding={padding}"),
    )
    pair = released.pair
    save_checkpoint(
        out_codebook,
        {"listener": pair.listener},
        kind="codebook",
        architecture="windows",
        config=released.codebook_sizes.model_dump(),
        **_content(pair.codebook, released.codebook, listener),
    )
    save_checkpoint(
        out_predictor,
        {"speaker": pair.speaker, "audio": pair.audio},
        kind="predictor",
        architecture="windows",
        config=released.predictor_sizes.model_dump(),
        codes=released.codes,
        codebook_fingerprint=fingerprint(pair.codebook.state_dict()),
        **_content(pair.predictor, released.predictor, listener),
    )
    log.info("wrote %s and %s", out_codebook, out_predictor)


def _content(model: nn.Module, checkpoint: ReleasedCheckpoint, listener: Side) -> dict[str, Any]:
    """What our checkpoints hold besides; the released files tell neither their loss nor their seed."""
    return {
        "state_dict": dict(model.state_dict()),
        "step": checkpoint.steps,
        "validation_loss": None,
        "history": [],
        "seed": None,
        "listener": listener,
        "released": {"config": checkpoint.config, "epoch": checkpoint.epoch, "optimizer": checkpoint.optimizer},
    }


def export_released(
    codebook: Path,
    predictor: Path,
    codebook_pth: Path,
    codebook_npz: Path,
    predictor_pth: Path,
    predictor_npz: Path,
) -> None:
    """Write a pair of our checkpoints as the four files of the released program.

    A model that was not imported has no stored optimizer state: a fresh one of the right kind is written, with the
    number of steps taken. Raises UserError when the two do not belong together.
    """
    load_pair(codebook, predictor)
    model, listener, meta = load_codebook(codebook)
    other, inputs, other_meta = load_predictor(predictor)
    write_released(codebook_pth, _checkpoint(model, codebook_optimizer(model, 1.0), meta))
    write_released(predictor_pth, _checkpoint(other, predictor_optimizer(other, 1.0), other_meta))
    write_statistics(codebook_npz, {"speaker": inputs["speaker"], "listener": listener, "audio": inputs["audio"]})
    write_statistics(predictor_npz, inputs)
    log.info("wrote %s and %s", codebook_pth, predictor_pth)


def _checkpoint(model: nn.Module, fresh: Any, meta: dict[str, Any]) -> ReleasedCheckpoint:
    kept = meta.get("released", {})
    sizes = config.WindowCodebookSettings if meta["kind"] == "codebook" else config.WindowPredictorSettings
    for group in fresh.param_groups:
        group["lr"] = sizes.model_validate(meta["config"]).training.learning_rate
    return ReleasedCheckpoint(
        dict(model.state_dict()),
        config=kept.get("config", ""),
        optimizer=kept.get("optimizer") or fresh.state_dict(),
        steps=meta["step"],
        epoch=kept.get("epoch", 0),
    )
