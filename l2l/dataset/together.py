"""Several people in one set of chunks, for one model that knows them all.

- The listener always sits at p0, whoever listens. A recording's name begins with the person's: `conan/video`.
- Faces must mean the same for everybody. Named shapes and DECA's do; landmarks' expression is of each person's own
  basis, so a codebook has to learn both people's.
- Whole conversations are put together where everybody has them. Where somebody has none there would be no telling what
  a silence is of whom, and all are known by their windows alone.
"""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from l2l.dataset.conversations import (
    Both,
    Conversations,
    Source,
    Stretch,
    load_conversations,
    new_conversations,
    write_conversations,
)
from l2l.dataset.layout import PART_SHAPES, SPLITS, WINDOW, Chunks, Split, load_chunks
from l2l.dataset.writer import NUMBERS, new_dataset
from l2l.errors import UserError
from l2l.files import create_array, write_rows
from l2l.sides import Side, other

log = logging.getLogger(__name__)

BETWEEN = "/"  # person and recording


def gather(people: Mapping[str, tuple[Path, Side]], out: Path) -> dict[Split, int]:
    """Write `out`/{train,test}: the windows of all `people`, each a folder of chunks and who listens in it; and their
    whole conversations.

    Returns the number of windows of both splits. Raises UserError naming the file that is missing or misshapen.
    """
    counts: dict[Split, int] = {}
    whole = {split: _conversations(people, split) for split in SPLITS}
    known: list[Split] = [split for split in SPLITS if whole[split]]
    with new_conversations(out, *known) as paths:
        for split in known:
            write_conversations(
                paths[split], [one for who, talks in whole[split].items() for one in _seated(who, talks)]
            )
        with new_dataset(out) as files:
            for split in SPLITS:
                found = {name: load_chunks(folder, split, side) for name, (folder, side) in people.items()}
                counts[split] = sum(map(len, found.values()))
                _write(files[split, "left"], found)
                _write(files[split, "right"], {})
    return counts


def identities(people: Sequence[str], videos: np.ndarray) -> np.ndarray | None:
    """(N,) which of `people` each recording's name is of; None when the model knows no people.

    Raises UserError for a recording of another person.
    """
    if not people:
        return None
    names = [str(video).partition(BETWEEN)[0] for video in videos]
    for name, video in zip(names, videos, strict=True):
        if name not in people:
            known = f"{', '.join(people)}, whom the model knows"
            raise UserError(f"the recording {str(video)!r} is of none of {known}; give chunks of `l2l gather`.")
    return np.array([people.index(name) for name in names])


def _conversations(people: Mapping[str, tuple[Path, Side]], split: Split) -> dict[str, Conversations]:
    """Everybody's whole conversations of a split; empty when somebody has none."""
    found = {name: load_conversations(folder, split, side) for name, (folder, side) in people.items()}
    known = {name: whole for name, whole in found.items() if whole}
    if known and len(known) < len(found):
        lack = ", ".join(name for name in found if name not in known)
        log.warning("%s: no whole conversations of %s, so everybody is known by windows alone", split, lack)
        return {}
    return known


def _seated(name: str, whole: Conversations) -> list[Source]:
    """All stretches of a person, under their name, with the person on the left."""

    def of(stretch: Stretch, rows: slice) -> Source:
        source = whole.source(stretch, rows)

        def read() -> Both:
            both = source.read()
            return {"left": both[whole.listener], "right": both[other(whole.listener)]}

        return Source([stretch._replace(recording=f"{name}{BETWEEN}{stretch.recording}")], read, source.begin)

    return [of(*found) for found in whole.chosen(lambda _, frames: np.ones(len(frames), bool))]


def _write(paths: Mapping[str, Path], people: Mapping[str, Chunks]) -> None:
    count = sum(map(len, people.values()))
    for part in NUMBERS:
        create_array(paths[part], (count, *PART_SHAPES[part]))
        row = 0
        for chunks in people.values():
            write_rows(paths[part], row, getattr(chunks, part))
            row += len(chunks)
    named = [
        np.concatenate([np.char.add(f"{name}{BETWEEN}", chunks.files[..., :1]), chunks.files[..., 1:]], axis=-1)
        for name, chunks in people.items()
        if len(chunks)
    ]
    np.save(paths["files"], np.concatenate(named) if named else np.empty((0, WINDOW, 3), "<U1"))  # (N, 64, 3)
