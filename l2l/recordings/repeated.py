"""Is the same material in several recordings, perhaps cut or encoded differently? Their sound tells.

- Each 32 ms of a sound become 16 bits: in which of 17 bands the energy falls, beside the next band and the moment
  before (Haitsma & Kalker 2002). They survive another encoding, another loudness and some noise.
- Two recordings share what agrees bit by bit at one and the same offset, 3 s at a time. One sentence or a jingle that
  comes in both is not counted.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from l2l.recordings.recordings import Recording
from l2l.speech.vad import read_part, read_wav
from l2l.units import SAMPLE_RATE

_THIN = 3  # samples of which the mean is taken: bands reach up to 2 kHz only
_RATE = SAMPLE_RATE / _THIN
_HOP, _WINDOW = 171, 2048  # of those
_LOWEST, _HIGHEST, _BANDS = 300.0, 2000.0, 17  # Hz
_QUIET = 1e-3  # of the loudest moment, in energy: not compared
_PIECE = round(3 * _RATE / _HOP)  # moments that agree or do not
_DIFFER = 0.3  # share of bits, below which a piece is the same; of other sounds half differ
_HITS = 12  # moments with equal bits at one offset from which it is looked at
_SHARE, _SECONDS = 0.15, 9.0  # of the shorter recording, and seconds, that are said to be the same material
_MOST, _HOURS = 200, 20.0  # recordings, and hours of them, that are compared
_BLOCK = 2000  # moments read at once


def with_repeats(recordings: Sequence[Recording], videos: Path) -> list[Recording]:
    """The recordings, with a warning where another one holds the same material.

    `videos` has one folder with audio.wav per recording. Nothing is compared where there are very many.
    """
    rows = [row for row in recordings if row.status == "ok" and (videos / row.name / "audio.wav").exists()]
    if not 1 < len(rows) <= _MOST or sum(row.seconds or 0 for row in rows) > 3600 * _HOURS:
        return list(recordings)
    prints = {row.name: fingerprint(videos / row.name / "audio.wav") for row in rows}
    said: dict[str, str] = {}
    for one, two in itertools.combinations(rows, 2):
        seconds = shared(prints[one.name], prints[two.name])
        if seconds < max(_SECONDS, _SHARE * min(one.seconds or 0, two.seconds or 0)):
            continue
        apart = ", one for training and the other for testing" if one.split != two.split else ""
        for row, other in ((two, one), (one, two)):
            said.setdefault(row.name, f"{seconds:.0f} s of it are in {other.name} too{apart}: leave one of them out")
    return [
        replace(row, warnings="; ".join([said[row.name], *filter(None, [row.warnings])])) if row.name in said else row
        for row in recordings
    ]


@dataclass(frozen=True)
class Fingerprint:
    """What the moments of a sound are told by."""

    codes: np.ndarray  # (n,) int32: 16 bits; -1 where it is quiet

    @cached_property
    def order(self) -> np.ndarray:
        """(n,) the moments in order of their codes: sorted once, for it is compared with many."""
        return np.argsort(self.codes, kind="stable")

    @cached_property
    def values(self) -> np.ndarray:
        """(n,) the codes in order."""
        return self.codes[self.order]


def fingerprint(wav: Path) -> Fingerprint:
    """Of a sound file."""
    edges = np.geomspace(_LOWEST, _HIGHEST, _BANDS + 1) * _WINDOW / _RATE
    bins = np.unique(np.round(edges).astype(int))
    window, parts = np.hanning(_WINDOW).astype(np.float32), []
    with read_wav(wav) as file:
        moments = max(0, (len(file) // _THIN - _WINDOW) // _HOP + 1)
        for start in range(0, moments, _BLOCK):
            count = min(_BLOCK, moments - start)
            first, length = start * _HOP * _THIN, ((count - 1) * _HOP + _WINDOW) * _THIN
            sound = read_part(file, first, length, "float32").reshape(-1, _THIN).mean(1)
            frames = np.lib.stride_tricks.sliding_window_view(sound, _WINDOW)[::_HOP]
            power = np.abs(np.fft.rfft(frames * window, axis=1)[:, : bins[-1]]) ** 2
            parts.append(np.add.reduceat(power, bins[:-1], 1))
    energy = np.concatenate(parts) if parts else np.zeros((0, _BANDS))  # (n, 17)
    change = np.diff(np.diff(energy, axis=1), axis=0, prepend=0.0) < 0
    codes = change @ (1 << np.arange(_BANDS - 1))
    loud = energy.sum(1)
    return Fingerprint(np.where(loud > _QUIET * loud.max(initial=0.0), codes, -1).astype(np.int32))


def shared(one: Fingerprint, two: Fingerprint) -> float:
    """Seconds that two sounds have in common."""
    seconds = 0.0
    for late in _offsets(one, two):
        first, last = max(0, -late), min(len(one.codes), len(two.codes) - late)
        a, b = one.codes[first:last], two.codes[first + late : last + late]
        pieces = len(a) // _PIECE
        heard = ((a >= 0) & (b >= 0))[: pieces * _PIECE].reshape(pieces, _PIECE)
        differ = _ONES[(a ^ b) & 0xFFFF][: pieces * _PIECE].reshape(pieces, _PIECE)
        known = heard.sum(1)
        same = (known > _PIECE / 3) & ((differ * heard).sum(1) < _DIFFER * 16 * known)
        seconds = max(seconds, float(same.sum()) * _PIECE * _HOP / _RATE)
    return seconds


def _offsets(one: Fingerprint, two: Fingerprint, most: int = 3) -> list[int]:
    """By how much later (in moments) the same may be in `two`: where most moments have equal bits."""
    begin, end = (np.searchsorted(two.values, one.values, side) for side in ("left", "right"))
    # Bits that come often, as in a held tone, tell nothing.
    count = np.where((one.values >= 0) & (end - begin < 50), end - begin, 0)
    source = np.repeat(np.arange(len(one.codes)), count)
    within = np.arange(len(source)) - np.repeat(np.cumsum(count) - count, count)
    late = two.order[begin[source] + within] - one.order[source]
    if not len(late):
        return []
    votes = np.bincount(late - late.min())
    votes = np.convolve(votes, np.ones(3, int), "same")  # an offset may lie between two moments
    enough = np.flatnonzero(votes >= _HITS)
    best = enough[np.argsort(-votes[enough], kind="stable")[:most]]
    return [int(k + late.min()) for k in best]


_ONES = np.array([bin(value).count("1") for value in range(1 << 16)], np.uint8)  # bits that are set
