"""train-predictor: losses, crops and validation of the predictor of patches without its speaker.

- The listener is learned without a speaker first; what comes after it is in `l2l.patches.train_branch`.
- Trained on crops of 40 patches from any frame of a sequence. In whole conversations, the listener's own turns are past
  that is known, but what happens in them is not learned. Half of the crops lose some of their past codes, so that
  it can start from nothing and from any past; some past codes are wrong, as sampled ones are.
- The codes of every sequence are made once for each of the 8 frames that patches can begin at: 8 times the data.
- The best weights are those of the best validation likelihood, in nats per frame, of crops with all of their past.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from l2l import config
from l2l.config import Settings
from l2l.dataset.conversations import Conversations
from l2l.dataset.layout import Chunks
from l2l.dataset.together import identities
from l2l.features.sequences import Sequences, filled, join, whole
from l2l.features.sound import frame_sound, is_power
from l2l.features.speaker import SpeakerFeatures, loudness
from l2l.features.standardize import Standardizer
from l2l.patches.codebook import Codebook
from l2l.patches.crops import Crop, Material, encode_phases
from l2l.patches.length import minutes_of, predictor_attempts
from l2l.patches.likelihood import before, nats
from l2l.patches.predictor import Predictor
from l2l.patches.train_branch import train_branch
from l2l.training.checkpoint import fingerprint
from l2l.training.device import prepare
from l2l.training.holdout import split_by_video
from l2l.training.optimizer import adamw
from l2l.training.run import Run
from l2l.training.seeding import draw_seed, seeded_model
from l2l.training.state import Batch
from l2l.units import PATCH

HELD = 24  # crops at a time; the result does not depend on it


class PredictorTask:
    """The predictor's side of the training loop."""

    progress, ready = 0.0, True

    def __init__(self, model: Predictor, material: Material, sizes: config.PredictorSettings) -> None:
        self.model, self.material, self.sizes = model, material, sizes
        self.through: Callable[..., Any] = model
        self.generators: dict[str, np.random.RandomState] = {}
        self.tiles = material.tiles(material.train, sizes.crop)  # (n, 2) sequence, patch
        self.train = np.arange(len(self.tiles))
        self.held = material.tiles(material.held, sizes.crop)

    def batch(self, rows: np.ndarray, generator: torch.Generator, part: slice = slice(None)) -> Batch:
        chosen, size = self.tiles[rows], self.sizes.crop

        def draw(*shape: int) -> Tensor:
            return torch.rand(shape, generator=generator)

        phase = (draw(len(rows)) * PATCH).long().numpy()
        jitter = (draw(len(rows)) * size).long().numpy()
        latest = np.maximum(self.material.patches(chosen[:, 0], phase) - size, 0)
        first = np.clip(chosen[:, 1] + jitter, 0, latest)
        some = self.material.places(chosen[:, 0], first, phase, size)[1].any(1)
        first = np.where(some, first, np.minimum(chosen[:, 1], latest))  # some patches of a tile count
        places, counted = map(torch.from_numpy, self.material.places(chosen[:, 0], first, phase, size))
        # All processes divide by what counts in the whole batch; the loop weighs a part by its share of the rows.
        count = counted.sum().clamp(min=1) * len(counted[part]) / len(rows)
        dropped = self._past_dropout((len(rows), size, self.model.per_patch), part, draw)
        numbers = torch.from_numpy(chosen[part, 0])
        tensors = numbers, torch.from_numpy(phase[part]), places[part], counted[part], count, *dropped
        return Batch(tensors, seed=draw_seed(generator, part))

    def loss(self, tensors: tuple[Tensor, ...], kind: Any) -> Tensor:
        """Of the crops of sequences `numbers` (B,) with patches that begin at frame `phase` (B,) and lie at `places`
        (B, P): which of them count (B, P), how many of the batch do (), and what is done to the past."""
        numbers, phase, places, counted, count, *dropped = tensors
        codes, who = self.material.codes[phase[:, None], places].long(), self.material.who
        past = self._past(codes, *dropped)
        logits = self.through(past, codes, None, None if who is None else who[numbers])
        return (nats(logits, codes).mean(-1) * counted).sum() / count

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
        past = torch.where(wrong, others, codes)
        return before(past.masked_fill(dropped[..., None], self.model.unknown), self.model.unknown)

    def held_out(self) -> Iterator[Crop]:
        """All held-out crops, some at a time."""
        for start in range(0, len(self.held), HELD):
            numbers, first = self.held[start : start + HELD].T
            yield self.material.crops(numbers, first, np.zeros_like(first), self.sizes.crop)

    def validate(self) -> dict[str, float]:
        """Nats per frame of the held-out codes, given all of the past and no speaker."""
        total, patches = 0.0, 0
        for crops in self.held_out():
            logits = self.model(before(crops.codes, self.model.unknown), crops.codes, None, crops.who)
            total += float((nats(logits, crops.codes).sum(-1) * crops.counted).sum())
            patches += int(crops.counted.sum())
        return {"loss": total / (patches * PATCH)}


def predictor_optimizer(model: Predictor, sizes: config.PredictorSettings) -> torch.optim.Optimizer:
    """AdamW for all but the speaker's branch; decay on matrices only."""
    own = [weight for name, weight in model.named_parameters() if not name.startswith("branch.")]
    assert sizes.weight_decay != "auto", "see `predictor_sizes`"
    return adamw(own, sizes.training.learning_rate, sizes.weight_decay)


def _loudness(sequences: Sequences, training: int) -> tuple[bool, np.ndarray]:
    """Whether the speakers' sound is power, and loudness (F,). Sound, the largest of all, is read once if it is."""
    for power in (True, False):
        found = []
        for n in range(len(sequences)):
            rows = sequences.hear(n)
            if power and n < training and not is_power(rows):
                break
            found.append(loudness(frame_sound(rows, power)))
        if len(found) == len(sequences):
            break
    return power, np.concatenate(found)


def prepare_predictor(
    data: Chunks,
    codebook: Codebook,
    listener: Standardizer,
    settings: Settings,
    people: tuple[str, ...] = (),
    conversations: Conversations | None = None,
) -> Run[PredictorTask]:
    """A predictor of the codes of `codebook`, about to be trained on the windows `data`, or on whole conversations.

    `listener` standardizes the motion that the codebook encodes. `people` are known by the names of recordings. Every
    random draw follows from the settings' seed.
    """
    sizes, device = settings.predictor, prepare(settings.predictor.training)
    train_rows, validation = split_by_video(data, sizes.training.validation_share, settings.seed)
    rows = {"train": train_rows, "validation": validation}
    if conversations:
        sequences, training = whole(conversations, data, train_rows, validation)
        rows |= {"starts": sequences.starts, "counted": sequences.counted, "listener": sequences.listener.mean(0)}
    else:
        sequences, training = join(data, train_rows, validation)
    minutes = minutes_of(sequences, training)
    attempts = predictor_attempts(sizes, minutes)
    sizes = attempts[0]
    power, loud = _loudness(sequences, training)

    def heard(count: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        for n in range(count):
            own = sequences.of(n)
            yield sequences.see(n).astype(np.float32), loud[own], sequences.counted[own]

    made = SpeakerFeatures.fit(lambda: heard(training))
    features = filled(len(loud), (made.of(faces[None], own[None])[0] for faces, own, _ in heard(len(sequences))))
    # In place, also in `sequences`: of hundreds of hours, a copy would be as large again.
    motion = torch.from_numpy(listener.fill(sequences.listener, sequences.listener)).to(device)
    model = seeded_model(lambda: Predictor(sizes, codebook.to(device), len(people)), settings.seed, device)
    model.features = made
    who = identities(people, sequences.videos)
    material = Material(
        sequences.without_motion(),
        encode_phases(codebook, sequences, motion),
        torch.from_numpy(features).to(device),
        None if who is None else torch.from_numpy(who).to(device),
        training,
    )
    task = PredictorTask(model, material, sizes)

    def again(attempt: int) -> tuple[config.TrainingSettings, torch.optim.Optimizer] | None:
        if attempt >= len(attempts):
            return None
        return attempts[attempt].training, predictor_optimizer(model, attempts[attempt])

    said: dict[str, Any] = {"power": power, "people": list(people)}
    said |= {"codebook_fingerprint": fingerprint(codebook.state_dict())}
    return Run(
        task,
        predictor_optimizer(model, sizes),
        {},
        {"kind": "predictor", "architecture": "patches", "config": sizes.model_dump(), **said},
        data,
        rows,
        sizes.training,
        again,
        lambda: train_branch(model, codebook, material, sizes, settings.seed),
    )
