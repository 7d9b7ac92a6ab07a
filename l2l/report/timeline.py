"""A recording's time line: who speaks, where a face is missing, where the picture cuts; in per mille of its length."""

from dataclasses import dataclass

import numpy as np

from l2l.sides import SIDES
from l2l.speech.intervals import intervals
from l2l.speech.speaking import SPEAKS
from l2l.units import FPS

Bars = list[tuple[float, float]]  # begin and width, 0 to 1000
_SHORT = 0.2  # per mille; what is shorter is drawn this wide


@dataclass(frozen=True)
class TimeLine:
    """What is drawn, and the same in words for who cannot see it."""

    seconds: float
    speech: dict[str, Bars]
    missing: dict[str, Bars]
    cuts: list[float]
    words: str


def time_line(found: np.ndarray, segment: np.ndarray, probability: np.ndarray | None) -> TimeLine:
    """From tracks (T, 2) and (T,) and, where it is known, the probability (T, 2) that each person speaks."""
    frames = max(1, len(found))

    def bars(mask: np.ndarray) -> Bars:
        parts = [(1000 * start / frames, 1000 * (end - start) / frames) for start, end in intervals(mask)]
        return [(round(start, 2), round(max(width, _SHORT), 2)) for start, width in parts]

    speaks = np.zeros_like(found) if probability is None else probability[: len(found)] >= SPEAKS
    cuts = (1000 * (np.flatnonzero(np.diff(segment)) + 1) / frames).round(2).tolist()
    words = [f"{side} speaks {speaks[:, n].mean():.0%} of the time" for n, side in enumerate(SIDES)]
    words += [f"{side} is not seen in {(~found[:, n]).mean():.0%}" for n, side in enumerate(SIDES)]
    return TimeLine(
        seconds=len(found) / FPS,
        speech={side: bars(speaks[:, n]) for n, side in enumerate(SIDES)},
        missing={side: bars(~found[:, n]) for n, side in enumerate(SIDES)},
        cuts=cuts,
        words=f"{'; '.join(words)}; {len(cuts)} cuts.",
    )
