"""Which recordings are for training and which for testing: by recording, never by window."""

import hashlib
import math
from collections.abc import Sequence

from l2l.errors import UserError


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
