"""Listeners of any length: patch by patch, from the speaker until now, to motion as it comes.

- Offline sampling is the same loop: a stream and a whole recording give the same motion, up to rounding.
- Every listener of a batch has a generator of its own, from (seed, its number): who listens beside it changes nothing.
- All state is in the `Stream`: memory of the predictor, last codes, memory of the decoder, generators.
- Motion comes out `LOOK_AHEAD` frames late (see `l2l.models.overlap_add`), on top of the patch that must have been
  heard; the predictor itself looks at nothing ahead.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from l2l.listening.nucleus import nucleus
from l2l.training.patch_checkpoint import PatchModels
from l2l.units import MODEL_DIM, PATCH


@dataclass(frozen=True)
class Chance:
    """How codes are drawn: 1 and 1 draw from the model as it is."""

    temperature: float = 1.0
    top_p: float = 1.0


class Stream:
    """Some listeners, each with a speaker of its own, going on together patch by patch."""

    def __init__(
        self, models: PatchModels, seeds: Sequence[Sequence[int]], chance: Chance | None = None, guided: bool = True
    ) -> None:
        """`seeds`: one for each listener, as for numpy's default_rng."""
        self.models, self.chance = models, chance or Chance()
        codebook, predictor = models.codebook, models.predictor
        count = len(seeds)
        strengths = [strength for strength in models.guidance for _ in range(codebook.levels)]
        self._strengths = strengths if guided and strengths != [1.0] * len(strengths) else None
        self._memory = predictor.begin(2 * count if self._strengths else count)
        self._past = torch.full((count, predictor.per_patch), predictor.unknown, device=models.device)
        self._decoder = codebook.stream(count)
        self._generators = [np.random.default_rng(list(seed)) for seed in seeds]

    def step(self, faces: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Speaker (B, 8, 56) and mel rows (B, 32, 128) of patch t -> the listeners (B, 8, 56) of patch t - 1, raw.

        At t = 0 these are the 8 frames that lead into patch 0.
        """
        with torch.inference_mode():
            return self.shown(self.draw(self.models.heard(faces, rows)[:, 0]))

    def flush(self) -> np.ndarray:
        """The listeners (B, 8, 56) of the last patch, when no speaker follows."""
        with torch.inference_mode():
            return self.models.listener.undo(self._decoder.flush().cpu().numpy())

    def draw(self, heard: Tensor) -> Tensor:
        """Codes (B, Q) of the next patch, drawn; heard (B, D)."""
        trunk = self._trunk(heard)
        head, codes = self.models.predictor.head, []
        uniform = torch.from_numpy(np.stack([g.random(self.models.predictor.per_patch) for g in self._generators]))
        uniform = uniform.to(heard.device)  # (B, Q)
        for q in range(self.models.predictor.per_patch):
            logits = head.one(trunk, q)  # (B, K), or (2 B, K) with those that hear nothing
            if self._strengths:
                with_speaker, without = logits.chunk(2)
                logits = without + self._strengths[q] * (with_speaker - without)
            codes.append(self._choose(logits, uniform[:, q]))
            if q < len(head.seen):
                seen = head.seen[q](codes[-1])  # (B, D)
                trunk = trunk + (seen.repeat(2, 1) if self._strengths else seen)
        self._past = torch.stack(codes, dim=-1)
        return self._past

    def follow(self, heard: Tensor, codes: Tensor) -> None:
        """Go on one patch with given codes (B, Q) instead of drawn ones: a real past."""
        self._trunk(heard)
        self._past = codes

    def shown(self, codes: Tensor) -> np.ndarray:
        """Codes (B, Q) of patch t -> motion (B, 8, 56) of patch t - 1, raw."""
        return self.models.listener.undo(self._decoder.step(codes).cpu().numpy())

    def _trunk(self, heard: Tensor) -> Tensor:
        past = self._past
        if self._strengths:
            heard = torch.cat([heard, self.models.predictor.null.expand_as(heard)])
            past = past.repeat(2, 1)
        return self.models.predictor.step(past, heard, self._memory)

    def _choose(self, logits: Tensor, uniform: Tensor) -> Tensor:
        """Codes (B,) by inverting the cumulated probabilities (B, K) at uniform numbers (B,)."""
        if self.chance.top_p < 1:
            probabilities = nucleus(logits.double(), self.chance.temperature, self.chance.top_p)
        else:
            probabilities = (logits.double() / self.chance.temperature).softmax(-1)
        cumulated = probabilities.cumsum(-1)
        return (cumulated <= uniform[:, None] * cumulated[:, -1:]).sum(-1).clamp(max=logits.shape[-1] - 1)


@torch.inference_mode()
def sample_sequences(
    models: PatchModels,
    faces: np.ndarray,
    sound: np.ndarray,
    seeds: Sequence[Sequence[int]],
    chance: Chance | None = None,
    past: np.ndarray | None = None,
    guided: bool = True,
) -> tuple[np.ndarray, np.ndarray]:
    """Listeners (B, T, 56) in raw units and their codes (B, P, Q), to whole sequences of speaker.

    faces (B, T, 56) and sound (B, T, 128), one row a frame (`frame_sound`). T need not be a multiple of 8: the last
    frames are repeated to fill a patch. With `past` (B, 8 n, 56), the real listener of the first 8 n frames, codes are
    drawn from there on; those frames come back as the codebook gives them.
    """
    frames = faces.shape[1]
    missing = -frames % PATCH
    faces, sound = (np.pad(x, ((0, 0), (0, missing), (0, 0)), mode="edge") for x in (faces, sound))
    heard = models.listens(faces, sound)  # (B, P, D)
    known = torch.empty(len(faces), 0, models.predictor.per_patch, dtype=torch.int64)
    if past is not None:
        known = models.codebook.encode(torch.from_numpy(models.listener.apply(past)).to(models.device))
    stream = Stream(models, seeds, chance, guided)
    codes = []
    for t in range(heard.shape[1]):
        if t < known.shape[1]:
            codes.append(known[:, t])
            stream.follow(heard[:, t], codes[-1])
        else:
            codes.append(stream.draw(heard[:, t]))
    drawn = torch.stack(codes, dim=1)  # (B, P, Q)
    motion = models.listener.undo(models.codebook.decode(drawn).cpu().numpy())
    assert motion.shape[2] == MODEL_DIM
    return motion[:, :frames], drawn.cpu().numpy()
