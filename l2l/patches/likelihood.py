"""Likelihood of codes, given those before them."""

import torch.nn.functional as F
from torch import Tensor


def nats(logits: Tensor, codes: Tensor) -> Tensor:
    """Cross entropy of each code, logits (B, P, Q, K) and codes (B, P, Q) -> (B, P, Q)."""
    return F.cross_entropy(logits.movedim(-1, 1), codes, reduction="none")


def before(codes: Tensor, unknown: int) -> Tensor:
    """The codes of the patch before each (B, P, Q); those before the first one are `unknown`."""
    return F.pad(codes[:, :-1], (0, 0, 1, 0), value=unknown)
