"""Sequences of any length: what the patch models learn from.

- Windows that follow one another in a recording are joined again: the `files` array tells recording and frame. What
  two windows share is taken once. So our own chunks and published ones become whole turns.
- All frames of all listeners lie in one array, so that crops from anywhere are one indexing away. A speaker is read
  when it is asked for: sound is the largest of all, and few numbers a frame are made of it.
- Where whole conversations are known, the predictor learns from these instead (`whole`). The listener's own turns are
  there, as what came before; `counted` says in which frames the listener listens.
- A crop that is longer than its sequence repeats the last frame; `Crops.inside` says which frames are real.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from l2l.arrays import INSANE, sane
from l2l.dataset.conversations import Conversations, Stretch
from l2l.dataset.layout import WINDOW, Chunks, first_frames
from l2l.errors import UserError
from l2l.features.sound import frame_sound
from l2l.files import large_array
from l2l.units import AUDIO_PER_FRAME, MODEL_DIM

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sequences:
    """N stretches of one person listening to another; F frames in all, raw units."""

    listener: np.ndarray  # (F, 56) float32
    see: Callable[[int], np.ndarray]  # speaker of sequence n: faces (T, 56)
    hear: Callable[[int], np.ndarray]  # and rows of mel (4 T, 128)
    starts: np.ndarray  # (N,) first frame of each, in the arrays
    lengths: np.ndarray  # (N,) frames
    videos: np.ndarray  # (N,) name of the recording
    counted: np.ndarray  # (F,) bool: the listener listens; other frames are context

    def __len__(self) -> int:
        return len(self.starts)

    def of(self, n: int) -> slice:
        """The frames of sequence n."""
        return slice(int(self.starts[n]), int(self.starts[n] + self.lengths[n]))

    def heard(self, n: int, power: bool) -> tuple[np.ndarray, np.ndarray]:
        """The speaker of sequence n: faces (T, 56) and sound (T, 128), float32; `power`: as `frame_sound`."""
        return self.see(n).astype(np.float32), frame_sound(self.hear(n), power)

    def without_motion(self) -> "Sequences":
        """The same without the listener's frames, which a training has standardized in their place."""
        return replace(self, listener=np.empty((0, MODEL_DIM), np.float32))

    @classmethod
    def together(
        cls,
        lengths: list[int],
        listeners: Iterable[np.ndarray],
        see: Callable[[int], np.ndarray],
        hear: Callable[[int], np.ndarray],
        videos: ArrayLike,
        counted: list[np.ndarray] | None = None,
    ) -> "Sequences":
        """From (T, 56), `see`, `hear`, and which frames count (T,), default all, of each sequence."""
        frames = sum(lengths)
        return cls(
            filled(frames, listeners),
            see,
            hear,
            np.concatenate([[0], np.cumsum(lengths)[:-1]]),
            np.array(lengths),
            np.asarray(videos),
            np.ones(frames, bool) if counted is None else np.concatenate(counted),
        )


def filled(frames: int, parts: Iterable[np.ndarray]) -> np.ndarray:
    """Parts (T, C) one below the other, (frames, C) float32; each is read when its turn comes."""
    found, end = np.empty((0, 0), np.float32), 0
    for part in parts:
        if not end:
            found = large_array(frames, part.shape[1])
        found[end : end + len(part)] = part
        end += len(part)
    return found


class Piece(NamedTuple):
    """A window's place in a sequence: it brings its frames [new, 64), from frame `at` - its own frame 0 - on."""

    row: int
    new: int
    at: int


def chain(chunks: Chunks, rows: np.ndarray) -> list[list[Piece]]:
    """The windows `rows` as sequences of pieces, in order of recording and frame."""
    frames, videos = first_frames(chunks.files)[rows], chunks.videos[rows]
    found: list[list[Piece]] = []
    video, first, end = None, 0, 0
    for k in np.lexsort((frames, videos)):
        start, row = int(frames[k]), int(rows[k])
        if videos[k] != video or start > end:
            found.append([])
            video, first, end = videos[k], start, start
        found[-1].append(Piece(row, min(end - start, WINDOW), start - first))
        end = max(end, start + WINDOW)
    return found


def alike(lengths: np.ndarray, at_once: int) -> list[np.ndarray]:
    """Numbers of sequences that have one length (N,), at most `at_once` of them together; the longest come first."""
    order = np.argsort(-lengths, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(lengths[order])) + 1)
    return [group[start : start + at_once] for group in groups for start in range(0, len(group), at_once)]


def joined(chunks: Chunks, chains: list[list[Piece]]) -> Sequences:
    """One sequence for each chain."""

    def whole(array: np.ndarray, pieces: list[Piece], per_frame: int = 1) -> np.ndarray:
        return np.concatenate([array[p.row, per_frame * p.new :] for p in pieces])

    return Sequences.together(
        [pieces[-1].at + WINDOW for pieces in chains],
        (whole(chunks.listener[..., :MODEL_DIM], pieces) for pieces in chains),
        lambda n: whole(chunks.speaker[..., :MODEL_DIM], chains[n]),
        lambda n: whole(chunks.audio, chains[n], AUDIO_PER_FRAME),
        [str(chunks.videos[pieces[0].row]) for pieces in chains],
    )


def join(chunks: Chunks, train: np.ndarray, validation: np.ndarray) -> tuple[Sequences, int]:
    """The sequences of the training windows, then those of the validation windows, and how many are for training."""
    sides = [chain(chunks, rows) for rows in (train, validation)]
    sequences = joined(chunks, sides[0] + sides[1])
    count, longest = len(train) + len(validation), sequences.lengths.max()
    log.info("%d windows joined to %d sequences, the longest of %d frames", count, len(sequences), longest)
    return sequences, len(sides[0])


def whole(
    conversations: Conversations, chunks: Chunks, train: np.ndarray, validation: np.ndarray
) -> tuple[Sequences, int]:
    """As `join` of the same windows, but of all that was recorded.

    Recordings of validation windows are for validation. Where a recording has training windows too, it is divided in
    time, before its first validation window. Raises UserError when these are not the conversations of the windows.
    """
    names = chunks.videos
    if missing := set(names.tolist()) - {stretch.recording for stretch in conversations.stretches}:
        raise UserError(f"the whole conversations do not hold the recording {min(missing)!r}; make the chunks again.")
    starts, trained = first_frames(chunks.files), set(names[train].tolist())
    held = {
        name: int(starts[validation][names[validation] == name].min()) if name in trained else 0
        for name in np.unique(names[validation]).tolist()
    }

    def is_held(recording: str, frames: np.ndarray) -> np.ndarray:
        return frames >= held.get(recording, np.inf)

    listens = conversations.listens
    parts = [conversations.chosen(lambda *about: ~is_held(*about)), conversations.chosen(is_held)]
    sides = [[(stretch, rows) for stretch, rows in part if listens[rows].any()] for part in parts]
    if not all(sides):  # of one recording that was divided in time, they are those of the person's own listener
        raise UserError("the whole conversations do not hold all windows; make the chunks again, for this listener.")
    sequences = stretched(conversations, [*sides[0], *sides[1]])
    count, share = len(sequences), 100 * sequences.counted.mean()
    log.info("%d stretches of whole conversations; the listener listens in %.0f %% of them", count, share)
    return sequences, len(sides[0])


def stretched(conversations: Conversations, found: list[tuple[Stretch, slice]]) -> Sequences:
    """One sequence for each stretch that `Conversations.chosen` found. Raises UserError for NaN, there or in the
    speakers, when they are asked for."""
    listener, heard, listens = conversations.people[conversations.listener], conversations.heard, conversations.listens

    def see(n: int) -> np.ndarray:
        stretch, rows = found[n]
        return _finite(heard.faces[rows], stretch)

    def hear(n: int) -> np.ndarray:
        stretch, rows = found[n]
        return _finite(heard.mel[AUDIO_PER_FRAME * rows.start : AUDIO_PER_FRAME * rows.stop], stretch)

    return Sequences.together(
        [rows.stop - rows.start for _, rows in found],
        (_finite(listener.faces[rows], stretch) for stretch, rows in found),
        see,
        hear,
        [stretch.recording for stretch, _ in found],
        [listens[rows] for _, rows in found],
    )


def placed(chunks: Chunks, stretches: list[Stretch]) -> tuple[np.ndarray, np.ndarray]:
    """In which stretch (N,) each window lies, and its first frame (N,) in it. Raises UserError when it lies in none."""
    names, firsts, lengths = (np.array(about) for about in zip(*stretches, strict=True))
    number, starts = np.empty(len(chunks), int), first_frames(chunks.files)
    for row, (name, start) in enumerate(zip(chunks.videos, starts, strict=True)):
        inside = np.flatnonzero((names == name) & (firsts <= start) & (start + WINDOW <= firsts + lengths))
        if not len(inside):
            where = f"the window at frame {start} of the recording {str(name)!r}"
            raise UserError(f"the whole conversations do not hold {where}; make the chunks again.")
        number[row] = inside[0]
    return number, starts - firsts[number]


def _finite(array: np.ndarray, stretch: Stretch) -> np.ndarray:
    if not sane(array):
        where = f"{stretch.recording!r}, from frame {stretch.first} on"
        raise UserError(f"the whole conversations have {INSANE} in the recording {where}; chunk again.")
    return array


class Crops(NamedTuple):
    """Where to cut: every crop is `size` frames of one sequence."""

    frames: np.ndarray  # (B, size) into the arrays of `Sequences`
    inside: np.ndarray  # (B, size) bool: not beyond the sequence's end


def cut(sequences: Sequences, chosen: np.ndarray, first: np.ndarray, size: int) -> Crops:
    """Crops of `size` frames from frame `first` (B,) of the sequences `chosen` (B,)."""
    offsets = first[:, None] + np.arange(size)  # (B, size)
    lengths = sequences.lengths[chosen][:, None]
    frames = sequences.starts[chosen][:, None] + np.minimum(offsets, lengths - 1)
    return Crops(frames, offsets < lengths)


def tiles(lengths: np.ndarray, chosen: np.ndarray, size: int) -> np.ndarray:
    """(n, 2) sequence and first frame of crops that tile the sequences `chosen`; the last of each may reach beyond."""
    found = [(n, first) for n in chosen for first in range(0, int(lengths[n]), size)]
    return np.array(found, np.int64).reshape(-1, 2)
