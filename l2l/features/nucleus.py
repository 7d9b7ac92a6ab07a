"""Nucleus sampling (Holtzman et al. 2020)."""

import torch
import torch.nn.functional as F
from torch import Tensor


def nucleus(logits: Tensor, temperature: float, top_p: float) -> Tensor:
    """Probabilities of nucleus sampling, (..., K) -> (..., K).

    The likeliest codes are kept up to and including the one whose cumulated probability crosses `top_p`, so at least
    one stays; the others get exactly 0. The temperature is applied before the choice.
    """
    scaled = logits / temperature
    ordered, order = scaled.sort(dim=-1, descending=True)
    probabilities = ordered.softmax(-1)
    before = F.pad(probabilities.cumsum(-1)[..., :-1], (1, 0))  # mass of the likelier codes
    kept = torch.zeros_like(scaled, dtype=torch.bool).scatter(-1, order, before <= top_p)
    return scaled.masked_fill(~kept, -torch.inf).softmax(-1)
