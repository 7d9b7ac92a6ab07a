"""chunk: every recording of a person, cut into the published windows of 64 frames; and whole, beside them.

Run it alone: `l2l chunk results/alice/videos --train a b --test c --out ...`. Both directions are written
(p0 listens, p1 listens); which one a model learns is the person's `listener` setting. A recording that is alone is
divided by time into training and test (`l2l.dataset.split`).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from l2l import config
from l2l.arrays import INSANE, sane
from l2l.dataset.conversations import Both, Person, Source, Stretch, new_conversations, write_conversations
from l2l.dataset.layout import WINDOW, Split
from l2l.dataset.split import GAP, divided, is_alone
from l2l.dataset.turns import continuous, find_turns, has_floor, windows
from l2l.dataset.writer import Listening, write_dataset
from l2l.errors import UserError
from l2l.faces.store import load_faces
from l2l.sides import SIDES, Side, number, other
from l2l.speech.mel import load_mel
from l2l.speech.speaking import SPEAKS, load_speaking
from l2l.units import AUDIO_PER_FRAME, FPS, MODEL_DIM


@dataclass(frozen=True)
class Plan:
    """The windows of one recording, by who listens, and its stretches; sides are those of the written files."""

    folder: Path
    starts: dict[Side, list[int]]  # first frames
    seats: dict[Side, Side]  # where in the picture the person of each side sits
    parts: list[tuple[int, int]]  # what is continuous: first and last + 1 frame
    floor: np.ndarray  # (T, 2) bool, left and right of the picture: who has the floor
    usable: int  # frames with both faces valid

    def windows(self, listener: Side) -> Listening:
        """For the writer; arrays are read one recording at a time."""
        listens, speaks = self.seats[listener], self.seats[other(listener)]

        def read() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            faces = [load_faces(self.folder / f"faces_{side}.npz").faces for side in (listens, speaks)]
            return faces[0], faces[1], load_mel(self.folder / f"mel_{speaks}.npy")

        return Listening(self.folder.name, self.starts[listener], read)

    def whole(self) -> Source:
        """Its stretches, for the writer."""
        name = self.folder.name

        def read() -> Both:
            return {side: self._person(seat) for side, seat in self.seats.items()}

        return Source([Stretch(name, a, b - a) for a, b in self.parts if b - a >= WINDOW], read)

    def _person(self, seat: Side) -> Person:
        faces = load_faces(self.folder / f"faces_{seat}.npz").faces[:, :MODEL_DIM]
        return Person(faces, load_mel(self.folder / f"mel_{seat}.npy"), self.floor[:, number(seat)])


def plan(folder: Path, settings: config.ChunkingSettings, split: Split, swapped: bool) -> Plan:
    """Choose the windows of one preprocessed recording; `swapped` makes p0 of its right person and p1 of its left."""
    people = [load_faces(folder / f"faces_{side}.npz") for side in SIDES]
    speaks = load_speaking(folder / "speaking.npz") >= SPEAKS
    if not len(people[0]) == len(people[1]) == len(speaks):
        raise UserError(f"{folder}: faces and speaking.npz differ in length; make them again.")
    for side in SIDES:
        path = folder / f"mel_{side}.npy"
        rows = load_mel(path)
        wanted = AUDIO_PER_FRAME * len(speaks)
        if len(rows) != wanted:
            raise UserError(f"{path} has {len(rows)} rows, expected {wanted}; make it again with `l2l mel`.")
        if not sane(rows):
            raise UserError(f"{path} holds {INSANE}; make it again with `l2l mel`.")
    usable = people[0].valid & people[1].valid
    turns = find_turns(speaks, settings.max_pause, settings.max_backchannel)
    stride = settings.stride_train if split == "train" else settings.stride_test
    parts = continuous(usable, people[0].segment)
    found = windows(turns, parts, WINDOW, stride)
    seats: dict[Side, Side] = {side: other(side) if swapped else side for side in SIDES}
    starts = {side: found[number(seat)] for side, seat in seats.items()}
    return Plan(folder, starts, seats, parts, has_floor(turns, len(usable)), int(usable.sum()))


def chunk(
    videos: Path,
    split: dict[Split, Sequence[str]],
    out: Path,
    listener: Side,
    settings: config.ChunkingSettings,
    person: str,
    swapped: Collection[str] = (),
) -> dict[Split, int]:
    """Write the chunk files of both splits and both listeners, and whole conversations; all of them or none.

    In the recordings named in `swapped` the listener sits on the other side than `listener` says.
    Returns the number of windows of `listener` in each split. Raises UserError when there is none at all.
    """
    plans = {part: [plan(videos / name, settings, part, name in swapped) for name in split[part]] for part in split}
    if not any(each.starts[listener] for part in plans.values() for each in part):
        raise UserError(_nothing_usable(person, [each for part in plans.values() for each in part], listener))
    if is_alone(split, settings.test_share):
        plans = _alone(plans["train"][0], settings, listener, swapped)
    counts = {part: sum(len(each.starts[listener]) for each in plans[part]) for part in plans}
    sides = [(part, side) for part in plans for side in SIDES]
    with new_conversations(out, *plans) as paths:
        for part, files in paths.items():
            write_conversations(files, [each.whole() for each in plans[part]])
        write_dataset(out, {(part, side): [each.windows(side) for each in plans[part]] for part, side in sides})
    return counts


def _alone(
    train: Plan, settings: config.ChunkingSettings, listener: Side, swapped: Collection[str]
) -> dict[Split, list[Plan]]:
    """The one recording, in both splits. Nothing is for testing of the other listener, who may have hardly listened."""
    name = train.folder.name
    test = plan(train.folder, settings, "test", name in swapped)
    found = divided(train.starts[listener], test.starts[listener], settings.test_share, name)
    theirs: dict[Split, list[int]] = {"train": train.starts[other(listener)], "test": []}
    begin = found["test"][0]
    times: dict[Split, tuple[int, int]] = {"train": (0, begin - int(GAP * FPS)), "test": (begin, len(train.floor))}
    return {
        part: [
            replace(
                train,
                starts={listener: found[part], other(listener): theirs[part]},
                parts=[(max(a, first), min(b, end)) for a, b in train.parts],
            )
        ]
        for part, (first, end) in times.items()
    }


def _nothing_usable(person: str, plans: list[Plan], listener: Side) -> str:
    frames = sum(len(each.floor) for each in plans)
    usable = sum(each.usable for each in plans) / max(1, frames)
    turns = sum(int(each.floor.any(1).sum()) for each in plans) / max(1, frames)
    hint = f"a window needs {WINDOW} frames in a row in which one person speaks and both faces are seen."
    if swapped := sum(len(each.starts[other(listener)]) for each in plans):
        hint = f"the other person listens in {swapped} windows: is people.{person}.listener on the right side?"
    return (
        f"{person}: no usable chunk in {len(plans)} recording(s): both faces are seen in {usable:.0%} of {frames} "
        f"frames and somebody has the floor in {turns:.0%}; {hint}"
    )
