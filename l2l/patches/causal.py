"""A causal transformer over patches that looks a bounded time back, so that it runs for ever.

- Each layer sees its own patch and the `window - 1` before it. Rotary positions know only distances (Su et al. 2021),
  so a sequence may be longer than any in training, and the memory of a layer is a fixed number of keys and values.
- Angles are made in double precision: after hours of streaming, single precision would blur neighbouring patches.
- `step` gives what `forward` gives for the same patches, up to rounding.
"""

import torch
from torch import Tensor, nn

from l2l.precision import attention

BASE = 1000.0  # patches, about the slowest rotation


def rotary(positions: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines (T, size / 2) of positions (T,), for heads of `size` channels."""
    rates = BASE ** (-torch.arange(0, size, 2, dtype=torch.float64, device=positions.device) / size)
    angles = positions.double()[:, None] * rates
    return angles.cos().float(), angles.sin().float()


def rotate(x: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
    """Turn pairs of channels of x (..., T, size) by the angles of each position."""
    first, second = x.chunk(2, dim=-1)
    cosine, sine = turn
    return torch.cat([first * cosine - second * sine, first * sine + second * cosine], dim=-1)


def sliding_window(length: int, window: int, device: torch.device) -> Tensor:
    """(T, T) True where a query (row) may look at a key (column)."""
    steps = torch.arange(length, device=device)
    back = steps[:, None] - steps  # (T, T)
    return (back >= 0) & (back < window)


class Layer(nn.Module):
    """Pre-norm attention and MLP, (B, T, D) -> (B, T, D)."""

    def __init__(self, width: int, heads: int, inner: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm, self.mlp_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, inner), nn.GELU(), nn.Linear(inner, width))
        self.dropout = nn.Dropout(dropout)

    def _qkv(self, x: Tensor, turn: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        qkv = self.qkv(self.attention_norm(x)).unflatten(-1, (3, self.heads, -1))  # (B, T, 3, H, D / H)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # (B, H, T, D / H) each
        return rotate(q, turn), rotate(k, turn), v

    def _finish(self, x: Tensor, attended: Tensor) -> Tensor:
        x = x + self.dropout(self.out(attended.transpose(1, 2).flatten(2)))  # (B, H, T, D / H) -> (B, T, D)
        return x + self.dropout(self.mlp(self.mlp_norm(x)))

    def forward(self, x: Tensor, turn: tuple[Tensor, Tensor], mask: Tensor) -> Tensor:
        q, k, v = self._qkv(x, turn)
        return self._finish(x, attention(q, k, v, mask))

    def step(
        self, x: Tensor, turn: tuple[Tensor, Tensor], past: tuple[Tensor, Tensor], reach: int
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """x (B, 1, D) with keys and values (B, H, <= reach, D / H) of the past; both of the next step's past, too."""
        q, k, v = self._qkv(x, turn)
        keys, values = torch.cat([past[0], k], dim=2), torch.cat([past[1], v], dim=2)
        out = self._finish(x, attention(q, keys, values))
        return out, (keys[:, :, -reach:], values[:, :, -reach:])


class Cache:
    """Keys and values of the last patches in every layer, and the number of patches seen."""

    def __init__(self, layers: list[tuple[Tensor, Tensor]]) -> None:
        self.layers, self.position = layers, 0


class CausalTransformer(nn.Module):
    """Layers with a sliding window, (B, T, D) -> (B, T, D), normalised at the end."""

    def __init__(self, width: int, layers: int, heads: int, inner: int, window: int, dropout: float) -> None:
        super().__init__()
        self.window, self.heads, self.size = window, heads, width // heads
        self.layers = nn.ModuleList([Layer(width, heads, inner, dropout) for _ in range(layers)])
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        turn = rotary(torch.arange(x.shape[1], device=x.device), self.size)
        mask = sliding_window(x.shape[1], self.window, x.device)
        for layer in self.layers:
            x = layer(x, turn, mask)
        return self.norm(x)

    def begin(self, batch: int) -> Cache:
        """An empty memory for `batch` sequences."""
        empty = self.norm.weight.new_zeros(batch, self.heads, 0, self.size)
        return Cache([(empty, empty) for _ in self.layers])

    def step(self, x: Tensor, cache: Cache) -> Tensor:
        """The next patch (B, D) -> (B, D); `cache` goes one patch on."""
        turn = rotary(torch.tensor([cache.position], device=x.device), self.size)
        x = x[:, None]
        for number, layer in enumerate(self.layers):
            assert isinstance(layer, Layer)
            x, cache.layers[number] = layer.step(x, turn, cache.layers[number], self.window - 1)
        cache.position += 1
        return self.norm(x)[:, 0]
