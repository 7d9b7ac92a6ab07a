"""The released models with seeded weights, and the numbers that the released program gave for them."""

from pathlib import Path

import numpy as np
import torch

from l2l import config
from l2l.windows.codebook import Codebook
from l2l.windows.predictor import Predictor
from tests.released.seeded_weights import fill

RELEASED = Path(__file__).resolve().parents[1] / "data" / "released"
# sha256 over the names and seeded weights of the released models: equal only if names, order and shapes are.
CODEBOOK_DIGEST = "957073783124dea4d84ab64b54ff6813521237e7e8238423ac4e1677225ceb2d"
PREDICTOR_DIGEST = "f8980172c44fff6f2ea489f1300f1bae538b7edd2fc8c2203deea728ba6a5f3e"

Arrays = dict[str, torch.Tensor]


def released(name: str) -> Arrays:
    """The arrays of one reference file."""
    with np.load(RELEASED / f"{name}.npz", allow_pickle=False) as file:
        return {key: torch.from_numpy(file[key]) for key in file.files}


def seeded_codebook() -> Codebook:
    model = Codebook(config.WindowCodebookSettings()).eval()
    assert fill(model, 110000) == CODEBOOK_DIGEST
    model.quantize.embedding.weight.data.copy_(released("codebook")["codebook_weight"])
    return model


def seeded_predictor() -> Predictor:
    model = Predictor(config.WindowPredictorSettings(), codes=200).eval()
    assert fill(model, 120000, {"cross_modal_layer.cross_output_layer.weight": 4.0}) == PREDICTOR_DIGEST
    return model


def close(ours: torch.Tensor, theirs: torch.Tensor) -> None:
    """Within 1e-4 of the spread of an array, or of the value of a scalar."""
    scale = theirs.std() if theirs.ndim else theirs.abs()
    assert ours.shape == theirs.shape
    assert (ours - theirs).abs().max() <= 1e-4 * scale
