"""Turns: stretches in which one person has the floor and the other listens.

- A pause does not end a turn, unless it is long or the other takes over.
- A short utterance inside the other's turn is a back-channel ("mm-hm"), not a turn.
"""

import itertools
from dataclasses import dataclass

import numpy as np

from l2l.speech.intervals import intervals
from l2l.units import FPS


@dataclass(frozen=True)
class Turn:
    """`speaker` (0 or 1) has the floor in frames [start, end)."""

    speaker: int
    start: int
    end: int


def find_turns(speaks: np.ndarray, max_pause: float, max_backchannel: float) -> list[Turn]:
    """Turns, in order, from a mask (T, 2) of who speaks; `max_pause` and `max_backchannel` are seconds."""
    utterances = sorted(
        (Turn(person, start, end) for person in range(2) for start, end in _bridged(speaks[:, person], FPS // 5)),
        key=lambda turn: (turn.start, turn.end),
    )
    floor = [u for u in utterances if not _is_backchannel(u, utterances, max_backchannel)]
    turns: list[Turn] = []
    for utterance in floor:
        last = turns[-1] if turns else None
        if last and last.speaker == utterance.speaker and utterance.start - last.end <= max_pause * FPS:
            turns[-1] = Turn(last.speaker, last.start, max(last.end, utterance.end))
        else:
            turns.append(utterance)
    return turns


def _bridged(mask: np.ndarray, gap: int) -> list[tuple[int, int]]:
    """Runs of True, joined over gaps of at most `gap` frames."""
    runs: list[tuple[int, int]] = []
    for start, end in intervals(mask):
        if runs and start - runs[-1][1] <= gap:
            runs[-1] = (runs[-1][0], end)
        else:
            runs.append((start, end))
    return runs


def _is_backchannel(utterance: Turn, utterances: list[Turn], longest: float) -> bool:
    """Short, and the other person's speech is around it: before and after, or at the same time."""
    if utterance.end - utterance.start > longest * FPS:
        return False
    others = [u for u in utterances if u.speaker != utterance.speaker and u.end - u.start > longest * FPS]
    near = 2 * FPS
    before = any(utterance.start - u.start >= 0 and utterance.start - u.end <= near for u in others)
    after = any(u.end >= utterance.end and u.start - utterance.end <= near for u in others)
    return before and after


def has_floor(turns: list[Turn], frames: int) -> np.ndarray:
    """(T, 2) bool: who is in a turn of theirs. Where one takes over, both may be."""
    floor = np.zeros((frames, 2), bool)
    for turn in turns:
        floor[turn.start : turn.end, turn.speaker] = True
    return floor


def continuous(usable: np.ndarray, segment: np.ndarray) -> list[tuple[int, int]]:
    """First and last + 1 frame of what is of one scene and usable (T,) throughout."""
    borders = [0, *(np.flatnonzero(np.diff(segment)) + 1).tolist(), len(segment)]
    return [
        (low + start, low + end)
        for low, high in itertools.pairwise(borders)
        for start, end in intervals(usable[low:high])
    ]


def windows(turns: list[Turn], parts: list[tuple[int, int]], length: int, stride: int) -> dict[int, list[int]]:
    """First frames of the windows of each listener: inside one turn and one of the continuous parts."""
    starts: dict[int, list[int]] = {0: [], 1: []}
    for turn in turns:
        for start, end in parts:
            first, last = max(start, turn.start), min(end, turn.end) - length
            starts[1 - turn.speaker] += range(first, last + 1, stride)
    return starts
