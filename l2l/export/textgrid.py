"""textgrid: annotations for Praat: interval tiers of who speaks and what is known, point tiers of events."""

from collections.abc import Sequence
from pathlib import Path

from praatio.data_classes.interval_tier import IntervalTier
from praatio.data_classes.point_tier import PointTier
from praatio.data_classes.textgrid import Textgrid
from praatio.utilities.constants import Interval, Point

from l2l.export.annotations import Tier
from l2l.export.take import WholeRecording
from l2l.files import atomic
from l2l.units import FPS


def write(recording: WholeRecording, tiers: Sequence[Tier], out: Path) -> None:
    """Write the tiers of one recording, from its beginning to its end."""
    end = max([recording.frames, *(last for tier in tiers for _, last in tier.frames)]) / FPS
    grid = Textgrid(0, end)
    for tier in tiers:
        word = tier.name.rpartition(" ")[2]
        if tier.moments:
            grid.addTier(PointTier(tier.name, [Point(frame / FPS, word) for frame, _ in tier.frames], 0, end))
        else:
            spans = [Interval(start / FPS, last / FPS, word) for start, last in tier.frames]
            grid.addTier(IntervalTier(tier.name, spans, 0, end))
    with atomic(out) as partial:
        grid.save(str(partial), "long_textgrid", includeBlankSpaces=True)
