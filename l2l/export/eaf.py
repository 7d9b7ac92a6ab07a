"""eaf: annotations for ELAN, with the recording's video and sound linked.

ELAN has no moments: an event is drawn from its moment on, for 0.2 s or until the next one.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from pympi import Eaf

from l2l.export.annotations import Tier
from l2l.export.take import WholeRecording
from l2l.files import atomic
from l2l.units import FPS

_SHOWN = 200  # milliseconds


def write(recording: WholeRecording, tiers: Sequence[Tier], out: Path) -> None:
    """Write the tiers of one recording."""
    document = Eaf(author="l2l")
    document.adocument["DATE"] = "1970-01-01T00:00:00+00:00"  # the same motion gives the same bytes
    document.remove_tier("default")
    for media, kind in ((recording.video, "video/mp4"), (recording.audio, "audio/x-wav")):
        if media:
            relative = os.path.relpath(media.resolve(), out.resolve().parent)
            document.add_linked_file(media.resolve().as_uri(), Path(relative).as_posix(), kind)
    for tier in tiers:
        document.add_tier(tier.name)
        spans = [(milliseconds(start), milliseconds(end)) for start, end in tier.frames]
        if tier.moments:
            moments = [start for start, _ in spans]
            spans = [(at, min([at + _SHOWN, *moments[k + 1 : k + 2]])) for k, at in enumerate(moments)]
        for start, end in spans:
            document.add_annotation(tier.name, start, end, tier.name.rpartition(" ")[2])
    with atomic(out) as partial:
        document.to_file(str(partial))


def milliseconds(frame: int) -> int:
    """The time at which a frame begins, as ELAN counts."""
    return round(1000 * frame / FPS)
