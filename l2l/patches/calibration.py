"""After the training of a predictor of patches: its chances put right, so that what it draws for minutes stays likely.

- Dropout and little data leave a model too sure of what it learned. One temperature for each code of a patch is fitted
  to the held-out likelihood (Guo et al. 2017).
- A model that draws for minutes builds on its own draws. What one step hides in its likelihood - how slowly a head
  comes back from far out - adds up, until some postures are held far too long. So listeners are drawn for training
  speakers, codes that came more often than the true listener has them lose some of their logit, the others gain, and
  again, for some rounds. Without it, heads drifted 1.3 times as far as the true ones.
"""

import logging
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from scipy.optimize import minimize_scalar
from torch import Tensor

from l2l.features.sequences import cut, tiles
from l2l.patches.predictor import Predictor
from l2l.patches.sampler import Sampler
from l2l.units import PATCH

if TYPE_CHECKING:
    from l2l.patches.train_predictor import PredictorTask

log = logging.getLogger(__name__)

RANGE = 0.5, 2.0  # of temperatures
LISTENERS, PATCHES = 96, 160  # at most so many are drawn, for so long (43 s)
STEP = 0.3  # of a logarithm of two frequencies, in each round
LEAST = 1e-3  # a frequency, so that a code that never came has a logarithm


@torch.no_grad()
def calibrate(task: "PredictorTask", guidance: tuple[float, float], rounds: int, seed: int) -> None:
    """Set the temperatures and biases of `task.model`, as trained, for drawing with `guidance`."""
    model = task.model.eval()
    head = model.head
    head.temperature.fill_(1.0)
    head.bias.zero_()
    head.temperature.copy_(fitted_temperatures(task))
    log.info("temperatures of the codes: %s", " ".join(f"{value:.2f}" for value in head.temperature.tolist()))
    heard, inside, who = _speakers(task)
    true = frequencies(*_true_codes(task), model.codes)
    generator = np.random.default_rng(seed)
    for number in range(rounds):
        found = frequencies(drawn(model, heard, guidance, generator, who), inside, model.codes)
        ratio = ((found + LEAST) / (true + LEAST)).log()  # (Q, K)
        if number in (0, rounds - 1):
            apart = float((true * -ratio).sum(-1).mean())
            log.info("round %d: frequencies of drawn and true codes are %.3f nats apart", number + 1, apart)
        head.bias.sub_(STEP * ratio.clamp(-1, 1))


def fitted_temperatures(task: "PredictorTask") -> Tensor:
    """(Q,) of the least negative log-likelihood of the held-out codes, given all of the true past."""
    if not len(task.held):
        return torch.ones(task.model.per_patch)
    parts = [(logits[inside], codes[inside]) for logits, codes, inside in task.held_logits()]
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
    """Codes (B, P, Q) of listeners `who` (B,) that begin with nothing and hear (B, P, D)."""
    sampler = Sampler(model, guidance)
    memory, codes = sampler.begin(len(heard), who), []
    for patch in heard.unbind(1):
        uniform = torch.from_numpy(generator.random((len(heard), model.per_patch))).to(heard.device)
        codes.append(sampler.draw(memory, patch, uniform)[0])
    return torch.stack(codes, dim=1)


def _speakers(task: "PredictorTask") -> tuple[Tensor, Tensor, Tensor | None]:
    """What is heard (B, P, D) in stretches of training speakers, evenly chosen, which patches are real (B, P), who
    listens (B,)."""
    numbers = np.unique(task.places[:, 0])
    places = tiles(task.sequences.lengths // PATCH, numbers, PATCHES)  # (n, 2) sequence, patch
    places = places[np.linspace(0, len(places) - 1, min(LISTENERS, len(places))).astype(int)]
    longest = int(min(PATCHES, (task.sequences.lengths[places[:, 0]] // PATCH - places[:, 1]).max()))
    frames, inside = cut(task.sequences, places[:, 0], PATCH * places[:, 1], PATCH * longest)
    heard = task.model.listen(task.speaker[frames], task.audio[frames])
    real = torch.from_numpy(inside[:, PATCH - 1 :: PATCH]).to(heard.device)
    return heard, real, task.whose(places[:, 0])


def _true_codes(task: "PredictorTask") -> tuple[Tensor, Tensor]:
    """All codes of the training sequences (N, P, Q), from their first frame on, and which are real (N, P)."""
    numbers = np.unique(task.places[:, 0])
    counts = task.sequences.lengths[numbers] // PATCH
    steps = np.arange(counts.max())
    inside = steps < counts[:, None]
    rows = task.firsts[numbers][:, None] + np.minimum(steps, np.maximum(counts - 1, 0)[:, None])
    return task.codes[0, rows], torch.from_numpy(inside).to(task.codes.device)
