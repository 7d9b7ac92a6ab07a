"""How large the models are and how long they are trained: rules from the amount of data, where settings leave it open.

- A whole short schedule beats a long one that is stopped early: with 16 minutes 2.246 against 2.309 nats per frame.
- The rules were fitted on made-up conversations of 10 to 180 minutes (docs/modern.md). Beyond, they go on as straight
  lines on logarithmic axes, up to a limit.
- Minutes alone do not tell how long a predictor should be trained: of made-up conversations, two times as long is worse
  at any amount; of real ones, better. So it is tried twice as long, from the beginning, and so on while that helps.
"""

import numpy as np

from l2l import config
from l2l.features.sequences import Sequences
from l2l.units import FPS

LOOKS = 12  # at the validation loss in one training
SMALL = {"width": 64, "layers": 2, "head_width": 64}  # of the predictor, below LARGE_FROM minutes
LARGE = {"width": 96, "layers": 3, "head_width": 128}
LARGE_FROM = 24.0
LONGEST = 10_000  # steps of the longest attempt
DECAY, MOST_DECAY = 3.0, 2.7  # weight decay, and the largest logarithm of what it shrinks a weight by in all


def minutes_of(sequences: Sequences, training: int) -> float:
    """Of listening in the first `training` sequences."""
    frames = sum(int(sequences.counted[sequences.of(n)].sum()) for n in range(training))
    return frames / FPS / 60


def codebook_steps(minutes: float) -> int:
    """500, 1000 and 2100 for 8, 32 and 144 minutes."""
    return round(float(np.clip(500 * (minutes / 8) ** 0.5, 300, 4000)))


def predictor_steps(minutes: float) -> int:
    """130, 440 and 1700 for 8, 32 and 144 minutes."""
    return round(float(np.clip(130 * (minutes / 8) ** 0.88, 60, 6000)))


def seconds_of_training(minutes: float) -> float:
    """Of one core of a laptop, about, for both models, the predictor in two attempts, without what is fitted for
    drawing."""
    return 20 + 0.15 * codebook_steps(minutes) + 0.1 * 3 * predictor_steps(minutes)


def branch_steps(minutes: float) -> int:
    """100, 141 and 300 for at most 16, 32 and 144 minutes."""
    return round(float(np.clip(100 * (minutes / 16) ** 0.5, 100, 600)))


def predictor_sizes(sizes: config.PredictorSettings, minutes: float, times: int = 1) -> config.PredictorSettings:
    """`sizes` with all that was left open known for so many minutes of training data, trained `times` as long."""
    open_sizes: dict[str, float] = {
        name: size
        for name, size in (LARGE if minutes >= LARGE_FROM else SMALL).items()
        if getattr(sizes, name) == "auto"
    }
    training = with_steps(sizes.training, times * predictor_steps(minutes))
    if sizes.weight_decay == "auto":
        rates = 0.5 * training.learning_rate * training.steps  # of all steps together
        open_sizes["weight_decay"] = round(min(DECAY, MOST_DECAY / rates), 3)
    values = {**sizes.model_dump(), **open_sizes, "training": training.model_dump()}
    if sizes.branch.steps == "auto":
        values["branch"]["steps"] = branch_steps(minutes)
    return type(sizes).model_validate(values)


def predictor_attempts(sizes: config.PredictorSettings, minutes: float) -> list[config.PredictorSettings]:
    """`predictor_sizes`, and those of twice as many steps, four times as many, ..., up to LONGEST of them."""
    found = [predictor_sizes(sizes, minutes)]
    while sizes.training.max_steps == "auto" and 2 * found[-1].training.steps <= LONGEST:
        found.append(predictor_sizes(sizes, minutes, 2 ** len(found)))
    return found


def with_steps(training: config.TrainingSettings, steps: int) -> config.TrainingSettings:
    """`training` with its length known: as it says, or `steps` when it leaves that open."""
    if training.max_steps != "auto":
        return training
    found = {"validate_every": max(1, steps // LOOKS), "warmup_steps": min(training.warmup_steps, steps // 8)}
    return training.model_copy(update={"max_steps": steps, **found})
