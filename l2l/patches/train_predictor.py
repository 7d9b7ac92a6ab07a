"""train-predictor, architecture patches: losses, crops and validation of the predictor of patches.

- Trained on whole sequences, as it is used: crops of 40 patches from any frame, the past hidden at random. Half of the
  crops lose some of their past codes, so that it starts from nothing and from any past; some past codes are wrong, as
  sampled ones are.
- The codes of every sequence are made once for each of the 8 frames that patches can begin at: 8 times the data.
- Some crops have no speaker: that is the unconditional model of guidance.
- The best weights are those of the best validation likelihood, in nats per frame, of crops with all of their past.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

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
from l2l.patches.checkpoint import load_codebook
from l2l.patches.codebook import Codebook
from l2l.patches.predictor import Predictor
from l2l.patches.train_codebook import standardizer_of
from l2l.sides import Side
from l2l.training.chance import seeded
from l2l.training.checkpoint import save_checkpoint
from l2l.training.device import prepare
from l2l.training.holdout import load_training_chunks, split
from l2l.training.loop import train
from l2l.training.resume import identity
from l2l.training.session import session
from l2l.units import PATCH

log = logging.getLogger(__name__)

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
        everything = self.crops(places[:, 0], first, phase)
        codes, _, _, inside = (x[part] for x in everything)
        # All processes divide by the frames of the whole batch; the loop weighs a part by its share of the rows.
        count = everything[3].sum().clamp(min=1) * len(codes) / len(rows)
        shape = len(rows), self.sizes.crop, self.model.per_patch
        past = self._past(codes, *(x.to(codes.device) for x in self._chances(shape, part, draw)))
        deaf = (draw(len(rows)) < self.sizes.deaf)[part].to(codes.device)
        with seeded(generator):
            # Drawn for the whole batch by every process; only dropout is each one's own.
            _, speaker, audio, _ = everything
            speaker = speaker + self.sizes.noise * torch.randn_like(speaker)
            level = self.sizes.level * torch.randn_like(audio[:, :1, :1])
            audio = audio + level + self.sizes.noise * torch.randn_like(audio)
            speaker, audio = speaker[part], audio[part]
            logits = self.through(past, speaker, audio, codes, deaf, self.whose(places[part, 0]))
        return ((nats(logits, codes) * self.weights).mean(-1) * inside).sum() / count

    def whose(self, chosen: np.ndarray) -> Tensor | None:
        """(B,) who listens in the sequences `chosen`."""
        return None if self.who is None else self.who[torch.from_numpy(chosen).to(self.who.device)]

    def _chances(
        self, shape: tuple[int, int, int], part: slice, draw: Callable[..., Tensor]
    ) -> tuple[Tensor, Tensor, Tensor]:
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

    def held_logits(self, deaf: bool = False) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Logits (B, P, Q, K) of the held-out codes (B, P, Q), given all of the past, and which are real (B, P)."""
        for start in range(0, len(self.held), HELD):
            chosen, first = self.held[start : start + HELD].T
            codes, speaker, audio, inside = self.crops(chosen, first, np.zeros_like(first))
            past = F.pad(codes[:, :-1], (0, 0, 1, 0), value=self.model.unknown)
            unheard = torch.full((len(codes),), deaf, device=codes.device)
            yield self.model(past, speaker, audio, codes, unheard, self.whose(chosen)), codes, inside

    def validate(self) -> dict[str, float]:
        """Nats per frame of the held-out codes, with the speaker and without one."""
        found = []
        for deaf in (False, True):
            total, patches = 0.0, 0
            for logits, codes, inside in self.held_logits(deaf):
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


@dataclass(frozen=True)
class PredictorRun:
    """A predictor about to be trained."""

    task: PredictorTask
    optimizer: torch.optim.Optimizer
    speaker: Standardizer
    audio: Standardizer
    identity: str  # of this run, for resuming it


def prepare_predictor(
    data: Chunks, codebook: Codebook, listener: Standardizer, settings: Settings, people: tuple[str, ...] = ()
) -> PredictorRun:
    """Split, sequences, codes, standardizers, model and optimizer for `data`, all from the settings' seed.

    `listener` standardizes the motion that the codebook encodes. `people` are told apart, by the names of recordings.
    """
    sizes, windows = settings.predictor, settings.windows
    device = prepare(sizes.training)
    train_rows, validation = split(data, windows.holdout, sizes.training.validation_share, settings.seed)
    sequences, training = join(data, train_rows, validation)
    speaker = standardizer_of(sequences.speaker, sequences, training)
    audio = standardizer_of(sequences.audio, sequences, training)
    motion = torch.from_numpy(listener.apply(sequences.listener)).to(device)
    codes = encode_phases(codebook.to(device), sequences, motion)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        model = Predictor(sizes, codebook, len(people)).to(device)
    faces, sound = (
        torch.from_numpy(standardizer.apply(array)).to(device)
        for standardizer, array in ((speaker, sequences.speaker), (audio, sequences.audio))
    )
    numbers = np.arange(len(sequences))
    who = identities(people, sequences.videos)
    task = PredictorTask(
        *(model, sequences, codes, faces, sound, numbers[:training], numbers[training:], sizes),
        who=None if who is None else torch.from_numpy(who).to(device),
    )
    rows = {"train": train_rows, "validation": validation}
    known = {"listener": listener, "speaker": speaker, "audio": audio}
    run = identity(settings.seed, windows, sizes, data, rows, known, model, codebook)
    return PredictorRun(task, predictor_optimizer(model, sizes), speaker, audio, run)


def train_predictor(
    chunks: Path,
    codebook: Path,
    listener: Side,
    settings: Settings,
    out: Path,
    log_dir: Path,
    people: tuple[str, ...] = (),
) -> None:
    """Train a predictor of `listener`'s patches and write its checkpoint to `out`, curves to `log_dir`.

    `chunks` is a person's folder in the published layout, `codebook` a checkpoint of train-codebook, `people` those who
    are gathered in `chunks` (see `l2l.dataset.together`). Raises UserError
    when there is too little to train on, the codebook cannot be read or another process trains `out`, Stopped when a
    signal ends it; the same call then goes on.
    """
    sizes = settings.predictor
    with session(out, sizes.training) as current:
        codebook_model, listener_standardizer, codebook_meta = load_codebook(codebook)
        data = load_training_chunks(chunks, listener, ("listener", "speaker", "audio"))
        run = prepare_predictor(data, codebook_model, listener_standardizer, settings, people)
        current.run = run.identity
        state = train(run.task, run.optimizer, sizes.training, settings.seed, log_dir, session=current)

        def write() -> None:
            model = run.task.model
            model.load_state_dict(state.best_weights)
            guidance = sizes.pose_guidance, sizes.expression_guidance
            calibrate(run.task, guidance, sizes.calibration_rounds, settings.seed)
            save_checkpoint(
                out,
                {"speaker": run.speaker, "audio": run.audio},
                kind="predictor",
                architecture="patches",
                config=sizes.model_dump(),
                power=run.task.sequences.power,
                guidance=list(guidance),
                people=list(people),
                codebook_fingerprint=codebook_meta["fingerprint"],
                **{**state.best(), "state_dict": {name: weight.cpu() for name, weight in model.state_dict().items()}},
                seed=settings.seed,
                listener=listener,
            )

        current.finish(write)
        log.info("wrote %s", out)
