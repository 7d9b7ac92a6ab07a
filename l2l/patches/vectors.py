"""The vectors that codes stand for."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from l2l.patches.codebook import Codebook


class CodeVectors(nn.Module):
    """The codebook's vectors: one per code of each level, zero for `unknown`.

    They are not trained here and not in the checkpoint.
    """

    def __init__(self, codebook: Codebook) -> None:
        super().__init__()
        levels = codebook.levels
        self.codecs = [slice(0, levels), slice(levels, 2 * levels)]
        for q, vectors in enumerate(codebook.vectors()):
            self.register_buffer(f"level_{q}", F.pad(vectors.clone(), (0, 0, 0, 1)), persistent=False)  # (K + 1, L)
            # Kept, because every step of a listener asks for those of all levels several times.
            self.register_buffer(f"aims_{q}", vectors / vectors.std().clamp(min=1e-6), persistent=False)  # (K, L)
        for k, own in enumerate(self.codecs):
            vectors = torch.stack([self.level(q)[:-1] for q in range(own.start, own.stop)])  # (levels, K, L)
            self.register_buffer(f"scaled_{k}", vectors / vectors[0].std().clamp(min=1e-6), persistent=False)

    def level(self, q: int) -> Tensor:
        """(K + 1, L)."""
        return self.get_buffer(f"level_{q}")

    def aims(self, q: int) -> Tensor:
        """(K, L), of std 1: fine levels correct little, but their codes are as different as coarse ones."""
        return self.get_buffer(f"aims_{q}")

    def scaled(self, k: int) -> Tensor:
        """(levels, K, L) of codec k, coarse ones of std 1: those of one patch can be added."""
        return self.get_buffer(f"scaled_{k}")

    def forward(self, codes: Tensor) -> Tensor:
        """Codes (..., Q), known or not -> pose beside expression (..., L + L')."""
        found = [
            torch.stack([F.embedding(codes[..., q], self.level(q)) for q in range(own.start, own.stop)]).sum(0)
            for own in self.codecs
        ]
        return torch.cat(found, dim=-1)
