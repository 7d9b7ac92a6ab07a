"""train-predictor, architecture patches: losses, crops and validation of the predictor of patches.

- Trained on whole sequences, as it is used: crops of 40 patches from any frame, the past hidden at random. Half of the
  crops lose some of their past codes, so that it starts from nothing and from any past; some past codes are wrong, as
  sampled ones are.
- The codes of every sequence are made once for each of the 8 frames that patches can begin at: 8 times the data.
- Some crops have no speaker: that is the unconditional model of guidance.
- The best weights are those of the best validation likelihood, in nats per frame, of crops with all of their past.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from l2l import config
from l2l.dataset.sequences import Sequences, cut, tiles
from l2l.models.patch_codebook import PatchCodebook
from l2l.models.patch_predictor import PatchPredictor
from l2l.training.chance import seeded
from l2l.units import PATCH

POSE_WEIGHT, EXPRESSION_WEIGHT, FADE = 2.0, 1.5, 0.6  # of the coarsest code's loss; each finer one weighs 0.6 of it
HELD = 24  # crops at a time; the result does not depend on it


@torch.no_grad()
def encode_phases(codebook: PatchCodebook, sequences: Sequences, motion: Tensor) -> Tensor:
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


def code_weights(levels: int) -> Tensor:
    """(2 levels,) weights of the codes of a patch in the loss: pose first, coarse before fine."""
    fades = FADE ** torch.arange(levels)
    return torch.cat([POSE_WEIGHT * fades, EXPRESSION_WEIGHT * fades])


def nats(logits: Tensor, codes: Tensor) -> Tensor:
    """Cross entropy of each code, logits (B, P, Q, K) and codes (B, P, Q) -> (B, P, Q)."""
    return F.cross_entropy(logits.movedim(-1, 1), codes, reduction="none")


class PatchPredictorTask:
    """The predictor's side of the training loop."""

    progress, ready = 0.0, True

    def __init__(
        self,
        model: PatchPredictor,
        sequences: Sequences,
        codes: Tensor,
        speaker: Tensor,
        audio: Tensor,
        train: np.ndarray,
        validation: np.ndarray,
        sizes: config.PatchPredictor,
    ) -> None:
        """codes (8, F / 8, Q) from `encode_phases`; speaker (F, 56) and audio (F, 128) standardized; the other two are
        numbers of sequences."""
        self.model, self.sequences, self.sizes = model, sequences, sizes
        self.codes, self.speaker, self.audio = codes, speaker, audio
        self.through: nn.Module = model
        self.generators: dict[str, np.random.RandomState] = {}
        self.firsts = patch_starts(sequences)
        self.places = tiles(sequences.lengths // PATCH, train, sizes.crop)  # (n, 2) sequence, patch
        self.train = np.arange(len(self.places))
        self.held = tiles(sequences.lengths // PATCH, validation, sizes.crop)
        self.weights = code_weights(model.per_patch // 2).to(codes.device)

    def crops(self, chosen: np.ndarray, first: np.ndarray, phase: np.ndarray) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Codes (B, P, Q), speaker (B, 8 P, 56), audio (B, 8 P, 128) and which patches are real (B, P)."""
        crop = self.sizes.crop
        frames = cut(self.sequences, chosen, phase + PATCH * first, PATCH * crop)
        counts = (self.sequences.lengths[chosen] - phase) // PATCH
        numbers = first[:, None] + np.arange(crop)  # (B, P)
        inside = numbers < counts[:, None]
        rows = self.firsts[chosen][:, None] + np.minimum(numbers, np.maximum(counts[:, None] - 1, 0))
        codes = self.codes[phase[:, None], rows]
        real = torch.from_numpy(inside).to(codes.device)
        return codes, self.speaker[frames.frames], self.audio[frames.frames], real

    def loss(self, rows: np.ndarray, generator: torch.Generator, part: slice = slice(None)) -> Tensor:
        places = self.places[rows]

        def draw(*shape: int) -> Tensor:
            return torch.rand(shape, generator=generator)

        phase = (draw(len(rows)) * PATCH).long().numpy()
        jitter = (draw(len(rows)) * self.sizes.crop).long().numpy()
        counts = (self.sequences.lengths[places[:, 0]] - phase) // PATCH
        first = np.clip(places[:, 1] + jitter, 0, np.maximum(counts - self.sizes.crop, 0))
        codes, speaker, audio, inside = (x[part] for x in self.crops(places[:, 0], first, phase))
        shape = len(rows), self.sizes.crop, self.model.per_patch
        past = self._past(codes, *(x.to(codes.device) for x in self._chances(shape, part, draw)))
        deaf = (draw(len(rows)) < self.sizes.deaf)[part].to(codes.device)
        with seeded(generator):
            speaker = speaker + self.sizes.noise * torch.randn_like(speaker)
            level = self.sizes.level * torch.randn_like(audio[:, :1, :1])
            audio = audio + level + self.sizes.noise * torch.randn_like(audio)
            logits = self.through(past, speaker, audio, codes, deaf)
        return ((nats(logits, codes) * self.weights).mean(-1) * inside).sum() / inside.sum().clamp(min=1)

    def _chances(self, shape: tuple[int, int, int], part: slice, draw) -> tuple[Tensor, Tensor, Tensor]:
        """Which past patches are forgotten (B, P), which past codes are replaced (B, P, Q), and by what (B, P, Q)."""
        count, patches, per_patch = shape
        share = draw(count, 1)
        early = torch.arange(patches) < share * patches  # forgets what lies furthest back,
        here_and_there = draw(count, patches) < share  # or some of everything
        forgets = draw(count, 1) < self.sizes.forget
        forgotten = forgets & torch.where(draw(count, 1) < 0.5, early, here_and_there)
        wrong = (draw(count, patches, 1) < self.sizes.corrupt) & (draw(count, patches, per_patch) < 0.5)
        others = (draw(count, patches, per_patch) * self.model.codes).long()
        return forgotten[part], wrong[part], others[part]

    def _past(self, codes: Tensor, forgotten: Tensor, wrong: Tensor, others: Tensor) -> Tensor:
        """The codes before each patch (B, P, Q); nothing is known before the first one."""
        past = torch.where(wrong, others, codes)
        past = past.masked_fill(forgotten[..., None], self.model.unknown)
        return F.pad(past[:, :-1], (0, 0, 1, 0), value=self.model.unknown)

    def validate(self) -> dict[str, float]:
        """Nats per frame of the held-out codes, with the speaker and without one."""
        totals, patches = np.zeros(2), 0
        for start in range(0, len(self.held), HELD):
            chosen, first = self.held[start : start + HELD].T
            codes, speaker, audio, inside = self.crops(chosen, first, np.zeros_like(first))
            past = F.pad(codes[:, :-1], (0, 0, 1, 0), value=self.model.unknown)
            for k in range(2):
                deaf = torch.full((len(codes),), bool(k), device=codes.device)
                found = nats(self.model(past, speaker, audio, codes, deaf), codes)
                totals[k] += float((found.sum(-1) * inside).sum())
            patches += int(inside.sum())
        loss, unheard = totals / (patches * PATCH)
        return {"loss": float(loss), "loss_without_speaker": float(unheard)}


def patch_predictor_optimizer(model: PatchPredictor, sizes: config.PatchPredictor) -> torch.optim.Optimizer:
    """AdamW; decay on matrices only."""
    matrices = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": sizes.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=sizes.training.learning_rate, betas=(0.9, 0.98))
