"""train-predictor: losses, crops and validation of the predictor of patches.

- Trained on crops of 40 patches from any frame of a sequence. Half of the crops lose some of their past codes, so that
  it can start from nothing and from any past; some past codes are wrong, as sampled ones are.
- The codes of every sequence are made once for each of the 8 frames that patches can begin at: 8 times the data.
- Some crops have no speaker: that is the unconditional model of guidance.
- The best weights are those of the best validation likelihood, in nats per frame, of crops with all of their past.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from l2l import config
from l2l.config import Settings
from l2l.dataset.layout import Chunks
from l2l.dataset.together import identities
from l2l.features.sequences import Sequences, cut, join, tiles
from l2l.features.standardize import Standardizer
from l2l.patches.calibration import calibrate
from l2l.patches.codebook import Codebook
from l2l.patches.predictor import Predictor
from l2l.patches.train_codebook import standardizer_of
from l2l.training.checkpoint import fingerprint
from l2l.training.device import prepare
from l2l.training.holdout import split_by_video
from l2l.training.run import Run
from l2l.training.seeding import seeded, seeded_model
from l2l.units import PATCH

POSE_WEIGHT, EXPRESSION_WEIGHT, FADE = 2.0, 1.5, 0.6  # of the coarsest code's loss; each finer one weighs 0.6 of it
HELD = 24  # crops at a time; the result does not depend on it


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


def code_weights(levels: int) -> Tensor:
    """(2 levels,) weights of the codes of a patch in the loss: pose first, coarse before fine."""
    fades = FADE ** torch.arange(levels)
    return torch.cat([POSE_WEIGHT * fades, EXPRESSION_WEIGHT * fades])


def nats(logits: Tensor, codes: Tensor) -> Tensor:
    """Cross entropy of each code, logits (B, P, Q, K) and codes (B, P, Q) -> (B, P, Q)."""
    return F.cross_entropy(logits.movedim(-1, 1), codes, reduction="none")


class PredictorTask:
    """The predictor's side of the training loop."""

    progress, ready = 0.0, True

    def __init__(
        self,
        model: Predictor,
        sequences: Sequences,
        codes: Tensor,
        speaker: Tensor,
        audio: Tensor,
        train: np.ndarray,
        validation: np.ndarray,
        sizes: config.PredictorSettings,
        who: Tensor | None = None,
    ) -> None:
        """codes (8, F / 8, Q) from `encode_phases`; speaker (F, 56) and audio (F, 128) standardized; the other two are
        numbers of sequences; `who` (N,) listens in each, for a model of several."""
        self.model, self.sequences, self.sizes = model, sequences, sizes
        self.codes, self.speaker, self.audio, self.who = codes, speaker, audio, who
        self.through: nn.Module = model
        self.generators: dict[str, np.random.RandomState] = {}
        self.firsts = patch_starts(sequences)
        self.tiles = tiles(sequences.lengths // PATCH, train, sizes.crop)  # (n, 2) sequence, patch
        self.train = np.arange(len(self.tiles))
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
        chosen = self.tiles[rows]

        def draw(*shape: int) -> Tensor:
            return torch.rand(shape, generator=generator)

        phase = (draw(len(rows)) * PATCH).long().numpy()
        jitter = (draw(len(rows)) * self.sizes.crop).long().numpy()
        counts = (self.sequences.lengths[chosen[:, 0]] - phase) // PATCH
        first = np.clip(chosen[:, 1] + jitter, 0, np.maximum(counts - self.sizes.crop, 0))
        everything = self.crops(chosen[:, 0], first, phase)
        codes, _, _, inside = (x[part] for x in everything)
        # All processes divide by the frames of the whole batch; the loop weighs a part by its share of the rows.
        count = everything[3].sum().clamp(min=1) * len(codes) / len(rows)
        shape = len(rows), self.sizes.crop, self.model.per_patch
        past = self._past(codes, *(x.to(codes.device) for x in self._past_dropout(shape, part, draw)))
        dropped = (draw(len(rows)) < self.sizes.speaker_dropout)[part].to(codes.device)
        speaker, audio = everything[1][part], everything[2][part]
        with seeded(generator, codes.device, part):
            speaker = speaker + self.sizes.noise * torch.randn_like(speaker)
            shift = self.sizes.loudness_jitter * torch.randn_like(audio[:, :1, :1])
            audio = audio + shift + self.sizes.noise * torch.randn_like(audio)
            logits = self.through(past, speaker, audio, codes, dropped, self.whose(chosen[part, 0]))
        return ((nats(logits, codes) * self.weights).mean(-1) * inside).sum() / count

    def whose(self, chosen: np.ndarray) -> Tensor | None:
        """(B,) who listens in the sequences `chosen`."""
        return None if self.who is None else self.who[torch.from_numpy(chosen).to(self.who.device)]

    def _past_dropout(
        self, shape: tuple[int, int, int], part: slice, draw: Callable[..., Tensor]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Which past patches are dropped (B, P), which past codes are replaced (B, P, Q), and by what (B, P, Q)."""
        count, patches, per_patch = shape
        share = draw(count, 1)
        early = torch.arange(patches) < share * patches  # loses what lies furthest back,
        here_and_there = draw(count, patches) < share  # or some of everything
        loses = draw(count, 1) < self.sizes.past_dropout
        dropped = loses & torch.where(draw(count, 1) < 0.5, early, here_and_there)
        wrong = (draw(count, patches, 1) < self.sizes.past_corruption) & (draw(count, patches, per_patch) < 0.5)
        others = (draw(count, patches, per_patch) * self.model.codes).long()
        return dropped[part], wrong[part], others[part]

    def _past(self, codes: Tensor, dropped: Tensor, wrong: Tensor, others: Tensor) -> Tensor:
        """The codes before each patch (B, P, Q); nothing is known before the first one."""
        past = torch.where(wrong, others, codes)
        past = past.masked_fill(dropped[..., None], self.model.unknown)
        return F.pad(past[:, :-1], (0, 0, 1, 0), value=self.model.unknown)

    def held_logits(self, without_speaker: bool = False) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Logits (B, P, Q, K) of the held-out codes (B, P, Q), given all of the past, and which are real (B, P)."""
        for start in range(0, len(self.held), HELD):
            chosen, first = self.held[start : start + HELD].T
            codes, speaker, audio, inside = self.crops(chosen, first, np.zeros_like(first))
            past = F.pad(codes[:, :-1], (0, 0, 1, 0), value=self.model.unknown)
            dropped = torch.full((len(codes),), without_speaker, device=codes.device)
            yield self.model(past, speaker, audio, codes, dropped, self.whose(chosen)), codes, inside

    def training_speakers(self, count: int, patches: int) -> tuple[Tensor, Tensor, Tensor | None]:
        """Of `calibration.Trained`; the stretches are chosen evenly."""
        counts = self.sequences.lengths // PATCH
        chosen = tiles(counts, np.unique(self.tiles[:, 0]), patches)  # (n, 2) sequence, patch
        numbers, first = chosen[np.linspace(0, len(chosen) - 1, min(count, len(chosen))).astype(int)].T
        longest = int(min(patches, (counts[numbers] - first).max()))
        frames, inside = cut(self.sequences, numbers, PATCH * first, PATCH * longest)
        heard = self.model.listen(self.speaker[frames], self.audio[frames])
        return heard, torch.from_numpy(inside[:, PATCH - 1 :: PATCH]).to(heard.device), self.whose(numbers)

    def training_codes(self) -> tuple[Tensor, Tensor]:
        """Of `calibration.Trained`; from the first frame of every sequence on."""
        numbers = np.unique(self.tiles[:, 0])
        counts = self.sequences.lengths[numbers] // PATCH
        steps = np.arange(counts.max())
        rows = self.firsts[numbers][:, None] + np.minimum(steps, np.maximum(counts - 1, 0)[:, None])
        return self.codes[0, rows], torch.from_numpy(steps < counts[:, None]).to(self.codes.device)

    def validate(self) -> dict[str, float]:
        """Nats per frame of the held-out codes, with the speaker and without one."""
        found = []
        for without_speaker in (False, True):
            total, patches = 0.0, 0
            for logits, codes, inside in self.held_logits(without_speaker):
                total += float((nats(logits, codes).sum(-1) * inside).sum())
                patches += int(inside.sum())
            found.append(total / (patches * PATCH))
        return {"loss": found[0], "loss_without_speaker": found[1]}


def predictor_optimizer(model: Predictor, sizes: config.PredictorSettings) -> torch.optim.Optimizer:
    """AdamW; decay on matrices only."""
    matrices = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": sizes.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=sizes.training.learning_rate, betas=(0.9, 0.98))


def prepare_predictor(
    data: Chunks, codebook: Codebook, listener: Standardizer, settings: Settings, people: tuple[str, ...] = ()
) -> Run[PredictorTask]:
    """A predictor of the codes of `codebook`, about to be trained on the windows `data`.

    `listener` standardizes the motion that the codebook encodes. `people` are known by the names of recordings. Every
    random draw follows from the settings' seed.
    """
    sizes, device = settings.predictor, prepare(settings.predictor.training)
    train_rows, validation = split_by_video(data, sizes.training.validation_share, settings.seed)
    sequences, training = join(data, train_rows, validation)
    speaker = standardizer_of(sequences.speaker, sequences, training)
    audio = standardizer_of(sequences.audio, sequences, training)

    def ready(standardizer: Standardizer, array: np.ndarray) -> Tensor:
        return torch.from_numpy(standardizer.apply(array)).to(device)

    codes = encode_phases(codebook.to(device), sequences, ready(listener, sequences.listener))
    model = seeded_model(lambda: Predictor(sizes, codebook, len(people)), settings.seed, device)
    numbers, who = np.arange(len(sequences)), identities(people, sequences.videos)
    task = PredictorTask(
        *(model, sequences, codes, ready(speaker, sequences.speaker), ready(audio, sequences.audio)),
        *(numbers[:training], numbers[training:], sizes),
        who=None if who is None else torch.from_numpy(who).to(device),
    )
    guidance = sizes.pose_guidance, sizes.expression_guidance
    said: dict[str, Any] = {"power": sequences.power, "guidance": list(guidance), "people": list(people)}
    said |= {"codebook_fingerprint": fingerprint(codebook.state_dict())}
    return Run(
        task,
        predictor_optimizer(model, sizes),
        {"speaker": speaker, "audio": audio},
        {"kind": "predictor", "architecture": "patches", "config": sizes.model_dump(), **said},
        data,
        {"train": train_rows, "validation": validation},
        lambda: calibrate(task, guidance, sizes.calibration_rounds, settings.seed),
    )
