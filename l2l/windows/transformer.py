"""Transformer layers of the two models.

- Pre-norm and residual around every sublayer, no dropout, no final norm.
- Attention scores are scaled by the FULL width ** -0.5, not the head's: softer than the standard scaling. The released
  weights were trained with it, so it stays.
- Cross-modal attention adds its result to the stream that gives keys and values, not to the one that asks.
- Module names, and the order in which modules are made, are those of the released checkpoints.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class PositionEmbedding(nn.Module):
    """Adds a learned vector to each step, (B, T, D) -> (B, T, D); it starts at zero."""

    def __init__(self, steps: int, width: int) -> None:
        super().__init__()
        self.pos_embedding = nn.Parameter(torch.zeros(steps, width))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.pos_embedding


class Residual(nn.Module):
    """x + fn(x)."""

    def __init__(self, fn: nn.Module) -> None:
        super().__init__()
        self.fn = fn

    def forward(self, x: Tensor, **context: Tensor | None) -> Tensor:
        return x + self.fn(x, **context)


class PreNorm(nn.Module):
    """fn(LayerNorm(x)); the context handed on with it is not normalised."""

    def __init__(self, width: int, fn: nn.Module) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.fn = fn

    def forward(self, x: Tensor, **context: Tensor | None) -> Tensor:
        return self.fn(self.norm(x), **context)


class MLP(nn.Module):
    """Linear, GELU, Linear on the last axis."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.l1 = nn.Linear(width, inner)
        self.l2 = nn.Linear(inner, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.l2(F.gelu(self.l1(x), approximate="tanh"))


def _split_heads(x: Tensor, heads: int) -> Tensor:
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)  # (B, T, D) -> (B, H, T, D/H)


def _merge_heads(x: Tensor) -> Tensor:
    return x.transpose(1, 2).flatten(2)  # (B, H, T, D/H) -> (B, T, D)


class SelfAttention(nn.Module):
    """Multi-head attention of a sequence to itself, (B, T, D) -> (B, T, D).

    `mask` is (T, T), True where a query (row) may look at a key (column); None hides nothing.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.scale = width**-0.5  # full width, not head width: see the top of this file
        self.to_qkv = nn.Linear(width, 3 * width, bias=False)
        self.to_out = nn.Linear(width, width)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        q, k, v = (_split_heads(part, self.heads) for part in self.to_qkv(x).chunk(3, dim=-1))
        attended = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=self.scale)
        return self.to_out(_merge_heads(attended))


class CrossAttention(nn.Module):
    """Queries from one stream, keys and values from another of the same length; all (B, T, D)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.scale = width**-0.5
        self.to_kv = nn.Linear(width, 2 * width, bias=False)
        self.to_q = nn.Linear(width, width, bias=False)
        self.to_out = nn.Linear(width, width)

    def forward(self, x: Tensor, query: Tensor) -> Tensor:
        k, v = (_split_heads(part, self.heads) for part in self.to_kv(x).chunk(2, dim=-1))
        q = _split_heads(self.to_q(query), self.heads)
        attended = F.scaled_dot_product_attention(q, k, v, scale=self.scale)
        return self.to_out(_merge_heads(attended))


def _layers(attentions: list[nn.Module], width: int, inner: int) -> nn.ModuleList:
    """Attention and MLP in turn: layer l is entries 2l and 2l + 1."""
    sublayers = [sublayer for attention in attentions for sublayer in (attention, MLP(width, inner))]
    return nn.ModuleList([Residual(PreNorm(width, sublayer)) for sublayer in sublayers])


class Transformer(nn.Module):
    """Self-attention layers, (B, T, D) -> (B, T, D); `mask` (T, T) is the same in every layer and head."""

    def __init__(self, width: int, layers: int, heads: int, inner: int) -> None:
        super().__init__()
        self.net = _layers([SelfAttention(width, heads) for _ in range(layers)], width, inner)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        for i in range(0, len(self.net), 2):
            x = self.net[i + 1](self.net[i](x, mask=mask))
        return x


class CrossModalTransformer(nn.Module):
    """Joins audio to motion, both (B, T, D) -> (B, T, D).

    Every layer asks with the same, un-normalised audio and adds the answer to the motion it asked about. That the
    residual sits on the key and value stream is unusual; it works because both streams have T steps.
    """

    def __init__(self, width: int, layers: int, heads: int, inner: int) -> None:
        super().__init__()
        self.net = _layers([CrossAttention(width, heads) for _ in range(layers)], width, inner)

    def forward(self, motion: Tensor, audio: Tensor) -> Tensor:
        for i in range(0, len(self.net), 2):
            motion = self.net[i + 1](self.net[i](motion, query=audio))
        return motion
