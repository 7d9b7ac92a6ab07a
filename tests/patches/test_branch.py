"""The speaker's branch after its training: it finds what there is to find, and never makes a listener worse."""

import numpy as np
import pytest
import torch

from l2l.config import BranchSettings
from l2l.features import speaker
from l2l.patches.crops import Crop
from l2l.patches.predictor import Predictor
from l2l.patches.strength import TRIED, choose_strength
from l2l.patches.train_branch import Known, fit, fit_best, fitted_temperatures, loss, losses
from tests.tiny import tiny_patches, untrained_codebook

COUNT, P = 12, 40
EVERYTHING = range(speaker.count())


def model() -> Predictor:
    return Predictor(tiny_patches().predictor, untrained_codebook()).eval().requires_grad_(False)


def known(found: Predictor, answers: bool, seed: int) -> Known:
    """Crops of which the first code says whether the speaker's first feature is high; or nothing says anything."""
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(COUNT, P, speaker.count(), generator=generator).repeat_interleave(8, dim=1)
    codes = torch.randint(0, 16, (COUNT, P, 6), generator=generator)
    if answers:
        codes[..., 0] = torch.where(features[:, ::8, 0] > 0, 3, 5)
    crops = Crop(codes, features, torch.ones(COUNT, P, dtype=torch.bool), None)
    return Known(crops, torch.zeros(COUNT, P, 6, found.codes))


def test_it_learns_what_the_speaker_says_of_the_codes() -> None:
    found = model()
    train, held = known(found, True, 1), known(found, True, 2)
    without = loss(found, held, None)
    assert without == pytest.approx(6 * np.log(16) / 8, rel=1e-4)
    with_speaker, step = fit(found, train, held, BranchSettings(steps=60), EVERYTHING)
    assert with_speaker < without - 0.1 and step > 0
    assert loss(found, held, found.branch) == pytest.approx(with_speaker)


def test_features_that_the_listener_does_not_answer_are_left_out() -> None:
    """The listener answers the voice; what the expression happens to say in training, it does not say in others."""
    found = model()
    train, held = known(found, True, 1), known(found, True, 2)
    expression = speaker.groups()["expression"]
    for crops, sign in ((train.crops, 1), (held.crops, -1)):
        crops.features[..., expression] = sign * crops.features[..., :1]
    without = loss(found, held, None)
    chosen, _, name = fit_best(found, train, held, BranchSettings(steps=40))
    assert name == "voice" and loss(found, held, found.branch) == pytest.approx(chosen) and chosen < without - 0.05
    silent = train.crops.features[:2].clone()
    silent[..., expression] = 0
    assert torch.equal(found.branch(train.crops.features[:2]), found.branch(silent))
    assert chosen <= fit(model(), train, held, BranchSettings(steps=40), EVERYTHING)[0]


def test_what_the_speaker_adds_is_as_much_as_others_need() -> None:
    """The answer is surer in training than in others: there, half of the patches are not answered."""
    found = model()
    train, held = known(found, True, 1), known(found, True, 2)
    held.crops.codes[:, ::2, 0] = known(found, False, 3).crops.codes[:, ::2, 0]
    chosen, _ = fit(found, train, held, BranchSettings(steps=100, dropout=0, noise=0), EVERYTHING)
    tried = losses(found, held, found.branch, [0.7, 1, 1.5])
    assert chosen == pytest.approx(tried[1]) == pytest.approx(min(tried))


def test_where_nothing_is_to_be_learned_the_listener_stays_as_it_is() -> None:
    found = model()
    train, held = known(found, False, 1), known(found, False, 2)
    without = loss(found, held, None)
    with_speaker, _ = fit(found, train, held, BranchSettings(steps=60), EVERYTHING)
    assert with_speaker <= without
    assert loss(found, held, found.branch) <= without


def test_a_model_too_sure_of_itself_gets_a_temperature_above_one() -> None:
    found = known(model(), False, 0)
    sure = Known(found.crops, 5 * torch.randn(found.logits.shape, generator=torch.Generator().manual_seed(0)))
    assert (fitted_temperatures(sure) > 1.5).all()


def test_the_strength_is_the_one_at_which_draws_follow_the_speaker_as_the_truth_does() -> None:
    """With a branch that is right but too faint, more strength is chosen than with one that is right."""
    found = model()
    train, held = known(found, True, 1), known(found, True, 2)
    fit(found, train, held, BranchSettings(steps=100, dropout=0, noise=0), EVERYTHING)
    folds = np.arange(COUNT) % 5
    own = choose_strength(found, untrained_codebook(), train.crops, folds, 0)
    for weight in found.branch.aims.parameters():
        weight.mul_(0.6)
    faint = choose_strength(found, untrained_codebook(), train.crops, folds, 0)
    assert TRIED[0] <= own < faint <= TRIED[-1]
