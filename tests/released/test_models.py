"""With the same weights, our models give the numbers of the released program."""

import pytest
import torch

from l2l.codes import nucleus
from l2l.windows.train_codebook import codebook_loss
from l2l.windows.train_predictor import prediction_loss
from tests.released.released_models import close, released, seeded_codebook, seeded_predictor


def gradient_norms(model: torch.nn.Module) -> torch.Tensor:
    return torch.stack([p.grad.norm() for p in model.parameters() if p.grad is not None])


def test_codebook_reconstructs_as_released() -> None:
    codebook, want = seeded_codebook(), released("codebook")
    with torch.no_grad():
        reconstruction, quantizer_loss, codes = codebook(want["motion"])
        assert torch.equal(codes, want["codes"])
        assert torch.equal(codebook.encode(torch.zeros(1, 32, 56)), want["codes_of_zeros"])
        close(reconstruction[:1], want["reconstruction"])
        close(quantizer_loss, want["quantizer_loss"])
        close(codebook_loss(codebook, want["motion"]), want["loss"])
        close(codebook.decode(want["given_codes"]), want["decoded_given_codes"])


def test_codebook_has_the_released_gradients() -> None:
    codebook, want = seeded_codebook(), released("codebook")
    loss = codebook_loss(codebook.train(), want["motion"])
    loss.backward()
    close(loss.detach(), want["train_loss"])
    torch.testing.assert_close(gradient_norms(codebook), want["grad_norms"], rtol=1e-4, atol=0)


def test_predictor_gives_the_released_logits_and_losses() -> None:
    model, want = seeded_predictor(), released("predictor")
    with torch.no_grad():
        for visible in range(5):
            logits = model(want["past_codes"], want["speaker"], want["audio"].float(), visible)
            close(logits, want["logits"][visible])
            close(prediction_loss(logits, want["target_codes"]), want["loss"][visible])


@pytest.mark.parametrize(("number", "visible"), [(0, 0), (1, 2), (2, 4)])
def test_predictor_has_the_released_gradients_and_no_others(number: int, visible: int) -> None:
    model, want = seeded_predictor().train(), released("predictor")
    logits = model(want["past_codes"], want["speaker"], want["audio"].float(), visible)
    loss = prediction_loss(logits, want["target_codes"])
    loss.backward()
    close(loss.detach(), want["train_loss"][number])
    torch.testing.assert_close(gradient_norms(model), want[f"grad_norms_{visible}"], rtol=1e-4, atol=0)


def test_nucleus_keeps_the_released_codes() -> None:
    want = released("nucleus")
    ours = nucleus(want["logits"], temperature=0.7, top_p=0.9)
    close(ours, want["probabilities"])
    assert torch.equal(ours > 0, want["probabilities"] > 0)
