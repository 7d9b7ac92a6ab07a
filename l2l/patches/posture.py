"""Posture: where a drawn listener has been lately, and what brings it back as fast as the true one.

- A head or a face that drifts comes back slowly: a little in each patch. A model that is trained on one patch at a time
  learns that little only roughly, and what it draws for minutes drifts too far.
- Posture is a slow mean of the vectors of a codec's codes, all levels together, pose and expression apart. A matrix
  makes codes likelier that lie where posture says. It is set in `l2l.patches.calibration`, and is for drawing alone.
- A correction of what is drawn by how it differs from the truth (Deng et al. 2020 learn theirs by a second model).
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from l2l.patches.vectors import CodeVectors

RATE = 0.15  # share that posture moves in a patch: it is that of the last 1.8 s
LEAST = 0.01  # of the largest variance: smaller ones are left alone


class Covariances(NamedTuple):
    """About the true means, (L, L) each."""

    posture: Tensor
    place: Tensor  # of the patch that follows
    together: Tensor

    def off(self, true: "Covariances") -> float:
        """How far posture and place go together otherwise than the true ones, as a share of those."""
        return float((self.together - true.together).norm() / true.together.norm().clamp(min=1e-9))


class Posture(nn.Module):
    """Of both codecs. `centre_k` (L,): where true patches lie on average; `pull_k` (L, L), zero until it is set."""

    def __init__(self, vectors: CodeVectors) -> None:
        super().__init__()
        self.vectors = vectors
        for k in range(len(vectors.codecs)):
            size = vectors.scaled(k).shape[-1]
            self.register_buffer(f"centre_{k}", torch.zeros(size))
            self.register_buffer(f"pull_{k}", torch.zeros(size, size))

    @property
    def centres(self) -> list[Tensor]:
        return [self.get_buffer(f"centre_{k}") for k in range(len(self.vectors.codecs))]

    @property
    def pulls(self) -> list[Tensor]:
        return [self.get_buffer(f"pull_{k}") for k in range(len(self.vectors.codecs))]

    def begin(self, batch: int) -> list[Tensor]:
        """(B, L) of each codec before the first patch: the mean."""
        return [centre.new_zeros(batch, len(centre)) for centre in self.centres]

    def placed(self, codes: Tensor) -> list[Tensor]:
        """Codes (..., Q) -> where they lie from the mean, (..., L) of each codec."""
        found = []
        for k, (own, centre) in enumerate(zip(self.vectors.codecs, self.centres, strict=True)):
            vectors = self.vectors.scaled(k)  # (levels, K, L)
            level = torch.arange(len(vectors), device=codes.device)
            found.append(vectors[level, codes[..., own]].sum(-2) - centre)
        return found

    def follow(self, posture: list[Tensor], codes: Tensor) -> list[Tensor]:
        """Posture (B, L) of each codec after a patch of codes (B, Q)."""
        return [now + RATE * (place - now) for now, place in zip(posture, self.placed(codes), strict=True)]

    def added(self, posture: list[Tensor]) -> Tensor:
        """What posture adds to the logits of all codes, (B, Q, K)."""
        found = []
        for k, (now, pull) in enumerate(zip(posture, self.pulls, strict=True)):
            vectors = self.vectors.scaled(k)  # (levels, K, L)
            found.append((now @ pull @ vectors.flatten(0, 1).T).unflatten(1, vectors.shape[:2]))
        return torch.cat(found, dim=1)

    def fit(self, codes: Tensor, counted: Tensor) -> None:
        """Set the means from true codes (B, P, Q), and the pull to zero."""
        for each in (*self.centres, *self.pulls):
            each.zero_()
        for centre, place in zip(self.centres, self.placed(codes[counted]), strict=True):
            centre.copy_(place.mean(0))

    def covariances(self, codes: Tensor, counted: Tensor) -> list["Covariances"]:
        """Of each codec, codes (B, P, Q)."""
        count, found = max(int(counted.sum()), 1), []
        for before, place in zip(self._before(codes), self.placed(codes[counted]), strict=True):
            now = before[counted]
            found.append(Covariances(now.T @ now / count, place.T @ place / count, now.T @ place / count))
        return found

    def turn(self, drawn: list["Covariances"], true: list["Covariances"], step: float) -> None:
        """Move the pulls so that what is drawn goes together more as the truth does; `step` 1: all the way, about."""
        for pull, a, b in zip(self.pulls, drawn, true, strict=True):
            posture, place = (
                torch.linalg.pinv((x + y) / 2, rtol=LEAST, hermitian=True)
                for x, y in ((a.posture, b.posture), (a.place, b.place))
            )
            pull.sub_(step * posture @ (a.together - b.together) @ place)

    def _before(self, codes: Tensor) -> list[Tensor]:
        """Posture before each patch of codes (B, P, Q): (B, P, L) of each codec."""
        now, found = self.begin(len(codes)), []
        for patch in codes.unbind(1):
            found.append(now)
            now = self.follow(now, patch)
        return [torch.stack(each, 1) for each in zip(*found, strict=True)]
