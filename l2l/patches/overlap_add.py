"""Overlap-add: motion of any length, without borders, from one block of 24 frames per patch of 8.

- Every patch gives three patches of motion: its own frames, 8 before and 8 after. A frame is the weighted mean of the
  three blocks that cover it, under a Hann window, so no block begins or ends with a jump.
- Of the windows tried, 24 frames is the best: fading over 8 gathers accelerations at the fade's ends, 32 blurs nods.
- A frame is final when the patch after its own is there: motion comes out `LOOK_AHEAD` frames late. `Blender` does the
  same as `overlap_add` patch by patch.
"""

import math

import torch
from torch import Tensor

from l2l.units import PATCH

BLOCK = 3 * PATCH  # frames of one block
LOOK_AHEAD = PATCH  # frames of the next patch that a frame waits for


def window(device: torch.device | None = None) -> Tensor:
    """Hann weights of a block (24,), none of them zero; three blocks 8 frames apart sum to 1.5 everywhere."""
    frames = torch.arange(BLOCK, dtype=torch.float64, device=device) + 0.5
    return (torch.sin(math.pi * frames / BLOCK) ** 2).float()


def overlap_add(blocks: Tensor) -> Tensor:
    """Blocks (B, P, 24, C), each beginning 8 frames before its patch -> motion (B, 8 P, C) of the patches.

    The first and the last patch are covered by two blocks only; weights are normalised to what is there.
    """
    weights = window(blocks.device)  # (24,)
    weighted = (blocks * weights[:, None]).unflatten(2, (3, PATCH))  # (B, P, 3, 8, C)
    parts = weights.reshape(3, PATCH)
    total = weighted[:, :, 1].clone()  # (B, P, 8, C)
    covered = parts[1].repeat(blocks.shape[1], 1)  # (P, 8)
    total[:, 1:] += weighted[:, :-1, 2]
    covered[1:] += parts[2]
    total[:, :-1] += weighted[:, 1:, 0]
    covered[:-1] += parts[0]
    return (total / covered[:, :, None]).flatten(1, 2)


class Blender:
    """Overlap-add patch by patch: after block t come the 8 frames of patch t - 1.

    The first call has no patch before it; it returns the 8 frames that lead into patch 0. State is explicit: `pending`
    (B, 2, 8, C) weighted sums of the last patch and the one under way, `covered` (2, 8) their weights.
    """

    def __init__(self, batch: int, channels: int, device: torch.device | None = None) -> None:
        self.pending = torch.zeros(batch, 2, PATCH, channels, device=device)
        self.covered = torch.zeros(2, PATCH, device=device)

    def step(self, block: Tensor) -> Tensor:
        """Block (B, 24, C) of patch t -> final motion (B, 8, C) of patch t - 1."""
        weights = window(block.device)
        weighted = (block * weights[:, None]).unflatten(1, (3, PATCH))  # (B, 3, 8, C)
        parts = weights.reshape(3, PATCH)
        motion = (self.pending[:, 0] + weighted[:, 0]) / (self.covered[0] + parts[0])[:, None]
        self.pending = torch.stack([self.pending[:, 1] + weighted[:, 1], weighted[:, 2]], dim=1)
        self.covered = torch.stack([self.covered[1] + parts[1], parts[2]])
        return motion

    def flush(self) -> Tensor:
        """Motion (B, 8, C) of the last patch, when none follows."""
        return self.pending[:, 0] / self.covered[0][:, None]
