"""How strongly the speaker counts in drawing, so that drawn listeners answer as much as the true ones.

- As learned (1), answers are too rare: the patch in which one begins is hard to foresee, and a draw that misses it goes
  on without it. Which strength mends that depends on data and training.
- No event is named. What of the true listener's motion can be foretold from the speaker is fitted by ridge regression;
  R(strength) is how much of it drawn listeners show: 1 if as much as the true ones. There the strength is taken.
- The regression is of each fold of recordings by the others, so that it is not fooled by what it learned by heart.
"""

import logging

import numpy as np
import torch
from torch import Tensor

from l2l.patches.calibration import drawn
from l2l.patches.codebook import EXPRESSION, Codebook
from l2l.patches.crops import Crop
from l2l.patches.predictor import Predictor
from l2l.units import PATCH

log = logging.getLogger(__name__)

TRIED = 1.0, 1.6, 2.4  # strengths
COMPONENTS = 8  # of expression
LAGS = 10  # patches of the speaker that the regression sees
FOLDS = 5
RIDGE = 30.0  # in patches; features have std 1
SLOW = 0.15  # share that a slow mean moves in a patch


def choose_strength(model: Predictor, codebook: Codebook, speakers: Crop, folds: np.ndarray, seed: int) -> float:
    """The strength, between those tried; `folds` (B,) says which crops are left out together."""
    with torch.no_grad():
        true_motion = codebook.decode(speakers.codes)
        directions = _directions(true_motion, speakers.counted)
        counted = speakers.counted.cpu().numpy()
        truth = quantities(true_motion, directions)[counted]  # (n, 3 C)
        mean, std = truth.mean(0), truth.std(0) + 1e-6
        truth = (truth - mean) / std
        foretold = _foretold(
            _lagged(speakers.features)[counted], truth, np.repeat(folds[:, None], counted.shape[1], 1)[counted]
        )
        ratios = []
        for strength in TRIED:
            codes = drawn(model, speakers, np.random.default_rng(seed), strength)
            shown = (quantities(codebook.decode(codes), directions)[counted] - mean) / std
            ratios.append(_ratios(shown, truth, foretold))
    everything, energy = np.array(ratios).T  # (strengths,) each
    chosen = [_where_one(values) for values in (everything, energy)]
    log.info("strength of the speaker: R %s, of energy %s at %s", np.round(everything, 2), np.round(energy, 2), TRIED)
    return float(np.mean(chosen))


def _where_one(ratios: np.ndarray) -> float:
    """Where R = 1, on straight lines between the strengths tried; at most the largest, at least the smallest."""
    return float(np.interp(1.0, np.maximum.accumulate(ratios), TRIED))


def _ratios(shown: np.ndarray, truth: np.ndarray, foretold: np.ndarray) -> tuple[float, float]:
    """R of all quantities, and of the energies alone."""
    found, wanted = (shown * foretold).sum(0), (truth * foretold).sum(0)  # (3 C,) each
    energies = slice(2 * len(found) // 3, None)
    everything, energy = (float(found[own].sum() / max(wanted[own].sum(), 1e-9)) for own in (slice(None), energies))
    return everything, energy


def _directions(motion: Tensor, counted: Tensor) -> Tensor:
    """(50, C) principal directions of true expression."""
    frames = motion[counted.repeat_interleave(PATCH, 1)][:, :EXPRESSION].double()
    return torch.linalg.eigh(torch.cov(frames.T))[1][:, -COMPONENTS:].to(motion.dtype)


def quantities(motion: Tensor, directions: Tensor) -> np.ndarray:
    """Of motion (B, 8 P, 56): deviation from a slow mean, velocity, and log energy of velocity of 6 pose channels and
    C components of expression, means over patches (B, P, 3 (6 + C))."""
    x = torch.cat([motion[..., EXPRESSION:], motion[..., :EXPRESSION] @ directions], -1)
    velocity = x.diff(dim=1, prepend=x[:, :1])
    patch = x.unflatten(1, (-1, PATCH)).mean(2)  # (B, P, C)
    slow, deviation = patch[:, 0], []
    for now in patch.unbind(1):
        deviation.append(now - slow)
        slow = slow + SLOW * (now - slow)
    parts = velocity.unflatten(1, (-1, PATCH))
    energy = (parts.square().mean(2) + 1e-6).log()
    return torch.cat([torch.stack(deviation, 1), parts.mean(2), energy], -1).double().cpu().numpy()


def _lagged(features: Tensor) -> np.ndarray:
    """Features (B, 8 P, F) -> means over patches, now and LAGS - 1 patches before, (B, P, LAGS F + 1)."""
    x = features.unflatten(1, (-1, PATCH)).mean(2).double().cpu().numpy()  # (B, P, F)
    shifted = [np.concatenate([np.zeros_like(x[:, :lag]), x[:, : x.shape[1] - lag]], 1) for lag in range(LAGS)]
    return np.concatenate([*shifted, np.ones_like(x[..., :1])], -1)


def _foretold(inputs: np.ndarray, truth: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """What ridge regression foretells of each fold from the others, (n, C)."""
    found, penalty = np.zeros_like(truth), RIDGE * np.eye(inputs.shape[1])
    penalty[-1, -1] = 0
    for fold in np.unique(folds):
        own = folds == fold
        x, y = inputs[~own], truth[~own]
        found[own] = inputs[own] @ np.linalg.solve(x.T @ x + penalty, x.T @ y)
    return found - found.mean(0)
