import pytest
import torch

from l2l import config
from l2l.codes import perplexity
from l2l.windows.codebook import Codebook, Quantizer

TINY = config.WindowCodebookSettings(hidden_size=16, layers=1, heads=2, feedforward_size=8, codes=10)


def test_a_code_stands_for_a_channel_group_of_the_whole_window() -> None:
    quantizer = Quantizer(codes=10, width=16, commitment=0.25)
    latent = quantizer.lookup(torch.tensor([[1, 2, 3, 4]]))
    changed = quantizer.lookup(torch.tensor([[1, 9, 3, 4]])) != latent  # (1, 4 steps, 16 channels)
    assert changed[:, :, 4:8].all()  # group 1: channels 4 to 7 at every step
    assert changed.sum() == 16


def test_grouping_can_be_undone() -> None:
    latent = torch.randn(3, 4, 16)
    assert torch.equal(Quantizer.from_groups(Quantizer.to_groups(latent)), latent)


def test_the_nearest_code_of_a_code_is_itself() -> None:
    quantizer = Quantizer(codes=10, width=16, commitment=0.25)
    codes = torch.arange(8).view(2, 4)
    assert torch.equal(quantizer.nearest(quantizer.to_groups(quantizer.lookup(codes))), codes)


def test_gradients_pass_straight_through_the_quantizer() -> None:
    latent = torch.randn(2, 4, 16, requires_grad=True)
    weights = torch.randn(2, 4, 16)
    quantized, _, codes = Quantizer(codes=10, width=16, commitment=0.25)(latent)
    (quantized * weights).sum().backward()
    assert torch.equal(latent.grad, weights)
    assert codes.shape == (2, 4)


def test_decoding_the_codes_is_the_reconstruction() -> None:
    model = Codebook(TINY).eval()
    motion = torch.randn(3, 32, 56)
    reconstruction, _, codes = model(motion)
    torch.testing.assert_close(model.decode(codes), reconstruction, rtol=0, atol=1e-5)
    assert torch.equal(model.encode(motion), codes)


def test_padding_is_a_switch_that_changes_only_what_is_computed() -> None:
    replicate, zeros = Codebook(TINY).eval(), Codebook(TINY.model_copy(update={"padding": "zeros"})).eval()
    zeros.load_state_dict(replicate.state_dict())
    motion = torch.randn(1, 32, 56)
    assert not torch.allclose(replicate.encoder(motion), zeros.encoder(motion))


def test_perplexity_counts_equally_used_codes() -> None:
    assert perplexity(torch.tensor([5, 5, 0, 5]).numpy()) == pytest.approx(3)
    assert perplexity(torch.zeros(4).numpy()) == 0
