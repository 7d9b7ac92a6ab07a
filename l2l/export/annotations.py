"""What can be written on a recording's time line: who speaks, turns, and the nods, shakes, smiles and blinks of takes.

- Tiers are one under another, as ELAN and Praat show them. Nothing in one tier overlaps: where clips overlap, the
  earlier one counts.
- Events are those of `l2l.evaluation.events`, which also counts them in eval.json. One without a detector for a
  backend has no tier.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from l2l import config
from l2l.dataset.turns import find_turns
from l2l.evaluation.events import Directions, detect
from l2l.export.take import Take
from l2l.sides import SIDES
from l2l.speech.intervals import intervals


class Tier(NamedTuple):
    """One line of annotations; of a moment, the second frame is that of the first."""

    name: str
    frames: list[tuple[int, int]]  # first and last + 1 frame of the recording, in order
    moments: bool = False


def tiers(takes: Sequence[Take], settings: config.ChunkingSettings) -> list[Tier]:
    """All tiers of takes of one recording; takes with one `what` share their tiers."""
    found, speaks = [], takes[0].recording.speaks
    if speaks is not None:
        turns = find_turns(speaks, settings.max_pause, settings.max_backchannel)
        for number, side in enumerate(SIDES):
            found.append(Tier(f"{side} speaks", intervals(speaks[:, number])))
            found.append(Tier(f"{side} turn", _apart([(t.start, t.end) for t in turns if t.speaker == number])))
    for what in dict.fromkeys(take.what for take in takes):
        found += _of([take for take in takes if take.what == what], what)
    return found


def _of(takes: Sequence[Take], what: str) -> list[Tier]:
    """What one person does, or one future of them: the frames that are known, then each kind of event."""
    known = np.zeros(max(take.start + len(take) for take in takes), bool)
    moments: dict[str, list[int]] = {}
    for take in sorted(takes, key=lambda take: take.start):
        free = ~known[take.start :][: len(take)]  # by no earlier clip
        shown = take.seen & (np.arange(len(take)) >= take.given)
        for kind, frames in _events(take).items():
            moments.setdefault(kind, []).extend(take.start + frame for frame in frames if free[frame])
        known[take.start :][: len(take)] |= shown
    events = [Tier(f"{what} {kind}", [(f, f) for f in sorted(frames)], True) for kind, frames in moments.items()]
    return [Tier(what, intervals(known)), *events]


def _events(take: Take) -> dict[str, list[int]]:
    """Frames of the take at which each kind of event is, apart from what was given."""
    runs = intervals(take.seen)
    given = [max(0, take.given - start) for start, _ in runs]
    found = detect([take.motion[start:end] for start, end in runs], given, _directions(take))
    return {
        kind: [runs[clip][0] + given[clip] + int(time) for clip, time in zip(events.clip, events.time, strict=True)]
        for kind, events in found.items()
    }


def _directions(take: Take) -> Directions | None:
    if take.backend == "blendshapes":
        return Directions.of_shapes()
    return Directions.of(take.basis) if take.basis else None


def _apart(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans in order, none longer than until the next begins."""
    starts = [start for start, _ in spans]
    return [(start, min([end, *starts[k + 1 : k + 2]])) for k, (start, end) in enumerate(spans)]
