"""Which of two rows is better, and whether that can be told.

- Two numbers of the same test recordings are compared by their difference: what makes one recording hard for both rows
  cancels. Their own intervals may overlap widely while one is better in every recording.
- A number brings its `influence`: how far it moves when a recording counts more (`l2l.evaluation.bootstrap`). The
  standard error of a difference follows from the difference of two influences, also when the two are of two files.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from l2l.evaluation.definitions import METRICS

CONTROLS = ("truth", "truth_other_recording", "model_shuffled_speaker")  # rows that are shown and do not compete
_SURE = 1.96  # standard errors of a difference that can be told from none


@dataclass(frozen=True)
class Rank:
    """How bad a number is: smaller is better, whichever way its metric points."""

    value: float
    influence: np.ndarray | None  # (K,); None: not known

    def minus(self, other: "Rank") -> "Rank":
        value = self.value - other.value
        if self.influence is None or other.influence is None:
            return Rank(value, None)
        return Rank(value, self.influence - other.influence)

    def tied(self, other: "Rank") -> bool:
        """Whether the two cannot be told apart."""
        off = self.minus(other)
        return off.influence is None or abs(off.value) <= _SURE * float(np.linalg.norm(off.influence))


def rank(name: str, number: dict[str, Any] | None, truth: dict[str, Any] | None) -> Rank | None:
    """The rank of a number of metric `name`; `truth` is the truth's own number. None when it cannot be ranked."""
    better, own, target = METRICS[name].better, _plain(number), _plain(truth)
    if own is None or (better == "truth" and target is None):
        return None
    if better == "truth" and target is not None:
        own = own.minus(target)
        sign = 1 if own.value >= 0 else -1
    else:
        sign = 1 if better == "lower" else -1
    return Rank(sign * own.value, None if own.influence is None else sign * own.influence)


def _plain(number: dict[str, Any] | None) -> Rank | None:
    if number is None or number["value"] is None:
        return None
    interval, influence = number["interval_95"], number.get("influence")
    if influence is None and interval and interval[0] == interval[1]:
        influence = [0.0]  # a constant
    return Rank(number["value"], None if influence is None else np.array(influence))
