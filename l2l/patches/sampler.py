"""Drawing codes from the predictor of patches, one patch after another, for some listeners at once.

- All that changes is in `Memory`. The codes follow from it, from the speaker, and from given uniform numbers.
- Guidance (Ho and Salimans 2022) also needs the same listeners without a speaker: the batch is doubled.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from l2l.codes import nucleus
from l2l.patches.causal import Cache
from l2l.patches.predictor import Predictor


@dataclass
class Memory:
    """All that is remembered from patch to patch."""

    cache: Cache  # of the predictor; with guidance, those with a speaker, then those without
    past: Tensor  # (B, Q) the codes of the last patch
    who: Tensor | None  # (B,) which listener, for a model of several


class Sampler:
    """How codes are drawn: calibrated; temperature 1, top_p 1 and guidance 1 change nothing more."""

    def __init__(
        self, predictor: Predictor, guidance: tuple[float, float], temperature: float = 1.0, top_p: float = 1.0
    ) -> None:
        """`guidance` of pose codes and of expression codes."""
        self.predictor, self.temperature, self.top_p = predictor, temperature, top_p
        strengths = [strength for strength in guidance for _ in range(predictor.per_patch // 2)]
        self.strengths = strengths if strengths != [1.0] * len(strengths) else None

    def begin(self, count: int, who: Tensor | None = None) -> Memory:
        """Before the first patch of `count` listeners; `who` (count,) of several."""
        predictor = self.predictor
        past = torch.full((count, predictor.per_patch), predictor.unknown, device=predictor.null.device)
        return Memory(predictor.begin(2 * count if self.strengths else count), past, who)

    def draw(self, memory: Memory, heard: Tensor, uniform: Tensor) -> tuple[Tensor, Tensor]:
        """Codes (B, Q) of the next patch and the entropy (B,) of what they were drawn from, nats.

        heard (B, D) is what the predictor hears, uniform (B, Q) numbers of 0..1, double.
        """
        trunk, head = self._trunk(memory, heard), self.predictor.head
        codes, entropy = [], uniform.new_zeros(len(uniform))
        for q in range(self.predictor.per_patch):
            logits = head.one(trunk, q)  # (B, K), or (2 B, K) with those without a speaker
            if self.strengths:
                with_speaker, without = logits.chunk(2)
                logits = without + self.strengths[q] * (with_speaker - without)
            cumulated, entropies = self._probabilities(head.calibrated(logits, q))
            entropy = entropy + entropies
            found = (cumulated <= uniform[:, q, None] * cumulated[:, -1:]).sum(-1)  # the cumulated inverted, (B,)
            codes.append(found.clamp(max=logits.shape[-1] - 1))
            if q < len(head.seen):
                drawn = head.embed(codes[-1], q)  # (B, D)
                trunk = trunk + (drawn.repeat(2, 1) if self.strengths else drawn)
        memory.past = torch.stack(codes, dim=-1)
        return memory.past, entropy

    def follow(self, memory: Memory, heard: Tensor, codes: Tensor) -> None:
        """Go on one patch with given codes (B, Q) instead of drawn ones: a real past."""
        self._trunk(memory, heard)
        memory.past = codes

    def _trunk(self, memory: Memory, heard: Tensor) -> Tensor:
        """(B, D), or (2 B, D) with those without a speaker."""
        past, who = memory.past, memory.who
        if self.strengths:
            heard = torch.cat([heard, self.predictor.null.expand_as(heard)])
            past, who = past.repeat(2, 1), None if who is None else who.repeat(2)
        return self.predictor.step(past, heard, memory.cache, who)

    def _probabilities(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        """Cumulated probabilities (B, K) and entropy (B,), nats."""
        if self.top_p < 1:
            probabilities = nucleus(logits.double(), self.temperature, self.top_p)
        else:
            probabilities = (logits.double() / self.temperature).softmax(-1)
        return probabilities.cumsum(-1), torch.special.entr(probabilities).sum(-1)
