"""Posture: where a drawn listener has been lately, and what brings it back as fast as the true one.

- A head or a face that drifts comes back slowly: a little in each patch. A model that is trained on one patch at a time
  learns that little only roughly, and what it draws for minutes drifts too far.
- Posture is a slow mean of the vectors of a codec's coarse code, pose and expression apart. A matrix makes codes
  likelier that lie where posture says. It is set in `l2l.patches.calibration`, and is for drawing alone.
- A correction of what is drawn by how it differs from the truth (Deng et al. 2020 learn theirs by a second model).
"""

import torch
from torch import Tensor, nn

from l2l.patches.vectors import CodeVectors

RATE = 0.15  # share that posture moves in a patch: it is that of the last 1.8 s
LEAST = 0.01  # of the largest variance: smaller ones are left alone


class Posture(nn.Module):
    """Of both codecs. `mean_k` (L,): vectors of true codes on average; `pull_k` (L, L), zero until it is set."""

    def __init__(self, vectors: CodeVectors) -> None:
        super().__init__()
        self.vectors = vectors
        self.coarse = [own.start for own in vectors.codecs]  # number of each codec's coarse code
        for k, q in enumerate(self.coarse):
            size = vectors.level(q).shape[1]
            self.register_buffer(f"mean_{k}", torch.zeros(size))
            self.register_buffer(f"pull_{k}", torch.zeros(size, size))

    def begin(self, batch: int) -> list[Tensor]:
        """(B, L) of each codec before the first patch: the mean."""
        means = [self.get_buffer(f"mean_{k}") for k in range(len(self.coarse))]
        return [mean.new_zeros(batch, len(mean)) for mean in means]

    def placed(self, k: int) -> Tensor:
        """(K, L) vectors of the coarse codes of codec k, from their mean."""
        return self.vectors.aims(self.coarse[k]) - self.get_buffer(f"mean_{k}")

    def follow(self, posture: list[Tensor], codes: Tensor) -> list[Tensor]:
        """Posture (B, L) of each codec after a patch of codes (B, Q)."""
        return [now + RATE * (self.placed(k)[codes[:, self.coarse[k]]] - now) for k, now in enumerate(posture)]

    def added(self, posture: list[Tensor]) -> dict[int, Tensor]:
        """What posture adds to the logits (B, K) of each coarse code q."""
        pulled = [now @ self.get_buffer(f"pull_{k}") @ self.placed(k).T for k, now in enumerate(posture)]
        return dict(zip(self.coarse, pulled, strict=True))

    def covariances(self, codes: Tensor, counted: Tensor) -> list[Tensor]:
        """Of posture and the vectors of the codes that follow it: (L, L) of each codec, codes (B, P, Q)."""
        found = []
        for k, posture in enumerate(self._before(codes)):
            vectors = self.placed(k)[codes[counted][:, self.coarse[k]]]  # (n, L)
            found.append(posture[counted].T @ vectors / max(len(vectors), 1))
        return found

    def fit(self, codes: Tensor, counted: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Set the means from true codes (B, P, Q), and the pull to zero.

        Returns for each codec the inverse covariances of posture and of the vectors, (L, L) both.
        """
        for k, q in enumerate(self.coarse):
            self.get_buffer(f"mean_{k}").copy_(self.vectors.aims(q)[codes[counted][:, q]].mean(0))
            self.get_buffer(f"pull_{k}").zero_()
        found = []
        for k, posture in enumerate(self._before(codes)):
            vectors = self.placed(k)[codes[counted][:, self.coarse[k]]]
            covariances = [x.T @ x / len(x) for x in (posture[counted], vectors)]
            found.append(tuple(torch.linalg.pinv(each, rtol=LEAST, hermitian=True) for each in covariances))
        return found

    def turn(self, k: int, change: Tensor) -> None:
        """Add `change` (L, L) to the pull of codec k."""
        self.get_buffer(f"pull_{k}").add_(change)

    def _before(self, codes: Tensor) -> list[Tensor]:
        """Posture before each patch of codes (B, P, Q): (B, P, L) of each codec."""
        now, found = self.begin(len(codes)), []
        for patch in codes.unbind(1):
            found.append(now)
            now = self.follow(now, patch)
        return [torch.stack(each, 1) for each in zip(*found, strict=True)]
