"""One sentence that a person can act on: it listens, it cannot be told, or it does not.

- It listens if the whole interval of the gain is above 0, and does not if the interval leaves no room for a gain that
  could be noticed. Between the two, the data are too few; how many recordings would tell follows from the interval,
  which becomes narrower with the root of their number.
"""

import math
from typing import Any

from l2l.dataset.folds import FEW

NOTICED = 0.005  # gain: half a percent of the error; ten minutes of clear listening give 0.02 and more
_MANY = 1000  # recordings or blocks; nobody is told to make more


def listens(model: dict[str, Any], recordings: int, folds: dict[str, Any] | None) -> str:
    """The sentence, from the model's numbers on `recordings` test recordings, or from those of all folds."""
    if folds is None:
        few = f" Only {recordings} test recordings: an interval over so few says little." if recordings < FEW else ""
        return _answer(model, recordings) + few
    names = folds["recordings"]
    what = "blocks" if ", block " in names[0] else "recordings"
    said = (
        f"{_answer(folds, len(names), what)} Each of {len(names)} {what} was answered by a model trained on the others."
    )
    if what == "blocks":
        said += " They are parts of one recording: this says nothing of other conversations."
    return said


def _answer(numbers: dict[str, Any], count: int, what: str = "recordings") -> str:
    for error, number in (numbers.get("gain") or {}).items():
        if number["value"] is None:
            return f"not known: {number['reason']}."
        if number["interval_95"] is None:
            return f"not known: the gain ({error}) is {number['value']:.3g}, with no interval: {number['reason']}."
        (low, high), value = number["interval_95"], number["value"]
        if low == high == 0:
            return (
                "no: the speaker changes next to nothing: training found nothing in the speaker. Train on more minutes."
            )
        said = f"the gain ({error}) is {value:.3g}, 95 % interval {low:.3g} to {high:.3g}"
        if low > 0:
            return f"yes: {said}.{_benefit(numbers)}"
        if high < 0:
            return f"no: the true speaker makes it worse: {said}.{_benefit(numbers)}"
        if high < NOTICED:
            return f"no: the speaker changes next to nothing: {said}.{_benefit(numbers)}"
        return f"cannot be told with this much data: {said}. {_more(value, high - low, count, what)}{_benefit(numbers)}"
    return "not known: the model was not asked again with other speakers."


def _more(value: float, width: float, count: int, what: str) -> str:
    """How many recordings, or blocks of one, would tell."""
    needed = math.ceil(count * (width / 2 / value) ** 2) if value > 0 else math.inf
    if needed > _MANY:
        return "Nothing points to it so far: train on more minutes."
    return f"About {max(needed, count + 1)} {what} like these would tell, if the gain stays so."


def _benefit(numbers: dict[str, Any]) -> str:
    """What the speaker is worth, where that is known."""
    better = (numbers.get("over_unconditional") or {}).get("nll")
    if not better or better["value"] is None:
        return ""
    interval = "{:.3g} to {:.3g}; ".format(*better["interval_95"]) if better["interval_95"] else ""
    heard, alone = (numbers["nats"][part]["value"] for part in ("with_speaker", "without_speaker"))
    return (
        f" Better than without the speaker by {better['value']:.3g} nats per frame ({interval}{heard:.4g} with, "
        f"{alone:.4g} without)."
    )
