"""After the training of a predictor: its probabilities corrected, so that what it draws for minutes stays likely.

- With dropout and little data a model is too sure of what it learned. One temperature for each code of a patch is
  fitted to the held-out likelihood (Guo et al. 2017).
- A model that draws for minutes builds on its own draws, so that small errors of one step add up: some postures were
  held far too long, and heads drifted 1.3 times as far as the true ones. Therefore listeners are drawn for training
  speakers, some rounds. Each time, codes that came more often than in the true listener lose some of their logit, and
  the others gain.
"""

import logging
from collections.abc import Iterator
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from scipy.optimize import minimize_scalar
from torch import Tensor

from l2l.patches.predictor import Predictor
from l2l.patches.sampler import Sampler

log = logging.getLogger(__name__)

RANGE = 0.5, 2.0  # of temperatures
LISTENERS, PATCHES = 96, 160  # at most so many are drawn, for so long (43 s)
STEP = 0.3  # of a logarithm of two frequencies, in each round
LEAST = 1e-3  # added to a frequency, so that a code that never came has a logarithm


class Trained(Protocol):
    """A predictor after its training, with the data that it was trained and validated on."""

    @property
    def model(self) -> Predictor: ...

    def held_logits(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Logits (B, P, Q, K) of held-out codes (B, P, Q), and which patches are real (B, P)."""
        ...

    def training_speakers(self, count: int, patches: int) -> tuple[Tensor, Tensor, Tensor | None]:
        """Encoded speakers (B, P, D) of training; which patches are real (B, P); who listens (B,).

        B is at most `count`, P at most `patches`.
        """
        ...

    def training_codes(self) -> tuple[Tensor, Tensor]:
        """The true codes (N, P, Q) of the training sequences, and which are real (N, P)."""
        ...


@torch.no_grad()
def calibrate(task: Trained, guidance: tuple[float, float], rounds: int, seed: int) -> None:
    """Set the temperatures and biases of `task.model`, as trained, for drawing with `guidance`."""
    model = task.model.eval()
    head = model.head
    head.temperature.fill_(1.0)
    head.bias.zero_()
    head.temperature.copy_(fitted_temperatures(task))
    log.info("temperatures of the codes: %s", " ".join(f"{value:.2f}" for value in head.temperature.tolist()))
    heard, inside, who = task.training_speakers(LISTENERS, PATCHES)
    true = frequencies(*task.training_codes(), model.codes)
    generator = np.random.default_rng(seed)
    for number in range(rounds):
        found = frequencies(drawn(model, heard, guidance, generator, who), inside, model.codes)
        ratio = ((found + LEAST) / (true + LEAST)).log()  # (Q, K)
        if number in (0, rounds - 1):
            apart = float((true * -ratio).sum(-1).mean())
            log.info("round %d: frequencies of drawn and true codes are %.3f nats apart", number + 1, apart)
        head.bias.sub_(STEP * ratio.clamp(-1, 1))


def fitted_temperatures(task: Trained) -> Tensor:
    """(Q,) of the least negative log-likelihood of the held-out codes, given all of the true past."""
    parts = [(logits[inside], codes[inside]) for logits, codes, inside in task.held_logits()]
    if not parts:
        return torch.ones(task.model.per_patch)
    everything, true = (torch.cat(part) for part in zip(*parts, strict=True))  # (n, Q, K), (n, Q)

    def best(q: int) -> float:
        def loss(temperature: float) -> float:
            return float(F.cross_entropy(everything[:, q] / temperature, true[:, q]))

        return float(minimize_scalar(loss, bounds=RANGE, method="bounded", options={"xatol": 1e-3}).x)

    return torch.tensor([best(q) for q in range(task.model.per_patch)])


def frequencies(codes: Tensor, inside: Tensor, count: int) -> Tensor:
    """(Q, K) shares of the `count` codes in (B, P, Q), where `inside` (B, P)."""
    known = codes[inside].T  # (Q, n)
    return torch.stack([torch.bincount(level, minlength=count) for level in known]) / max(known.shape[1], 1)


def drawn(
    model: Predictor,
    heard: Tensor,
    guidance: tuple[float, float],
    generator: np.random.Generator,
    who: Tensor | None = None,
) -> Tensor:
    """Codes (B, P, Q) of listeners `who` (B,) without a past, for encoded speakers (B, P, D)."""
    sampler = Sampler(model, guidance)
    memory, codes = sampler.begin(len(heard), who), []
    for patch in heard.unbind(1):
        uniform = torch.from_numpy(generator.random((len(heard), model.per_patch))).to(heard.device)
        codes.append(sampler.draw(memory, patch, uniform)[0])
    return torch.stack(codes, dim=1)
