"""The released test loop, and each of its habits one by one."""

from typing import Any

import pytest
import torch
from torch import Tensor

from l2l import config
from l2l.released.test import overall_l2, rollout
from l2l.windows.autoregressive import autoregress
from l2l.windows.codebook import Codebook
from l2l.windows.predictor import Predictor
from l2l.windows.sampling import choose, distribution
from tests.released.released_models import close, released, seeded_codebook, seeded_predictor

RELEASED = config.from_differences([], None, "released").sampling


def likeliest(probabilities: Tensor) -> Tensor:
    return probabilities.argmax(-1)


def test_the_whole_loop_gives_the_released_motion_and_score() -> None:
    want = released("sampling")
    given = {name: want[name].float() for name in ("listener", "speaker", "audio")}
    before = {name: array.clone() for name, array in given.items()}
    found = rollout(seeded_codebook(), seeded_predictor(), **given, sampling=RELEASED, choose_codes=likeliest)
    close(found.prediction[:, 32:], want["prediction"])
    close(found.probabilities[:, 4:], want["probabilities"])
    close(found.upper_bound, want["upper_bound"])
    assert not found.prediction[:, :32].any() and not found.probabilities[:, :4].any()
    assert overall_l2(given["listener"], found.prediction) == pytest.approx(want["overall_l2"].item(), rel=1e-4)
    assert all(torch.equal(given[name], before[name]) for name in given)  # the original zeroed the listener's past


class Spy:
    """A predictor that writes down what it is asked, and answers with the code 1 + the number of the pass."""

    def __init__(self) -> None:
        self.asked: list[tuple[Tensor, float, float, int]] = []

    def __call__(self, codes: Tensor, speaker: Tensor, audio: Tensor, visible: int) -> Tensor:
        assert speaker.shape[1:] == (40, 56) and audio.shape[1:] == (160, 128)
        self.asked.append((codes, speaker[0, 0, 0].item(), audio[0, 0, 0].item(), visible))
        logits = torch.zeros(len(codes), 9, 10)
        logits[:, 0, len(self.asked)] = 9.0
        return logits


class Twister:
    """A codebook in which motion that was decoded is encoded as other codes than it came from."""

    def encode(self, motion: Tensor) -> Tensor:
        return motion[:, :4, 0].long()

    def decode(self, codes: Tensor) -> Tensor:
        motion = torch.zeros(len(codes), 32, 56)
        motion[:, :4, 0] = codes.float() + 20
        return motion


def ask(past: Tensor | None = None, **switches: Any) -> tuple[Spy, tuple[Tensor, Tensor]]:
    """Run the loop on inputs that hold their own row numbers."""
    spy: Any = Spy()
    twister: Any = Twister()
    speaker = torch.arange(64.0)[None, :, None].expand(2, 64, 56)
    audio = torch.arange(256.0)[None, :, None].expand(2, 256, 128)
    sampling = RELEASED.model_copy(update=switches)
    return spy, autoregress(twister, spy, past, speaker, audio, sampling, lambda logits: logits.softmax(-1), likeliest)


def test_one_code_per_pass_from_the_first_position() -> None:
    spy, found = ask()
    assert found[0].tolist() == [[1, 2, 3, 4]] * 2
    assert [speaker for _, speaker, _, _ in spy.asked] == [0, 8, 16, 24]


@pytest.mark.parametrize(("step", "rows"), [(1, [0, 8, 16, 24]), (4, [0, 32, 64, 96])])
def test_audio_lags_only_when_told_to(step: int, rows: list[int]) -> None:
    spy, _ = ask(audio_step=step)
    assert [audio for _, _, audio, _ in spy.asked] == rows


def test_only_what_was_drawn_is_visible_unless_the_past_is_real() -> None:
    assert [visible for *_, visible in ask()[0].asked] == [0, 1, 2, 3]
    assert [visible for *_, visible in ask(past=torch.ones(2, 32, 56))[0].asked] == [4, 4, 4, 4]


def test_codes_are_fed_back_as_drawn_or_encoded_again() -> None:
    plain = [codes[0].tolist() for codes, *_ in ask(reencode=False)[0].asked]
    assert plain == [[0, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 2], [0, 1, 2, 3]]
    again = [codes[0].tolist() for codes, *_ in ask(reencode=True)[0].asked]
    assert again == [plain[0], *([code + 20 for code in codes] for codes in plain[1:])]


def test_the_history_begins_with_the_codes_of_the_past() -> None:
    spy, _ = ask(past=torch.full((2, 32, 56), 7.0), reencode=False)
    assert spy.asked[0][0].tolist() == [[7, 7, 7, 7]] * 2
    assert spy.asked[3][0].tolist() == [[7, 1, 2, 3]] * 2


def test_sample_idx_is_the_last_of_different_draws_from_the_plain_distribution() -> None:
    sampling = RELEASED.model_copy(update={"sample_idx": 2})
    logits = torch.tensor([[9.0, 0.0, -9.0]]).expand(500, 3)
    assert torch.equal(distribution(logits, sampling), logits.softmax(-1))
    codes = choose(distribution(logits, sampling), sampling, torch.Generator().manual_seed(0))
    assert codes.shape == (500,)
    assert (codes == 2).float().mean() > 0.9  # of three draws without replacement, the unlikeliest comes last
    first = sampling.model_copy(update={"sample_idx": 0})
    assert (choose(logits.softmax(-1), first, torch.Generator().manual_seed(0)) == 0).float().mean() > 0.9
    nucleus = distribution(logits, RELEASED)
    assert nucleus[0].tolist() == [1.0, 0.0, 0.0]


def test_the_same_generator_draws_the_same_codes() -> None:
    codebook = Codebook(
        config.WindowCodebookSettings(hidden_size=16, layers=1, heads=2, feedforward_size=8, codes=10)
    ).eval()
    predictor = Predictor(
        config.WindowPredictorSettings(hidden_size=16, layers=1, heads=2, feedforward_size=8), 10
    ).eval()
    speaker, audio = torch.randn(3, 64, 56), torch.randn(3, 256, 128)

    def draw(seed: int) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        return autoregress(
            codebook,
            predictor,
            None,
            speaker,
            audio,
            RELEASED,
            lambda logits: logits.softmax(-1),
            lambda probabilities: choose(probabilities, RELEASED, generator),
        )[0]

    assert torch.equal(draw(0), draw(0))
    assert not torch.equal(draw(0), draw(1))
