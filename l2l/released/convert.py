"""Models of the released program, made into ours and back: weights, optimizer, statistics.

- The original keeps a model in two files: weights in `.pth`, what it standardizes by in `_preprocess_core.npz`. Ours
  keeps both in one, and a predictor carries the fingerprint of its codebook.
- Nothing is lost on the way: the optimizer's state, the epoch and the name of the configuration travel along.
- Sizes come from the JSON configurations and are compared with the weights.
"""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from torch import nn

from l2l import config
from l2l.arrays import Array, open_npz
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
from l2l.released.config import ReleasedConfig
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
    get = "get it from where its checkpoint, the .pth, is from"
    with open_npz(path, "the statistics of a released model", "", get=get, packed=True) as file:
        keys = [(name, kind) for name in inputs for kind in ("mean", "std")]
        arrays = {(name, kind): file.read(f"body_{kind}_{NAMES[name]}", Array(None)) for name, kind in keys}
    for (name, kind), array in arrays.items():
        if array.size != CHANNELS[name]:
            raise UserError(
                f"{path}: body_{kind}_{NAMES[name]} has shape {array.shape}, expected {CHANNELS[name]} finite numbers."
            )
    found = {}
    for name in inputs:
        values = {kind: arrays[name, kind].ravel() for kind in ("mean", "std")}
        found[name] = Standardizer.from_dict(values, "none" if name == "audio" else "bilateral")
    return found


def write_statistics(path: Path, standardizers: Mapping[str, Standardizer]) -> None:
    """Write an original `_preprocess_core.npz`: `body_mean_*` and `body_std_*`, (1, 1, F) float32."""
    arrays = {}
    for name, standardizer in standardizers.items():
        arrays[f"body_mean_{NAMES[name]}"] = standardizer.mean[None, None]
        arrays[f"body_std_{NAMES[name]}"] = standardizer.std[None, None]
    save_npz(path, **arrays)


class Files(NamedTuple):
    """The files of one released model; its configuration is read already."""

    pth: Path
    npz: Path
    config: ReleasedConfig


class ReleasedPair:
    """Both released models with the settings that their configurations stand for."""

    def __init__(self, codebook: Files, predictor: Files, changes: tuple[str, ...] = ()) -> None:
        """`changes` are laid over both configurations. Raises UserError for files that do not fit each other."""
        self.codes, vocabulary = released_config.codes(codebook.config), released_config.codes(predictor.config)
        if self.codes != vocabulary:
            raise UserError(
                f"{predictor.config.path} is for {vocabulary} codes, but {codebook.config.path} has {self.codes}; "
                "give the configuration of the codebook it was trained with."
            )
        self.codebook_sizes = released_config.settings(codebook.config, changes).windows.codebook
        self.predictor_sizes = released_config.settings(predictor.config, changes).windows.predictor
        self.codebook, self.predictor = read_released(codebook.pth), read_released(predictor.pth)
        self.pair = Pair(
            load_codebook_weights(self.codebook, self.codebook_sizes, codebook.pth),
            load_predictor_weights(self.predictor, self.predictor_sizes, self.codes, predictor.pth),
            **read_statistics(codebook.npz, ("listener",)),
            **read_statistics(predictor.npz, ("speaker", "audio")),
        )


def import_released_pair(
    codebook: Files, predictor: Files, out: Path, listener: Side, padding: Literal["replicate", "zeros"] = "replicate"
) -> None:
    """Write a released codebook and its predictor as checkpoints of ours: out/codebook.pt, out/predictor.pt.

    `padding` is that of the convolutions, which the released files do not state (see `l2l.windows.layers`). Raises
    UserError naming the file, and the size, weight or array in it, that does not fit.
    """
    found = ReleasedPair(codebook, predictor, (f"codebook.padding={padding}", f"predictor.padding={padding}"))
    pair = found.pair
    inputs = {"speaker": pair.speaker, "audio": pair.audio}
    more = {"codes": found.codes, "codebook_fingerprint": fingerprint(pair.codebook.state_dict())}
    models: list[tuple[str, nn.Module, ReleasedCheckpoint, config.Section, dict[str, Standardizer], dict[str, Any]]] = [
        ("codebook", pair.codebook, found.codebook, found.codebook_sizes, {"listener": pair.listener}, {}),
        ("predictor", pair.predictor, found.predictor, found.predictor_sizes, inputs, more),
    ]
    for kind, model, checkpoint, sizes, standardizers, of_kind in models:
        save_checkpoint(
            out / f"{kind}.pt",
            standardizers,
            kind=kind,
            architecture="windows",
            config=sizes.model_dump(),
            state_dict=dict(model.state_dict()),
            step=checkpoint.steps,
            # The released files state neither loss nor seed.
            validation_loss=None,
            history=[],
            seed=None,
            listener=listener,
            released={"config": checkpoint.config, "epoch": checkpoint.epoch, "optimizer": checkpoint.optimizer},
            **of_kind,
        )
    log.info("wrote codebook.pt and predictor.pt to %s", out)


def export_released(
    codebook: Path, predictor: Path, codebook_pth: Path, codebook_npz: Path, predictor_pth: Path, predictor_npz: Path
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
