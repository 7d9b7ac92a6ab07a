"""Checkpoints of the paper's models: files of `l2l.training.checkpoint`, of architecture windows."""

from pathlib import Path
from typing import NamedTuple

from l2l import config
from l2l.features.standardize import Standardizer
from l2l.training.checkpoint import Meta, load_model
from l2l.windows.codebook import Codebook
from l2l.windows.predictor import Predictor


class Pair(NamedTuple):
    """A predictor with the codebook it belongs to, in eval mode, and what each input is standardized by."""

    codebook: Codebook
    predictor: Predictor
    listener: Standardizer
    speaker: Standardizer
    audio: Standardizer


def load_codebook(path: Path) -> tuple[Codebook, Standardizer, Meta]:
    """The codebook, the listener's standardizer, and the rest; see `load_model` of `l2l.training.checkpoint`."""
    sizes = config.WindowCodebookSettings.model_validate
    model, standardizers, meta = load_model(path, "codebook", "windows", lambda meta: Codebook(sizes(meta["config"])))
    return model, standardizers["listener"], meta


def load_predictor(
    path: Path, codebook: tuple[Path, Meta] | None = None
) -> tuple[Predictor, dict[str, Standardizer], Meta]:
    """The predictor, the standardizers of `speaker` and `audio`, and the rest; see `load_model`."""
    sizes = config.WindowPredictorSettings.model_validate
    return load_model(
        path, "predictor", "windows", lambda meta: Predictor(sizes(meta["config"]), meta["codes"]), codebook
    )


def load_pair(codebook: Path, predictor: Path) -> Pair:
    """Both models. Raises UserError also when the predictor was trained with another codebook."""
    codebook_model, listener, meta = load_codebook(codebook)
    predictor_model, others, _ = load_predictor(predictor, (codebook, meta))
    return Pair(codebook_model, predictor_model, listener, **others)
