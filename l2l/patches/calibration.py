"""What is drawn for minutes stays likely: codes come as often as in the true listener, and drift as slowly.

A model that draws for minutes builds on its own draws, so that small errors of one step add up: some postures were held
far too long, and heads drifted 1.3 times as far as the true ones. Therefore listeners are drawn for training speakers,
some rounds. Each time two things are compared with the true listener, and the logits moved towards it:

- how frequent each code is (`bias`),
- how a patch goes together with the posture before it, their covariance (`l2l.patches.posture`).

A round draws for other speakers than the one before. What is kept is the mean of the second half of the rounds: each of
them is moved by chance (Polyak and Juditsky 1992).

This belongs to drawing alone: likelihoods do not use it.
"""

import logging
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from l2l.patches.crops import Crop
from l2l.patches.predictor import Predictor
from l2l.patches.sampler import Sampler

log = logging.getLogger(__name__)

STEP = 0.3  # of a logarithm of two frequencies, in each round
LEAST = 1e-3  # added to a frequency, so that a code that never came has a logarithm
TURN = 0.1  # of a difference of covariances, in each round


@torch.no_grad()
def calibrate(
    model: Predictor, speakers: Callable[[np.random.Generator], Crop], true: Crop, rounds: int, seed: int
) -> None:
    """Set bias and posture of `model` for drawing, from listeners drawn to some `speakers` in each round and from
    `true` ones."""
    model.bias.zero_()
    model.posture.fit(true.codes, true.counted)
    wanted = frequencies(true.codes, true.counted, model.codes)
    together = model.posture.covariances(true.codes, true.counted)
    own = [model.bias, *model.posture.pulls]
    generator, kept = np.random.default_rng(seed), []
    for number in range(rounds):
        crops = speakers(generator)
        codes = drawn(model, crops, generator)
        ratio = ((frequencies(codes, crops.counted, model.codes) + LEAST) / (wanted + LEAST)).log()  # (Q, K)
        found = model.posture.covariances(codes, crops.counted)
        if number in (0, rounds - 1):
            apart = float((wanted * -ratio).sum(-1).mean())
            shares = [a.off(b) for a, b in zip(found, together, strict=True)]
            log.info("round %d: frequencies are %.3f nats off, posture %.2f and %.2f", number + 1, apart, *shares)
        model.bias.sub_(STEP * ratio.clamp(-1, 1))
        model.posture.turn(found, together, TURN)
        if number >= rounds // 2:
            kept.append([each.clone() for each in own])
    for each, values in zip(own, zip(*kept, strict=True), strict=True):
        each.copy_(torch.stack(values).mean(0))


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
        sampler.draw(memory, patch, uniform, (here, true))
        codes.append(memory.past)
    return torch.stack(codes, dim=1)
