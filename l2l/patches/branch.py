"""The speaker's branch: what the speaker adds to the logits of a listener that is known without one.

- It is small, and starts at nothing: its last layers are zeros. A branch that validation does not like stays there, so
  a listener with a speaker is never worse than without.
- It aims at vectors of the codebook, not at numbers of codes: 64 free logits a code, of the same size, learned a tenth.
- Several people hear alike, and answer each in their own way: each has last layers of their own.
- It looks 9 patches back (2.4 s). What lasts longer is in the features (`l2l.features.speaker`).
- Ng et al. 2022, section 3.3, join speaker and listener by cross-attention from the first layer on.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from l2l import config
from l2l.features import speaker
from l2l.patches.codec import CausalConv
from l2l.units import PATCH

PARTS = 2  # of a patch, of which the branch sees the means of all features


class SpeakerBranch(nn.Module):
    """Features (B, 8 P, F) of the speaker -> additions to the logits of Q codes (B, P, Q, K)."""

    def __init__(self, sizes: config.BranchSettings, latents: list[int], people: int = 0) -> None:
        """`latents`: size of the vectors of each of the Q codes of a patch. `people`: as of the predictor."""
        super().__init__()
        width, hidden = sizes.width, sizes.hidden
        self.input_dropout, self.dropout = nn.Dropout(sizes.input_dropout), nn.Dropout(sizes.dropout)
        self.start = nn.Linear(PARTS * speaker.count(), width)
        self.near = CausalConv(width, hidden, 3)
        self.far = CausalConv(hidden, hidden, 3, dilation=3)
        self.people = max(people, 1)
        self.aims = nn.ModuleList([nn.Linear(hidden, self.people * latent) for latent in latents])
        for weight in self.aims.parameters():
            nn.init.zeros_(weight)

    def listen_to(self, chosen: list[int]) -> Tensor:
        """Ignore all features but these; returns (F,), 1 for each of them and 0 for the others.

        The others' weights become 0, and stay 0 in a training that shows nothing but zeros there.
        """
        heard = self.start.weight.new_zeros(speaker.count())
        heard[chosen] = 1
        with torch.no_grad():
            self.start.weight *= heard.repeat(PARTS)
        return heard

    def scaled(self, scale: float) -> dict[str, Tensor]:
        """Its state, with weights that add `scale` times as much."""
        state = self.state_dict()
        return {name: weight * scale if name.startswith("aims.") else weight.clone() for name, weight in state.items()}

    def forward(self, features: Tensor, memory: list[Tensor] | None = None) -> Tensor:
        """(B, 8 P, F) -> (B, P, H). With `memory` they follow the patches of the last call; it is replaced in place."""
        parts = features.unflatten(1, (-1, PARTS, PATCH // PARTS)).mean(3).flatten(2)  # (B, P, PARTS F)
        x = F.gelu(self.start(self.input_dropout(parts))).transpose(1, 2)  # (B, W, P)
        x = F.gelu(self._convolved(self.near, x, memory, 0))  # (B, H, P)
        x = x + F.gelu(self._convolved(self.far, x, memory, 1))
        return self.dropout(x.transpose(1, 2))

    def begin(self, batch: int) -> list[Tensor]:
        """The memory of `forward`: the last inputs of both convolutions, zeros before the first patch."""
        return [self.start.weight.new_zeros(batch, c.in_channels, c.reach) for c in (self.near, self.far)]

    @staticmethod
    def _convolved(conv: CausalConv, x: Tensor, memory: list[Tensor] | None, number: int) -> Tensor:
        if memory is None:
            return conv(x)
        past, memory[number] = memory[number], torch.cat([memory[number], x], dim=-1)[..., -conv.reach :]
        return conv(x, past)

    def added(self, heard: Tensor, vectors: list[Tensor], who: Tensor | None = None) -> Tensor:
        """What is heard (B, ..., H) -> additions to logits (B, ..., Q, K), for the vectors (K, L) of each code.

        `who` (B,): which listener, of several; None: what they add on average.
        """
        found = [self._own(layer(heard), who) @ own.T for layer, own in zip(self.aims, vectors, strict=True)]
        return torch.stack(found, dim=-2)

    def _own(self, aims: Tensor, who: Tensor | None) -> Tensor:
        """Of the aims of everybody (B, ..., people L) those of `who` (B,), or their mean: (B, ..., L)."""
        everybody = aims.unflatten(-1, (self.people, -1))
        return everybody.mean(-2) if who is None else everybody[torch.arange(len(who), device=who.device), ..., who, :]
