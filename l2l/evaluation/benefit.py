"""What the speaker is worth to a model: its likelihood with the speaker, and that of the same model without.

- The gain compares the true moment of the speaker with other ones. A model can have a gain and still be better off
  without any speaker.
- The absolute numbers stand beside the difference: a poor model without its speaker makes any speaker look useful.
  They can be compared on the same codes only, those of one codebook.
"""

import numpy as np

from l2l.evaluation.bootstrap import Bootstrap, Number, absent
from l2l.evaluation.definitions import METRICS

NO_PART = "this model has no part without a speaker"
BENEFITS = ("nats", "over_unconditional")


def no_benefit(reason: str = "") -> dict[str, dict[str, Number]]:
    """The numbers of a row that has no likelihood, or of a model that always hears a speaker."""
    return {name: {part: absent(reason or METRICS[name].missing) for part in METRICS[name].parts} for name in BENEFITS}


def benefit(errors: np.ndarray, without: np.ndarray, frames: int, bootstrap: Bootstrap) -> dict[str, dict[str, Number]]:
    """Errors of clips (N,) in nats, of `frames` predicted frames each, with the true speaker and without one."""
    clips = bootstrap.sums(np.ones(len(errors)))  # (G,)
    heard, alone = (bootstrap.sums(each) / clips / frames for each in (errors, without))  # (G,), nats per frame
    mean = bootstrap.mean_of_recordings
    both = {"with_speaker": mean(heard, NO_PART), "without_speaker": mean(alone, NO_PART)}
    return {"nats": both, "over_unconditional": {"nll": mean(alone - heard, NO_PART)}}
