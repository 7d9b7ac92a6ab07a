"""Likelihood of codes, given those before them."""

import torch
import torch.nn.functional as F
from torch import Tensor

from l2l.patches.predictor import Predictor

AT_ONCE = 256  # patches


def nats(logits: Tensor, codes: Tensor) -> Tensor:
    """Cross entropy of each code, logits (B, P, Q, K) and codes (B, P, Q) -> (B, P, Q)."""
    return F.cross_entropy(logits.movedim(-1, 1), codes, reduction="none")


def before(codes: Tensor, unknown: int) -> Tensor:
    """The codes of the patch before each (B, P, Q); those before the first one are `unknown`."""
    return F.pad(codes[:, :-1], (0, 0, 1, 0), value=unknown)


def unconditional(predictor: Predictor, codes: Tensor, who: Tensor | None = None) -> Tensor:
    """Logits (B, P, Q, K) of codes (B, P, Q) without a speaker, given all of their past; before the temperature.

    They are made in parts, each with the patches before it that its layers see: memory grows with P, not with P * P.
    """
    past, reach = before(codes, predictor.unknown), len(predictor.trunk.layers) * (predictor.trunk.window - 1)
    found = []
    for start in range(0, codes.shape[1], AT_ONCE):
        first = max(0, start - reach)
        seen = slice(first, start + AT_ONCE)
        found.append(predictor.unconditional(past[:, seen], codes[:, seen], who)[:, start - first :])
    return torch.cat(found, dim=1)
