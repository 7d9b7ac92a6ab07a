"""Sequences as the predictor is trained on them: codes from each of the 8 frames that patches can begin at; crops."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from l2l.features.sequences import Sequences, cut
from l2l.patches.codebook import Codebook
from l2l.units import PATCH


@torch.no_grad()
def encode_phases(codebook: Codebook, sequences: Sequences, motion: Tensor) -> Tensor:
    """Codes (8, F / 8, Q) of standardized motion (F, 56): [p] with patches that begin at frame p of their sequence.

    A sequence of T frames has its patches from `starts` // 8 + its number on; those that would reach beyond its end
    are zeros, and never trained on. F / 8 is rounded up for each sequence.
    """
    firsts = patch_starts(sequences)
    total = int(firsts[-1] + -(-sequences.lengths[-1] // PATCH))
    codes = torch.zeros(PATCH, total, codebook.per_patch, dtype=torch.int64, device=motion.device)
    for n, first in enumerate(firsts):
        own = motion[sequences.of(n)]  # (T, 56)
        for phase in range(PATCH):
            count = (len(own) - phase) // PATCH
            if count > 0:
                frames = own[phase : phase + PATCH * count]
                codes[phase, first : first + count] = codebook.encode(frames[None])[0]
    return codes


def patch_starts(sequences: Sequences) -> np.ndarray:
    """(N,) where each sequence's patches begin in `encode_phases`."""
    counts = -(-sequences.lengths // PATCH)
    return np.concatenate([[0], np.cumsum(counts)[:-1]])


class Crop(NamedTuple):
    """B crops of P patches."""

    codes: Tensor  # (B, P, Q)
    features: Tensor  # (B, 8 P, F) of the speaker
    inside: Tensor  # (B, P) bool: not beyond the sequence's end
    who: Tensor | None  # (B,) which listener, of several

    @property
    def patches(self) -> Tensor:
        """How many of all are real, at least one."""
        return self.inside.sum().clamp(min=1)

    def rows(self, chosen: slice | Tensor) -> "Crop":
        """Some of the crops."""
        return Crop(
            self.codes[chosen],
            self.features[chosen],
            self.inside[chosen],
            None if self.who is None else self.who[chosen],
        )


class Material:
    """The data of a predictor: codes, speakers' features and listeners of some sequences."""

    def __init__(self, sequences: Sequences, codes: Tensor, features: Tensor, who: Tensor | None, train: int) -> None:
        """codes (8, F / 8, Q) from `encode_phases`; features (F, N) of the speakers; `who` (N,) listens in each, for a
        model of several; the first `train` sequences are for training, the others for validation."""
        self.sequences, self.codes, self.features, self.who = sequences, codes, features, who
        self.firsts = patch_starts(sequences)
        numbers = np.arange(len(sequences))
        self.train, self.held = numbers[:train], numbers[train:]

    def patches(self, numbers: np.ndarray, phase: np.ndarray | int = 0) -> np.ndarray:
        """How many whole patches the sequences have that begin at frame `phase`."""
        return (self.sequences.lengths[numbers] - phase) // PATCH

    def crops(self, numbers: np.ndarray, first: np.ndarray, phase: np.ndarray, size: int) -> Crop:
        """`size` patches from patch `first` (B,) on of sequences `numbers` (B,), whose patch 0 is at frame `phase`."""
        frames = cut(self.sequences, numbers, phase + PATCH * first, PATCH * size).frames
        counts = self.patches(numbers, phase)[:, None]
        places = first[:, None] + np.arange(size)  # (B, P)
        rows = self.firsts[numbers][:, None] + np.minimum(places, np.maximum(counts - 1, 0))
        inside = torch.from_numpy(places < counts).to(self.codes.device)
        who = None if self.who is None else self.who[torch.from_numpy(numbers).to(self.who.device)]
        return Crop(self.codes[phase[:, None], rows], self.features[frames], inside, who)
