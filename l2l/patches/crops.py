"""Sequences as the predictor is trained on them: codes from each of the 8 frames that patches can begin at; crops.

Patches in which the listener has the floor are context: they are known past, but what they hold is not learned.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from l2l.features.sequences import Sequences, cut, tiles
from l2l.patches.codebook import Codebook
from l2l.units import PATCH


@torch.no_grad()
def encode_phases(codebook: Codebook, sequences: Sequences, motion: Tensor) -> Tensor:
    """Codes (8, F / 8, Q) of standardized motion (F, 56): [p] with patches that begin at frame p of their sequence.

    int32, half of what torch indexes with. A sequence of T frames has its patches from `starts` // 8 + its number on;
    those that would reach beyond its end are zeros, and never trained on. F / 8 is rounded up for each sequence.
    """
    firsts = patch_starts(sequences)
    total = int(firsts[-1] + -(-sequences.lengths[-1] // PATCH))
    codes = torch.zeros(PATCH, total, codebook.per_patch, dtype=torch.int32, device=motion.device)
    for n, first in enumerate(firsts):
        own = motion[sequences.of(n)]  # (T, 56)
        for phase in range(PATCH):
            count = (len(own) - phase) // PATCH
            if count > 0:
                frames = own[phase : phase + PATCH * count]
                codes[phase, first : first + count] = codebook.encode(frames[None])[0]
    return codes


def counted_phases(sequences: Sequences) -> np.ndarray:
    """(8, F / 8) bool, as `encode_phases` has them: patches of which most frames count; none beyond an end."""
    firsts = patch_starts(sequences)
    found = np.zeros((PATCH, int(firsts[-1] + -(-sequences.lengths[-1] // PATCH))), bool)
    for n, first in enumerate(firsts):
        own = sequences.counted[sequences.of(n)]
        for phase in range(PATCH):
            count = max(len(own) - phase, 0) // PATCH
            frames = own[phase : phase + PATCH * count].reshape(count, PATCH)
            found[phase, first : first + count] = 2 * frames.sum(1) > PATCH
    return found


def patch_starts(sequences: Sequences) -> np.ndarray:
    """(N,) where each sequence's patches begin in `encode_phases`."""
    counts = -(-sequences.lengths // PATCH)
    return np.concatenate([[0], np.cumsum(counts)[:-1]])


class Crop(NamedTuple):
    """B crops of P patches."""

    codes: Tensor  # (B, P, Q)
    features: Tensor  # (B, 8 P, F) of the speaker
    counted: Tensor  # (B, P) bool: the listener listens, and the patch is not beyond the sequence's end
    who: Tensor | None  # (B,) which listener, of several

    @property
    def patches(self) -> Tensor:
        """How many of all count, at least one."""
        return self.counted.sum().clamp(min=1)

    def rows(self, chosen: slice | Tensor) -> "Crop":
        """Some of the crops."""
        return Crop(
            self.codes[chosen],
            self.features[chosen],
            self.counted[chosen],
            None if self.who is None else self.who[chosen],
        )


class Material:
    """The data of a predictor: codes, speakers' features and listeners of some sequences."""

    def __init__(self, sequences: Sequences, codes: Tensor, features: Tensor, who: Tensor | None, train: int) -> None:
        """codes (8, F / 8, Q) from `encode_phases`; features (F, N) of the speakers; `who` (N,) listens in each, for a
        model of several; the first `train` sequences are for training, the others for validation."""
        self.sequences, self.codes, self.features, self.who = sequences, codes, features, who
        self.firsts, self.counted = patch_starts(sequences), counted_phases(sequences)
        numbers = np.arange(len(sequences))
        self.train, self.held = numbers[:train], numbers[train:]

    def patches(self, numbers: np.ndarray, phase: np.ndarray | int = 0) -> np.ndarray:
        """How many whole patches the sequences have that begin at frame `phase`."""
        return (self.sequences.lengths[numbers] - phase) // PATCH

    def places(
        self, numbers: np.ndarray, first: np.ndarray, phase: np.ndarray, size: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Of the crops of `crops`: where their patches lie in `codes[phase]`, and which of them count, (B, P) each."""
        counts = self.patches(numbers, phase)[:, None]
        places = first[:, None] + np.arange(size)
        rows = self.firsts[numbers][:, None] + np.minimum(places, np.maximum(counts - 1, 0))
        return rows, self.counted[phase[:, None], rows] & (places < counts)

    def tiles(self, numbers: np.ndarray, size: int) -> np.ndarray:
        """(n, 2) sequence and first patch of the crops that tile `numbers`, but for those in which no patch counts."""
        found = tiles(self.sequences.lengths // PATCH, numbers, size)
        _, counted = self.places(found[:, 0], found[:, 1], np.zeros(len(found), int), size)
        return found[counted.any(1)]

    def crops(self, numbers: np.ndarray, first: np.ndarray, phase: np.ndarray, size: int) -> Crop:
        """`size` patches from patch `first` (B,) on of sequences `numbers` (B,), whose patch 0 is at frame `phase`."""
        frames = cut(self.sequences, numbers, phase + PATCH * first, PATCH * size).frames
        rows, counted = self.places(numbers, first, phase, size)
        who = None if self.who is None else self.who[torch.from_numpy(numbers).to(self.who.device)]
        here = torch.from_numpy(counted).to(self.codes.device)
        return Crop(self.codes[phase[:, None], rows].long(), self.features[frames], here, who)
