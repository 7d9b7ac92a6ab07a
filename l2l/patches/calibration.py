"""What is drawn for minutes stays likely: the frequencies of drawn codes are made those of true ones.

A model that draws for minutes builds on its own draws, so that small errors of one step add up: some postures were held
far too long, and heads drifted 1.3 times as far as the true ones. Therefore listeners are drawn for training speakers,
some rounds. Each time, codes that came more often than in the true listener lose some of their logit, and the others
gain. This belongs to drawing alone: likelihoods do not use it.
"""

import logging

import numpy as np
import torch
from torch import Tensor

from l2l.patches.crops import Crop
from l2l.patches.predictor import Predictor
from l2l.patches.sampler import Sampler

log = logging.getLogger(__name__)

STEP = 0.3  # of a logarithm of two frequencies, in each round
LEAST = 1e-3  # added to a frequency, so that a code that never came has a logarithm


@torch.no_grad()
def calibrate(model: Predictor, speakers: Crop, true: Tensor, rounds: int, seed: int) -> None:
    """Set the biases of `model` for drawing; `true` (Q, K) are the frequencies of the true codes."""
    model.bias.zero_()
    generator = np.random.default_rng(seed)
    for number in range(rounds):
        found = frequencies(drawn(model, speakers, generator), speakers.counted, model.codes)
        ratio = ((found + LEAST) / (true + LEAST)).log()  # (Q, K)
        if number in (0, rounds - 1):
            apart = float((true * -ratio).sum(-1).mean())
            log.info("round %d: frequencies of drawn and true codes are %.3f nats apart", number + 1, apart)
        model.bias.sub_(STEP * ratio.clamp(-1, 1))


def frequencies(codes: Tensor, counted: Tensor, count: int) -> Tensor:
    """(Q, K) shares of the `count` codes in (B, P, Q), of the patches that are `counted` (B, P)."""
    known = codes[counted].T  # (Q, n)
    return torch.stack([torch.bincount(level, minlength=count) for level in known]) / max(known.shape[1], 1)


@torch.no_grad()
def drawn(model: Predictor, speakers: Crop, generator: np.random.Generator, strength: float | None = None) -> Tensor:
    """Codes (B, P, Q) of listeners without a past to the speakers of some crops.

    In the listener's own turns the true codes are taken, so that what follows them begins as it did.
    """
    sampler = Sampler(model, strength)
    heard = model.branch(speakers.features)  # (B, P, H)
    memory, codes = sampler.begin(len(heard), speakers.who), []
    given = ~speakers.counted & (speakers.counted.flip(1).cumsum(1).flip(1) > 0)  # what nothing follows does not matter
    for patch, true, here in zip(heard.unbind(1), speakers.codes.unbind(1), given.T, strict=True):
        uniform = torch.from_numpy(generator.random((len(heard), model.per_patch))).to(heard.device)
        sampler.draw(memory, patch, uniform)
        memory.past = torch.where(here[:, None], true, memory.past)
        codes.append(memory.past)
    return torch.stack(codes, dim=1)
