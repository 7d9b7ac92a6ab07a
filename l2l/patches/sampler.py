"""Drawing codes from the predictor of patches, one patch after another, for some listeners at once.

All that changes is in `Memory`. The codes follow from it, from the speaker, and from given uniform numbers.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from l2l.codes import nucleus
from l2l.patches.causal import Cache
from l2l.patches.predictor import Predictor


@dataclass
class Memory:
    """All that is remembered of the listeners from patch to patch."""

    cache: Cache
    past: Tensor  # (B, Q) the codes of the last patch
    who: Tensor | None  # (B,) which listener, for a model of several
    posture: list[Tensor]  # (B, L) of each codec: see `l2l.patches.posture`


class Sampler:
    """How codes are drawn: with a temperature and top_p of 1, from the model as it is calibrated."""

    def __init__(
        self, predictor: Predictor, strength: float | None = None, temperature: float = 1.0, top_p: float = 1.0
    ) -> None:
        """`strength` of the speaker: 1 as learned; None: the predictor's own."""
        self.predictor, self.temperature, self.top_p = predictor, temperature, top_p
        own = predictor.strength
        self.strength = own if strength is None else torch.full_like(own, strength)

    def begin(self, count: int, who: Tensor | None = None) -> Memory:
        """Before the first patch of `count` listeners; `who` (count,) of several."""
        predictor = self.predictor
        past = torch.full((count, predictor.per_patch), predictor.unknown, device=predictor.bias.device)
        return Memory(predictor.begin(count), past, who, predictor.posture.begin(count))

    def draw(
        self, memory: Memory, heard: Tensor, uniform: Tensor, known: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Codes (B, Q) of the next patch and the entropy (B,) of what they were drawn from, nats.

        heard (B, H) is what the predictor hears, uniform (B, Q) numbers of 0..1, double. `known`: for which listeners
        (B,) the codes are given, not drawn, and those codes (B, Q).
        """
        model = self.predictor
        bias = model.bias + model.posture.added(memory.posture)  # (B, Q, K)
        x = model.step(memory.past, memory.cache, memory.who)  # (B, D)
        added = model.offset + self.strength[:, None] * model.added(heard, memory.who)  # (B, Q, K)
        codes, entropy = [], uniform.new_zeros(len(uniform))
        for q in range(model.per_patch):
            logits = (model.head.one(x, q) + added[:, q]) / model.temperature[q] + bias[:, q]  # (B, K)
            cumulated, entropies = self._probabilities(logits)
            entropy = entropy + entropies
            found = (cumulated <= uniform[:, q, None] * cumulated[:, -1:]).sum(-1)  # the cumulated inverted, (B,)
            codes.append(found.clamp(max=logits.shape[-1] - 1))
            if q < len(model.head.seen):
                x = x + model.head.embed(codes[-1], q)
        drawn = torch.stack(codes, dim=-1)
        self._remember(memory, drawn if known is None else torch.where(known[0][:, None], known[1], drawn))
        return memory.past, entropy

    def follow(self, memory: Memory, codes: Tensor) -> None:
        """Go on one patch with given codes (B, Q) instead of drawn ones: a real past."""
        self.predictor.step(memory.past, memory.cache, memory.who)
        self._remember(memory, codes)

    def _remember(self, memory: Memory, codes: Tensor) -> None:
        memory.past, memory.posture = codes, self.predictor.posture.follow(memory.posture, codes)

    def _probabilities(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        """Cumulated probabilities (B, K) and entropy (B,), nats."""
        if self.top_p < 1:
            probabilities = nucleus(logits.double(), self.temperature, self.top_p)
        else:
            probabilities = (logits.double() / self.temperature).softmax(-1)
        return probabilities.cumsum(-1), torch.special.entr(probabilities).sum(-1)
