"""Overlap-add: no borders, and the same patch by patch."""

import torch

from l2l.patches.overlap_add import BLOCK, LOOK_AHEAD, Blender, overlap_add, window
from l2l.units import PATCH


def test_windows_of_neighbouring_blocks_sum_to_the_same_everywhere():
    weights = window()
    total = sum(weights[shift : shift + PATCH] for shift in range(0, BLOCK, PATCH))
    torch.testing.assert_close(total, torch.full((PATCH,), 1.5))
    assert (weights > 0).all()


def test_blocks_that_agree_give_their_motion_back():
    motion = torch.sin(torch.arange(8 * 12 + 16) / 7.0)[:, None].repeat(1, 3)  # (112, 3)
    blocks = torch.stack([motion[t * PATCH : t * PATCH + BLOCK] for t in range(12)])[None]
    torch.testing.assert_close(overlap_add(blocks)[0], motion[PATCH : PATCH + 8 * 12])


def test_random_blocks_leave_no_seam():
    """Accelerations gather at no phase of a patch, even when blocks have nothing in common."""
    steps = torch.randn(64, 40, 1, 2, generator=torch.Generator().manual_seed(0))
    motion = overlap_add(steps.expand(-1, -1, BLOCK, -1))[:, 8:-8]  # each block stands still somewhere
    acceleration = motion.diff(n=2, dim=1).abs().mean((0, 2))
    phases = torch.stack([acceleration[p::PATCH].mean() for p in range(PATCH)])
    assert phases.max() / phases.mean() < 1.6
    hard = steps.repeat_interleave(PATCH, dim=1)[:, :, 0].diff(n=2, dim=1).abs().mean((0, 2))
    hard_phases = torch.stack([hard[p::PATCH].mean() for p in range(PATCH)])
    assert hard_phases.max() / hard_phases.mean() > 3.9  # what a border does


def test_patch_by_patch_is_the_same_one_patch_later():
    blocks = torch.randn(3, 9, BLOCK, 5, generator=torch.Generator().manual_seed(1))
    blender = Blender(3, 5)
    parts = [blender.step(blocks[:, t]) for t in range(9)]
    streamed = torch.cat([*parts[1:], blender.flush()], dim=1)
    torch.testing.assert_close(streamed, overlap_add(blocks), atol=1e-6, rtol=0)
    assert LOOK_AHEAD == PATCH
