"""Layers that codebook and predictor share: convolutions over time and transformers.

- A block of convolution is convolution, LeakyReLU, then BatchNorm: the norm comes after the activation, as released.
- Padding is a switch: torch before 1.5 silently ignored "replicate" here, so which of the two the released weights
  were trained with cannot be seen in their code.
- Transformers are pre-norm and residual around every sublayer, without dropout or final norm.
- Attention scores are scaled by the FULL width ** -0.5, not the head's: softer than the standard scaling. The released
  weights were trained with it, so it stays.
- Cross-modal attention adds its result to the stream that gives keys and values, not to the one that asks. That is
  unusual; it works because both streams have T steps.
- Module names, and the order in which modules are made, are those of the released checkpoints.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

from l2l.precision import attention

KERNEL = 5  # frames
SLOPE = 0.2  # of LeakyReLU below zero
Padding = Literal["replicate", "zeros"]


def block(channels_in: int, channels_out: int, padding: Padding, stride: int = 1) -> list[nn.Module]:
    """The modules of one block, (B, C_in, T) -> (B, C_out, T / stride)."""
    return [
        nn.Conv1d(channels_in, channels_out, KERNEL, stride=stride, padding=KERNEL // 2, padding_mode=padding),
        nn.LeakyReLU(SLOPE),
        nn.BatchNorm1d(channels_out),
    ]


def squasher(channels_in: int, channels_out: int, padding: Padding) -> nn.Sequential:
    """Three blocks that halve time each, (B, C_in, T) -> (B, C_out, T / 8)."""
    return nn.Sequential(
        nn.Sequential(*block(channels_in, channels_out, padding, stride=2)),
        nn.Sequential(*block(channels_out, channels_out, padding), nn.MaxPool1d(2)),
        nn.Sequential(*block(channels_out, channels_out, padding), nn.MaxPool1d(2)),
    )


class PositionEmbedding(nn.Module):
    """Adds a learned vector to each step, (B, T, D) -> (B, T, D); it starts at zero."""

    def __init__(self, steps: int, width: int) -> None:
        super().__init__()
        self.pos_embedding = nn.Parameter(torch.zeros(steps, width))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.pos_embedding


class Residual(nn.Module):
    """x + fn(LayerNorm(x)); the context handed on with it is not normalised."""

    def __init__(self, width: int, fn: nn.Module) -> None:
        super().__init__()
        self.fn = nn.ModuleDict({"norm": nn.LayerNorm(width), "fn": fn})

    def forward(self, x: Tensor, **context: Tensor | None) -> Tensor:
        return x + self.fn["fn"](self.fn["norm"](x), **context)


class Attention(nn.Module):
    """Multi-head attention, (B, T, D) -> (B, T, D): of a sequence to itself or, if `cross`, of a `query` to it.

    The query is another sequence (B, T, D). `mask` is (T, T), True where a query (row) may look at a key (column).
    """

    def __init__(self, width: int, heads: int, cross: bool) -> None:
        super().__init__()
        self.heads, self.cross = heads, cross
        if cross:
            self.to_kv, self.to_q = nn.Linear(width, 2 * width, bias=False), nn.Linear(width, width, bias=False)
        else:
            self.to_qkv = nn.Linear(width, 3 * width, bias=False)
        self.to_out = nn.Linear(width, width)

    def forward(self, x: Tensor, query: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        parts = (self.to_q(query), *self.to_kv(x).chunk(2, -1)) if self.cross else self.to_qkv(x).chunk(3, -1)
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in parts)  # (B, H, T, D/H)
        attended = attention(q, k, v, mask, scale=x.shape[-1] ** -0.5)
        return self.to_out(attended.transpose(1, 2).flatten(2))


def layer(attend: nn.Module, mlp: nn.Module, x: Tensor, context: dict[str, Tensor | None]) -> Tensor:
    """One layer of a transformer, (B, T, D) -> (B, T, D)."""
    return mlp(attend(x, **context))


class Transformer(nn.Module):
    """Attention and MLP in turn, (B, T, D) -> (B, T, D): layer l is entries 2l and 2l + 1.

    Every layer gets the same `context`: a mask, or the un-normalised query if `cross`.
    """

    layer: Callable[..., Tensor] = staticmethod(layer)

    def __init__(self, width: int, layers: int, heads: int, inner: int, cross: bool = False) -> None:
        super().__init__()
        sublayers: list[nn.Module] = []
        for attend in [Attention(width, heads, cross) for _ in range(layers)]:
            l1, l2 = nn.Linear(width, inner), nn.Linear(inner, width)
            sublayers += [attend, nn.Sequential(OrderedDict(l1=l1, gelu=nn.GELU(approximate="tanh"), l2=l2))]
        self.net = nn.ModuleList([Residual(width, sublayer) for sublayer in sublayers])

    def forward(self, x: Tensor, **context: Tensor | None) -> Tensor:
        for i in range(0, len(self.net), 2):
            x = self.layer(self.net[i], self.net[i + 1], x, context)
        return x
