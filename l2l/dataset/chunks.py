"""chunk: every recording of a person, cut into the published windows of 64 frames.

Run it alone: `l2l chunk results/alice/videos --train a b --test c --out ...`. Both directions are written
(p0 listens, p1 listens); which one a model learns is the person's `listener` setting.
"""

import contextlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from l2l import config
from l2l.dataset.layout import WINDOW, Split, chunk_paths
from l2l.dataset.turns import find_turns, windows
from l2l.dataset.writer import Conversation, write_windows
from l2l.errors import UserError
from l2l.faces.store import load_faces
from l2l.files import atomic
from l2l.progress import progress
from l2l.sides import SIDES, Side
from l2l.speech.mel import load_mel
from l2l.speech.speaking import SPEAKS, load_speaking

SEATS = ("left", "right")


@dataclass(frozen=True)
class Plan:
    """The windows of one recording: first frames, by the listener's number."""

    video: str
    starts: dict[int, list[int]]
    swapped: bool  # the listener of this recording sits on the other side: p0 and p1 change places in the files
    frames: int
    usable: int  # frames with both faces valid
    in_turns: int  # frames in which somebody has the floor


def plan(folder: Path, settings: config.ChunkingSettings, stride: int, swapped: bool = False) -> Plan:
    """Choose the windows of one preprocessed recording; `swapped` makes p0 of its right person and p1 of its left."""
    people = [load_faces(folder / f"faces_{side}.npz") for side in SIDES]
    speaks = load_speaking(folder / "speaking.npz") >= SPEAKS
    if not len(people[0]) == len(people[1]) == len(speaks):
        raise UserError(f"{folder}: faces and speaking.npz differ in length; make them again.")
    usable = people[0].valid & people[1].valid
    turns = find_turns(speaks, settings.max_pause, settings.max_backchannel)
    starts = windows(turns, usable, people[0].segment, WINDOW, stride)
    if swapped:
        starts = {0: starts[1], 1: starts[0]}
    in_turns = sum(turn.end - turn.start for turn in turns)
    return Plan(folder.name, starts, swapped, len(usable), int(usable.sum()), in_turns)


def chunk(
    videos: Path,
    split: dict[Split, Sequence[str]],
    out: Path,
    listener: Side,
    settings: config.ChunkingSettings,
    person: str,
    swapped: Collection[str] = (),
) -> dict[Split, int]:
    """Write the chunk files of both splits and both listeners; all of them or none.

    In the recordings named in `swapped` the listener sits on the other side than `listener` says.
    Returns the number of windows of `listener` in each split. Raises UserError when there is none at all.
    """
    strides: dict[Split, int] = {"train": settings.stride_train, "test": settings.stride_test}
    plans = {
        part: [plan(videos / name, settings, strides[part], name in swapped) for name in split[part]] for part in split
    }
    counts = {part: sum(len(p.starts[SIDES.index(listener)]) for p in plans[part]) for part in plans}
    if not sum(counts.values()):
        raise UserError(_nothing_usable(person, [p for part in plans.values() for p in part], listener))
    with contextlib.ExitStack() as stack:
        for part, chosen in plans.items():
            for number, side in enumerate(SIDES):
                paths = chunk_paths(out, part, side)
                partial = {name: stack.enter_context(atomic(path)) for name, path in paths.items()}
                count = sum(len(p.starts[number]) for p in chosen)
                write_windows(partial, count, SEATS[1 - number], _recordings(videos, chosen, number))
    return counts


def _recordings(videos: Path, plans: list[Plan], listener: int) -> Iterator[Conversation]:
    """The recordings in which `listener` (0 or 1) has windows, one in memory at a time."""
    for video in progress(plans, f"chunk {SIDES[listener]} listens", unit="video"):
        folder = videos / video.video
        listens = 1 - listener if video.swapped else listener  # where this recording's listener sits
        speaker = 1 - listens
        yield Conversation(
            video.video,
            load_faces(folder / f"faces_{SIDES[listens]}.npz").faces,
            load_faces(folder / f"faces_{SIDES[speaker]}.npz").faces,
            load_mel(folder / f"mel_{SIDES[speaker]}.npy"),
            video.starts[listener],
        )


def _nothing_usable(person: str, plans: list[Plan], listener: Side) -> str:
    frames = sum(p.frames for p in plans)
    usable = sum(p.usable for p in plans) / max(1, frames)
    turns = sum(p.in_turns for p in plans) / max(1, frames)
    other = sum(len(p.starts[1 - SIDES.index(listener)]) for p in plans)
    hint = (
        f"the other person listens in {other} windows: is people.{person}.listener on the right side?"
        if other
        else f"a window needs {WINDOW} frames in a row in which one person speaks and both faces are seen."
    )
    return (
        f"{person}: no usable chunk in {len(plans)} recording(s): both faces are seen in {usable:.0%} of {frames} "
        f"frames and somebody has the floor in {turns:.0%}; {hint}"
    )
