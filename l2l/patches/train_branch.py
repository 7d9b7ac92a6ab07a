"""After the listener without a speaker is trained: the speaker's branch, and the probabilities put right.

1. What can be put right without a speaker, so that the branch gets no credit for it: one offset for each logit, trained
   as the branch is, but with a speaker who never changes; then one temperature for each code of a patch, fitted to the
   held-out likelihood (Guo et al. 2017).
2. The branch, on top of frozen logits: whole recordings, averaged weights, validated from step 0 on. It is trained on
   all features of the speaker, on those of the voice and on those of the expression, and validation chooses: features
   that a listener does not answer are learned by heart. (Smiles that go up and down together, 40 minutes:
   .0003 nats of gain with all of them, .0030 with the expression alone.)
3. How strongly the speaker counts in drawing (`l2l.patches.strength`), and what is drawn for minutes
   (`l2l.patches.calibration`).

All of it takes seconds, so it is not resumed in the middle: a training that is stopped here does it again, alike.
"""

import copy
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from scipy.optimize import minimize_scalar
from torch import Tensor, nn

from l2l import config
from l2l.features.speaker import count, groups
from l2l.patches.branch import SpeakerBranch
from l2l.patches.calibration import calibrate
from l2l.patches.codebook import Codebook
from l2l.patches.crops import Crop, Material
from l2l.patches.likelihood import nats, unconditional
from l2l.patches.predictor import Predictor
from l2l.patches.strength import FOLDS, choose_strength
from l2l.training.optimizer import adamw
from l2l.training.seeding import draw_seed, seeded
from l2l.units import PATCH

log = logging.getLogger(__name__)

LISTENERS, PATCHES = 96, 160  # so many are drawn, at most for so long (43 s)
LONG = 225  # patches of a crop (a minute), or as long as the longest sequence
MOST = 256 * LONG  # patches whose logits are kept in memory
BATCH = 1800  # patches of a step, about
RANGE = 0.5, 2.0  # of temperatures
WARM_UP, CLIP, AVERAGE, LOOKS = 20, 1.0, 0.97, 10
SCALES = 1.0, 0.85, 0.7, 0.5, 0.3  # of what the speaker adds: little data make it right in kind, but too much


@dataclass(frozen=True)
class Known:
    """Crops, and the logits (B, P, Q, K) of their codes without a speaker, before the temperature."""

    crops: Crop
    logits: Tensor

    def __len__(self) -> int:
        return len(self.logits)

    def without_speaker(self) -> "Known":
        """The same with a speaker who never changes, and nobody answers in a way of their own."""
        return Known(self.crops._replace(features=torch.zeros_like(self.crops.features), who=None), self.logits)

    def shifted(self, offset: Tensor) -> "Known":
        """The same with `offset` (Q, K) added to the logits."""
        return Known(self.crops, self.logits + offset)

    @staticmethod
    def cut(material: Material, numbers: np.ndarray, phases: int, seed: int = 0) -> Crop:
        """Crops of the sequences `numbers`, from `phases` of the 8 frames that patches can begin at."""
        size = int(min(LONG, material.patches(numbers).max()))
        tiles = material.tiles(numbers, size)  # (n, 2)
        chosen = np.array([(*tile, phase) for phase in range(0, PATCH, PATCH // phases) for tile in tiles])
        if len(chosen) > MOST // size:
            chosen = chosen[np.sort(np.random.default_rng(seed).permutation(len(chosen))[: MOST // size])]
        numbers, first, phase = chosen.T
        return material.crops(numbers, first, phase, size)

    @classmethod
    @torch.no_grad()
    def of(cls, model: Predictor, crops: Crop) -> "Known":
        logits = []
        for start in range(0, len(crops.codes), 16):
            codes, _, _, who = crops.rows(slice(start, start + 16))
            logits.append(unconditional(model, codes, who))
        return cls(crops, torch.cat(logits))


def train_branch(
    model: Predictor, codebook: Codebook, material: Material, sizes: config.PredictorSettings, seed: int
) -> None:
    """Set all that comes after the training of `model` without a speaker."""
    model.eval().requires_grad_(False)
    train, held = (
        Known.of(model, Known.cut(material, numbers, phases, seed))
        for numbers, phases in ((material.train, PATCH), (material.held, 2))
    )
    model.temperature.copy_(fitted_temperatures(held))
    with seeded(draw_seed(torch.Generator().manual_seed(seed)), train.logits.device):
        untrained = copy.deepcopy(model.branch.state_dict())
        fit(model, train.without_speaker(), held.without_speaker(), sizes.branch, range(count()))
        nobody = torch.zeros_like(held.crops.features[:1])
        model.offset.copy_(model.added(model.branch(nobody))[0, -1])
        train, held = train.shifted(model.offset), held.shifted(model.offset)
        model.temperature.copy_(fitted_temperatures(held))
        model.branch.load_state_dict(untrained)
        without = loss(model, held, None)
        heard, step, group = fit_best(model, train, held, sizes.branch)
    log.info("nats per frame, held out: %.4f without a speaker, %.4f with (%s, step %d)", without, heard, group, step)
    model.strength.fill_(1.0 if sizes.strength == "auto" else sizes.strength)
    if sizes.strength == "auto" and step:
        everyone = np.concatenate([material.train, material.held])
        model.strength.fill_(choose_strength(model, codebook, *speakers(material, everyone), seed))
    if sizes.calibration_rounds:
        everything = Known.cut(material, material.train, 1)

        def some(random: np.random.Generator) -> Crop:
            return speakers(material, material.train, random)[0]

        calibrate(model, some, everything, sizes.calibration_rounds, seed)


def speakers(
    material: Material, numbers: np.ndarray, random: np.random.Generator | None = None
) -> tuple[Crop, np.ndarray]:
    """At most LISTENERS crops of the sequences `numbers`, chosen evenly, and which fold (B,) each belongs to.

    With `random`, as many as LISTENERS at random: of fewer, each comes several times.
    """
    size = int(min(PATCHES, material.patches(numbers).max()))
    tiles = material.tiles(numbers, size)
    if random is None:
        rows = np.linspace(0, len(tiles) - 1, min(LISTENERS, len(tiles))).astype(int)
    else:
        rows = np.sort(np.resize(random.permutation(len(tiles)), LISTENERS))
    chosen, first = tiles[rows].T
    recordings = np.unique(material.sequences.videos[chosen], return_inverse=True)[1]
    folds = recordings if recordings.max() else np.arange(len(chosen))
    return material.crops(chosen, first, np.zeros_like(first), size), folds % FOLDS


@torch.no_grad()
def loss(model: Predictor, known: Known, branch: SpeakerBranch | None) -> float:
    """Nats per frame, with the speaker as `branch` hears it."""
    return losses(model, known, branch, (1.0,))[0]


@torch.no_grad()
def losses(model: Predictor, known: Known, branch: SpeakerBranch | None, scales: Sequence[float]) -> list[float]:
    """Nats per frame with what the speaker adds times each of `scales`, in their order; nothing without `branch`."""
    heard = 0 if branch is None else added(model, branch, known.crops)

    def one(scale: float) -> float:
        logits = (known.logits + scale * heard) / model.temperature[:, None]
        found = nats(logits, known.crops.codes).sum(-1) * known.crops.counted
        return float(found.sum() / known.crops.patches) / PATCH

    return [one(scale) for scale in scales]


def added(model: Predictor, branch: SpeakerBranch, crops: Crop) -> Tensor:
    return branch.added(branch(crops.features), [model.vectors.aims(q) for q in range(model.per_patch)], crops.who)


def fitted_temperatures(known: Known) -> Tensor:
    """(Q,) of the least negative log-likelihood of codes, given all of the true past."""
    counted = known.crops.counted
    everything, true = known.logits[counted], known.crops.codes[counted]  # (n, Q, K), (n, Q)

    def best(q: int) -> float:
        def loss(temperature: float) -> float:
            return float(F.cross_entropy(everything[:, q] / temperature, true[:, q]))

        return float(minimize_scalar(loss, bounds=RANGE, method="bounded", options={"xatol": 1e-3}).x)

    return torch.tensor([best(q) for q in range(true.shape[-1])])


def fit_best(model: Predictor, train: Known, held: Known, sizes: config.BranchSettings) -> tuple[float, int, str]:
    """Train the branch of `model` once for each group of features (`speaker.groups`); the best one stays in it.

    Returns its held-out loss, its step, and the name of its group.
    """
    untrained, found = copy.deepcopy(model.branch.state_dict()), []
    for name, features in groups().items():
        model.branch.load_state_dict(untrained)
        found.append((*fit(model, train, held, sizes, features), name, copy.deepcopy(model.branch.state_dict())))
        log.info("the speaker's %s: %.4f nats per frame, held out, at step %d", name, *found[-1][:2])
    heard, step, name, weights = min(found, key=lambda one: one[0])  # of equals, the first
    model.branch.load_state_dict(weights)
    return heard, step, name


def fit(
    model: Predictor, train: Known, held: Known, sizes: config.BranchSettings, features: Sequence[int]
) -> tuple[float, int]:
    """Train the branch of `model` on these features of the speaker; the best averaged weights, times the best scale,
    stay in it.

    Returns their held-out loss and step.
    """
    assert sizes.steps != "auto", "see `predictor_sizes`"
    heard = model.branch.listen_to(list(features))
    branch, average = model.branch.requires_grad_(True), copy.deepcopy(model.branch).eval().requires_grad_(False)
    optimizer = adamw(branch.parameters(), sizes.learning_rate, sizes.weight_decay)
    batch = max(1, round(BATCH / float(train.crops.counted.sum(1).float().mean())))
    best, best_step, weights = loss(model, held, None), 0, copy.deepcopy(average.state_dict())
    waiting = torch.empty(0, dtype=torch.int64)
    for step in range(1, sizes.steps + 1):
        if len(waiting) < batch:
            waiting = torch.cat([waiting, torch.randperm(len(train))])
        rows, waiting = waiting[:batch], waiting[batch:]
        rate = sizes.learning_rate * min(1, step / WARM_UP) * 0.5 * (1 + math.cos(math.pi * step / (sizes.steps + 1)))
        for group in optimizer.param_groups:
            group["lr"] = rate
        branch.train()
        crops = train.crops.rows(rows)
        noise = sizes.noise * torch.randn_like(crops.features)
        noisy = crops._replace(features=heard * (crops.features + noise))
        logits = (train.logits[rows] + added(model, branch, noisy)) / model.temperature[:, None]
        optimizer.zero_grad(set_to_none=True)
        ((nats(logits, crops.codes).sum(-1) * crops.counted).sum() / crops.patches).backward()
        nn.utils.clip_grad_norm_(branch.parameters(), CLIP)
        optimizer.step()
        with torch.no_grad():
            for mean, now in zip(average.parameters(), branch.parameters(), strict=True):
                mean.lerp_(now, 1 - min(AVERAGE, step / (step + 10)))
        if step % max(1, sizes.steps // LOOKS) == 0:
            found, scale = min(zip(losses(model, held, average, SCALES), SCALES, strict=True))
            if found < best:
                best, best_step, weights = found, step, average.scaled(scale)
    branch.load_state_dict(weights)
    branch.eval().requires_grad_(False)
    return best, best_step
