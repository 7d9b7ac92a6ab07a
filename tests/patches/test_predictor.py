"""The predictor of patches: causal in everything, any length, the same step by step."""

import pytest
import torch

from l2l.features.speaker import count
from l2l.patches.likelihood import before
from l2l.patches.predictor import Predictor
from tests.tiny import tiny_patches, untrained_codebook

P = 30


def untrained(people: int = 0) -> Predictor:
    """Its branch starts at nothing; here it says something."""
    model = Predictor(tiny_patches().predictor, untrained_codebook(), people)
    for weight in model.branch.aims.parameters():
        torch.nn.init.normal_(weight)
    return model.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def model():
    return untrained()


@pytest.fixture(scope="module")
def inputs():
    generator = torch.Generator().manual_seed(1)
    codes = torch.randint(0, 16, (2, P, 6), generator=generator)
    return before(codes, 16), codes, torch.randn(2, 8 * P, count(), generator=generator)


def test_steps_give_what_the_whole_sequence_gives(model, inputs):
    past, codes, features = inputs
    memory, hearing, found = model.begin(2), model.branch.begin(2), []
    for t in range(P):
        heard = model.branch(features[:, 8 * t : 8 * t + 8], hearing)
        trunk = model.step(past[:, t], memory)[:, None]
        found.append(model.head(trunk, codes[:, t : t + 1]) + model.added(heard))
    torch.testing.assert_close(torch.cat(found, dim=1), model(*inputs), atol=1e-5, rtol=0)


def test_a_code_sees_the_speaker_until_its_own_patch_and_the_codes_before_it(model, inputs):
    past, codes, features = inputs
    louder = features.clone()
    louder[:, 80:88] += 1
    same = (model(past, codes, features) == model(past, codes, louder)).flatten(2).all(-1)[0]
    assert same[:10].all() and not same[10]
    others = codes.clone()
    others[:, 10, 2] = (others[:, 10, 2] + 1) % 16
    same = (model(past, codes, features) == model(past, others, features)).all(-1)[0]
    assert same[:10].all() and same[10, :3].all() and not same[10, 3]


def test_an_untrained_branch_says_nothing(inputs):
    past, codes, features = inputs
    model = Predictor(tiny_patches().predictor, untrained_codebook()).eval()
    assert torch.equal(model(past, codes, features), model(past, codes))


def test_listeners_are_told_apart_with_and_without_a_speaker(inputs):
    past, codes, features = (x[:1].expand(2, *x.shape[1:]) for x in inputs)
    model = untrained(people=2)
    for heard in (features, None):
        logits = model(past, codes, heard, torch.tensor([0, 1]))
        assert not torch.allclose(logits[0], logits[1])
        same = model(past, codes, heard, torch.tensor([1, 1]))
        torch.testing.assert_close(same[0], logits[1])


def test_each_of_several_people_answers_in_their_own_way(inputs):
    features = inputs[2]
    model, who = untrained(people=3), torch.tensor([2, 0])
    heard = model.branch(features)
    found = model.added(heard, who)
    for k, person in enumerate(who):
        torch.testing.assert_close(found[k], model.added(heard[k : k + 1], person[None])[0], atol=1e-5, rtol=0)
        torch.testing.assert_close(found[k, 5], model.added(heard[:, 5], who)[k], atol=1e-5, rtol=0)  # of one patch
    assert not torch.allclose(found, model.added(heard, who.flip(0)))
    everybody = [model.added(heard, torch.tensor([person] * 2)) for person in range(3)]
    torch.testing.assert_close(model.added(heard), torch.stack(everybody).mean(0), atol=1e-4, rtol=0)
