"""Which recordings are for training and which for testing: by recording, never by window.

A recording that is alone is divided by time, with a gap. What is found so holds for that conversation alone.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence

from l2l.dataset.layout import WINDOW, Split
from l2l.errors import UserError
from l2l.units import FPS

GAP = 5.0  # seconds that are left out between training and test, where one recording is divided


def split_videos(videos: Sequence[str], test_videos: Sequence[str], share: float) -> tuple[list[str], list[str]]:
    """(training, testing) names. Named test recordings win; else a share of them, at least one when there are two.

    The choice depends on each name alone, so that adding a recording moves no other one by more than the share asks.
    """
    unknown = [name for name in test_videos if name not in videos]
    if unknown:
        some = ", ".join(sorted(videos)[:5])
        raise UserError(f"test_videos names {unknown[0]!r}, which is no recording; there are {some} ...")
    testing = set(test_videos)
    if not testing and len(videos) > 1:
        order = sorted(videos, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
        testing = set(order[: min(len(videos) - 1, max(1, math.floor(share * len(videos))))])
    return [v for v in sorted(videos) if v not in testing], [v for v in sorted(videos) if v in testing]


def is_alone(split: Mapping[Split, Sequence[str]], share: float) -> bool:
    """Whether there is but one recording, to be divided into training and test."""
    return len(split["train"]) == 1 and not split["test"] and share > 0


def divided(train: Sequence[int], test: Sequence[int], share: float, name: str) -> dict[Split, list[int]]:
    """The windows of recording `name`, which is alone: the last `share` of those in `test` are for testing.

    `train` and `test` are first frames of windows of the whole recording, increasing. Training ends GAP seconds before
    the first that is for testing. Raises UserError when there are too few windows.
    """
    held = list(test[-max(1, math.floor(share * len(test))) :])
    before = [start for start in train if held and start + WINDOW + GAP * FPS <= held[0]]
    if not before:
        raise UserError(
            f"{name} is the only recording, and has too few windows to be divided into training and test "
            f"({len(test)}); give a longer one, or a second one."
        )
    return {"train": before, "test": held}
