import pytest
import torch

from l2l import config
from l2l.windows.predictor import Predictor

CODES = 10


@pytest.fixture
def model() -> Predictor:
    torch.manual_seed(0)
    sizes = config.WindowPredictorSettings(hidden_size=16, layers=2, heads=2, feedforward_size=8)
    model = Predictor(sizes, CODES).eval()
    for parameter in model.parameters():  # far from zero, so that whatever matters shows
        parameter.data.add_(0.3 * torch.randn_like(parameter))
    return model


@pytest.fixture
def inputs() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    codes = torch.tensor([[1, 2, 3, 4], [5, 6, 7, 8]])
    return codes, torch.randn(2, 40, 56, generator=generator), torch.randn(2, 160, 128, generator=generator)


@pytest.mark.parametrize("visible", range(5))
def test_only_the_visible_past_codes_matter(model: Predictor, inputs: tuple, visible: int) -> None:
    codes, speaker, audio = inputs
    logits = model(codes, speaker, audio, visible)
    assert logits.shape == (2, 9, CODES)
    for position in range(4):
        changed = codes.clone()
        changed[:, position] = 9
        same = torch.equal(model(changed, speaker, audio, visible), logits)
        assert same == (position < 4 - visible)


def test_more_than_four_visible_is_four(model: Predictor, inputs: tuple) -> None:
    assert torch.equal(model(*inputs, 20), model(*inputs, 4))


def test_speaker_motion_and_audio_both_matter(model: Predictor, inputs: tuple) -> None:
    codes, speaker, audio = inputs
    logits = model(codes, speaker, audio, 4)
    assert not torch.allclose(model(codes, speaker.roll(1, 0), audio, 4), logits)
    assert not torch.allclose(model(codes, speaker, audio.roll(1, 0), 4), logits)


def test_only_the_dead_transformer_gets_no_gradient(model: Predictor, inputs: tuple) -> None:
    model(*inputs, 4).square().sum().backward()
    without = {name.split(".")[0] for name, parameter in model.named_parameters() if parameter.grad is None}
    assert without == {"listener_past_transformer"}
