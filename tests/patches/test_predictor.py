"""The predictor of patches: causal in everything, any length, the same step by step."""

import pytest
import torch
import torch.nn.functional as F

from l2l.patches.codebook import Codebook
from l2l.patches.predictor import Predictor
from tests.tiny import tiny_patches

P = 30


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    codebook = Codebook(tiny_patches().codebook)
    return Predictor(tiny_patches().predictor, codebook).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def inputs():
    generator = torch.Generator().manual_seed(1)
    codes = torch.randint(0, 16, (2, P, 6), generator=generator)
    past = F.pad(codes[:, :-1], (0, 0, 1, 0), value=16)
    motion, audio = (torch.randn(2, 8 * P, channels, generator=generator) for channels in (56, 128))
    return past, motion, audio, codes


def test_steps_give_what_the_whole_sequence_gives(model, inputs):
    past, motion, audio, codes = inputs
    heard, memory = model.listen(motion, audio), model.begin(2)
    trunk = torch.stack([model.step(past[:, t], heard[:, t], memory) for t in range(P)], dim=1)
    torch.testing.assert_close(model.head(trunk, codes), model(*inputs), atol=1e-5, rtol=0)


def test_a_code_sees_the_speaker_until_its_own_patch_and_the_codes_before_it(model, inputs):
    past, motion, audio, codes = inputs
    louder = audio.clone()
    louder[:, 80:88] += 1
    same = (model(past, motion, audio, codes) == model(past, motion, louder, codes)).flatten(2).all(-1)[0]
    assert same[:10].all() and not same[10]
    others = codes.clone()
    others[:, 10, 2] = (others[:, 10, 2] + 1) % 16
    same = (model(past, motion, audio, codes) == model(past, motion, audio, others)).all(-1)[0]
    assert same[:10].all() and same[10, :3].all() and not same[10, 3]


def test_a_dropped_speaker_changes_nothing(model, inputs):
    past, motion, audio, codes = inputs
    dropped = torch.tensor([True, False])
    first, second = model(past, motion, audio, codes, dropped), model(past, motion + 1, audio, codes, dropped)
    torch.testing.assert_close(first[0], second[0])
    assert not torch.equal(first[1], second[1])


def test_listeners_are_told_apart_with_and_without_a_speaker(inputs):
    past, motion, audio, codes = (x[:1].expand(2, *x.shape[1:]) for x in inputs)
    torch.manual_seed(0)
    model = Predictor(tiny_patches().predictor, Codebook(tiny_patches().codebook), people=2)
    model.eval().requires_grad_(False)
    for dropped in (torch.zeros(2, dtype=torch.bool), torch.ones(2, dtype=torch.bool)):
        logits = model(past, motion, audio, codes, dropped, torch.tensor([0, 1]))
        assert not torch.allclose(logits[0], logits[1])
        same = model(past, motion, audio, codes, dropped, torch.tensor([1, 1]))
        torch.testing.assert_close(same[0], logits[1])
