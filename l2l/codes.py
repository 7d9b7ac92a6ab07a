"""What any model of codes needs: how likely codes are drawn, and how many are in use."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


def nucleus(logits: Tensor, temperature: float, top_p: float) -> Tensor:
    """Probabilities of nucleus sampling (Holtzman et al. 2020), (..., K) -> (..., K).

    The likeliest codes are kept up to and including the one whose cumulated probability crosses `top_p`, so at least
    one stays; the others get exactly 0. The temperature is applied before the choice.
    """
    scaled = logits / temperature
    ordered, order = scaled.sort(dim=-1, descending=True)
    probabilities = ordered.softmax(-1)
    before = F.pad(probabilities.cumsum(-1)[..., :-1], (1, 0))  # mass of the likelier codes
    kept = torch.zeros_like(scaled, dtype=torch.bool).scatter(-1, order, before <= top_p)
    return scaled.masked_fill(~kept, -torch.inf).softmax(-1)


def perplexity(counts: np.ndarray) -> float:
    """exp of the entropy of code counts (K,): how many codes are in use, 1 to K; 0 without any count."""
    shares = counts[counts > 0] / max(counts.sum(), 1)
    return float(np.exp(-(shares * np.log(shares)).sum())) if len(shares) else 0.0
