"""Does the model listen? Its error with the true speaker against its error with the speaker of another moment.

- Distances can be small and motion fluent without a look at the speaker: in 2026 generators that never hear it win
  Frechet distances and rPCC. This number is 0 for them, whatever they do.
- The idea of a conditional gain is R-DGG's; the form here is ours.
"""

from collections.abc import Sequence

import numpy as np

from l2l.asking import Model, SpeakerInput
from l2l.evaluation.baselines import Row
from l2l.evaluation.benefit import NO_PART, benefit, no_benefit
from l2l.evaluation.bootstrap import Bootstrap, Number, absent
from l2l.evaluation.clips import Clips, Reference
from l2l.evaluation.definitions import METRICS
from l2l.evaluation.distances import l2
from l2l.evaluation.shifts import NO_SHIFT, Shifts
from l2l.evaluation.side_by_side import side_by_side
from l2l.progress import progress

ROUNDING = 1e-9
_BLOCK = 64  # clips at a time
ZERO_ERROR = "an error of zero has no logarithm"
NOT_LISTENING: Number = {"value": 0.0, "interval_95": [0.0, 0.0], "p": 1.0}  # nothing changes with the speaker
CANNOT_BE_ASKED = absent(METRICS["gain"].missing)


def gain(errors: np.ndarray, shifted: np.ndarray, bootstrap: Bootstrap) -> Number:
    """mean_r ( mean_k log E'_kr - log E_r ): no unit, > 0 when the true speaker helps, higher is better.

    errors (N,) with the true speaker, shifted (K, N) with K others; E_r and E'_kr are their means over the clips of
    recording r. 0.1 says: without the right moment of the speaker the error is 10 % larger. If a shifted speaker took
    the true one's place the number would be 0 on average over the K, exactly, so nothing is to be subtracted.

    The interval draws recordings. `p` is the share of the K + 1 speakers, the true one among them, with which the
    error (over all recordings) is no larger than with the true one: small when the true one is special.
    """
    clips = bootstrap.sums(np.ones(len(errors)))  # (G,)
    true = bootstrap.sums(errors) / clips  # (G,)
    other = bootstrap.sums(shifted.T).T / clips  # (K, G)
    if (true <= 0).any() or (other <= 0).any():
        return absent(ZERO_ERROR)
    found = bootstrap.mean_of_recordings(gained(true, other), ZERO_ERROR)
    as_good = (np.log(other).mean(1) <= np.log(true).mean()).sum()
    return {**found, "p": float((1 + as_good) / (1 + len(other)))}


def gained(true: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Gain of each recording (G,), no unit, from positive errors (G,) and those with K other speakers (K, G)."""
    found = np.log(other).mean(0) - np.log(true)
    found[np.abs(found) < ROUNDING] = 0  # a model that hears nothing gains nothing, not a rounding error
    return found


def l2_errors(predicted: np.ndarray, scaled_truth: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Mean over samples of the L2 in units of each channel's spread: (S, N, T, C), (N, T, C), (C,) -> (N,)."""
    blocks = [slice(start, start + _BLOCK) for start in range(0, len(scaled_truth), _BLOCK)]
    return np.concatenate([l2(predicted[:, some] / scale, scaled_truth[some]).mean(0) for some in blocks])


def spread(truth: Clips) -> np.ndarray:
    """Standard deviation of each channel over all frames (C,); 1 for a channel that never moves."""
    scale = np.concatenate(truth).std(0, dtype=np.float64)
    return np.where(scale > 0, scale, 1)


def gains(
    rows: Sequence[Row],
    model: Model | None,
    speaker: SpeakerInput,
    reference: Reference,
    bootstrap: Bootstrap,
    shifts: Shifts,
) -> dict[str, dict[str, dict[str, Number]]]:
    """Row -> `gain` and what the speaker is worth -> part -> number.

    The gain is in the model's own error, of the other rows in their L2 (standardized).
    """
    deaf = {row.name: {"l2": NOT_LISTENING if row.uses_speaker is False else CANNOT_BE_ASKED} for row in rows}
    found = {name: {**no_benefit(), "gain": one} for name, one in deaf.items()}
    scale = spread(reference.truth)  # (56,)
    truth = np.stack(reference.truth) / scale  # (N, T, 56) float64
    asked = [row for row in rows if row.uses_speaker]

    def errors(asked_with: SpeakerInput) -> dict[str, np.ndarray]:
        of_rows = {row.name: l2_errors(np.asarray(row.predict(asked_with)), truth, scale) for row in asked}
        return of_rows | ({"model": model.errors(asked_with)} if model else {})

    names = {row.name: "l2" for row in asked} | ({"model": model.error} if model else {})
    true = errors(speaker)
    with side_by_side() as pool:
        answers = pool.map(lambda k: errors(shifts[k]), range(len(shifts)))
        others = list(progress(answers, "other moments", unit="shift", total=len(shifts)))
    for name, error in names.items():
        number = absent(NO_SHIFT)
        if others:
            number = gain(true[name], np.stack([other[name] for other in others]), bootstrap)
        found[name]["gain"] = {error: number}
    if model and model.error == "nll":
        without = model.errors_without()
        worth = no_benefit(NO_PART)
        if without is not None:
            worth = benefit(true["model"], without, truth.shape[1], bootstrap)
        found["model"] |= worth
    return found
