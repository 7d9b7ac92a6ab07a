"""With the same weights, our models give the numbers of the released program."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from l2l import config
from l2l.listening.generation import nucleus
from l2l.models.codebook import Codebook
from l2l.models.predictor import Predictor
from l2l.training.codebook import codebook_loss
from tests.models.seeded_weights import fill

RELEASED = Path(__file__).parents[1] / "data" / "released"
# sha256 over the names and seeded weights of the released models: equal only if names, order and shapes are.
CODEBOOK_DIGEST = "957073783124dea4d84ab64b54ff6813521237e7e8238423ac4e1677225ceb2d"
PREDICTOR_DIGEST = "f8980172c44fff6f2ea489f1300f1bae538b7edd2fc8c2203deea728ba6a5f3e"

Arrays = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def released() -> Callable[[str], Arrays]:
    def load(name: str) -> Arrays:
        with np.load(RELEASED / f"{name}.npz", allow_pickle=False) as file:
            return {key: torch.from_numpy(file[key]) for key in file.files}

    return load


@pytest.fixture
def codebook(released: Callable[[str], Arrays]) -> Codebook:
    model = Codebook(config.Codebook()).eval()
    assert fill(model, 110000) == CODEBOOK_DIGEST
    model.quantize.embedding.weight.data.copy_(released("codebook")["codebook_weight"])
    return model


def close(ours: torch.Tensor, theirs: torch.Tensor) -> None:
    """Within 1e-4 of the spread of an array, or of the value of a scalar."""
    scale = theirs.std() if theirs.ndim else theirs.abs()
    assert ours.shape == theirs.shape
    assert (ours - theirs).abs().max() <= 1e-4 * scale


def test_codebook_reconstructs_as_released(codebook: Codebook, released: Callable[[str], Arrays]) -> None:
    want = released("codebook")
    with torch.no_grad():
        reconstruction, quantizer_loss, codes = codebook(want["motion"])
        assert torch.equal(codes, want["codes"])
        assert torch.equal(codebook.encode(torch.zeros(1, 32, 56)), want["codes_of_zeros"])
        close(reconstruction[:1], want["reconstruction"])
        close(quantizer_loss, want["quantizer_loss"])
        close(codebook_loss(codebook, want["motion"]), want["loss"])
        close(codebook.decode(want["given_codes"]), want["decoded_given_codes"])


def test_codebook_has_the_released_gradients(codebook: Codebook, released: Callable[[str], Arrays]) -> None:
    want = released("codebook")
    loss = codebook_loss(codebook.train(), want["motion"])
    loss.backward()
    close(loss.detach(), want["train_loss"])
    norms = torch.stack([p.grad.norm() for p in codebook.parameters() if p.grad is not None])
    torch.testing.assert_close(norms, want["grad_norms"], rtol=1e-4, atol=0)


def test_predictor_gives_the_released_logits(released: Callable[[str], Arrays]) -> None:
    model = Predictor(config.Predictor(), codes=200).eval()
    assert fill(model, 120000, {"cross_modal_layer.cross_output_layer.weight": 4.0}) == PREDICTOR_DIGEST
    want = released("predictor")
    with torch.no_grad():
        for visible in range(5):
            logits = model(want["past_codes"], want["speaker"], want["audio"].float(), visible)
            close(logits, want["logits"][visible])


def test_nucleus_keeps_the_released_codes(released: Callable[[str], Arrays]) -> None:
    want = released("nucleus")
    ours = nucleus(want["logits"], temperature=0.7, top_p=0.9)
    close(ours, want["probabilities"])
    assert torch.equal(ours > 0, want["probabilities"] > 0)
