"""The same listener, another moment of the speaker: what a model that listens must do worse with.

- Speakers are shifted in time within their recording by at least some seconds, so that voice, face and manner stay the
  same and only the moment is wrong. Where a recording is too short for that, other recordings lend theirs.
- Test windows are not whole recordings. What is known of a recording is the union of its windows; a shifted speaker is
  a stretch of it without a gap, so that no jump shows the model that something was done.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from l2l.asking import SpeakerInput
from l2l.config import Settings
from l2l.dataset.layout import Chunks, first_frames
from l2l.features.sound import frame_sound
from l2l.units import AUDIO_PER_FRAME, FPS, MODEL_DIM

_BLOCK = 64  # windows whose sound is in memory at once
NO_SHIFT = "no other moment of a speaker is long enough: give longer or more test recordings"


class Timeline:
    """The frames that N windows of T frames cover, recording after recording, each once."""

    def __init__(self, faces: np.ndarray, audio: np.ndarray, recordings: np.ndarray, starts: np.ndarray) -> None:
        """faces (N, T, >= 56), audio (N, 4 T, 128), both left where they are; `starts` (N,) are first frames."""
        self.faces, self.audio, self.starts = faces, audio, starts
        self.length = faces.shape[1]
        self._known: tuple[bool, np.ndarray] | None = None
        _, self.recording = np.unique(recordings, return_inverse=True)  # of windows
        frames = (starts[:, None] + np.arange(self.length)).ravel()
        owners = np.repeat(self.recording, self.length)
        apart = np.ptp(frames) + 2  # no frame of one recording follows one of another
        known, first = np.unique(owners * apart + frames, return_index=True)  # (L,)
        self.window, self.offset = np.divmod(first, self.length)  # (L,) where each frame lies in the windows
        self.frame, self.owner = frames[first], owners[first]  # (L,)
        # Where a stretch without a gap begins.
        self.stretches = np.flatnonzero(known[self.length - 1 :] - known[: len(known) - self.length + 1] < self.length)

    def shifts(self, count: int, distance: int, seed: int) -> "Shifts":
        """`count` other moments of each window's speaker, at least `distance` frames away; none when there are none.

        They are evenly spread over all there are, from a random one on. With fewer than `count` in the recording,
        those of the other recordings are taken.
        """
        rng = np.random.default_rng(seed)
        owner = self.owner[self.stretches]
        chosen, within = [], []
        for start, r in zip(self.starts, self.recording, strict=True):
            mine = self.stretches[owner == r]
            own = mine[np.abs(self.frame[mine] - start) >= distance]
            alone = len(mine) == len(self.stretches)
            pool = own if len(own) >= count or alone else self.stretches[owner != r]
            if not len(pool):
                return Shifts(self, np.empty((0, len(self.starts)), int), np.empty(0, bool))
            spread = (np.arange(count) + rng.random()) * len(pool) / count
            chosen.append(pool[spread.astype(int) % len(pool)])
            within.append(pool is own)
        return Shifts(self, np.stack(chosen, 1), np.array(within))

    def speaker(self, begins: np.ndarray) -> SpeakerInput:
        """The speaker of N stretches that begin at `begins` (N,)."""
        at = begins[:, None] + np.arange(self.length)  # (N, T)
        window, offset = self.window[at], self.offset[at]

        def read() -> np.ndarray:
            rows = (offset[..., None] * AUDIO_PER_FRAME + np.arange(AUDIO_PER_FRAME)).reshape(len(at), -1)
            return self.audio[window.repeat(AUDIO_PER_FRAME, 1), rows]  # (N, 4 T, 128)

        def sound(power: bool) -> np.ndarray:
            return self._sound(power)[window, offset]  # (N, T, 128)

        faces = np.asarray(self.faces[window, offset, :MODEL_DIM], np.float32)
        origin = np.stack([self.window[begins], self.offset[begins]], 1)
        return SpeakerInput(faces, origin, read, sound, lambda: self._loudest[window, offset].max(1))

    def _by_frame(self, function: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """A function of windows' rows (n, 4 T, 128) -> (n, T, 128), of all windows: made once for all shifts."""
        parts = (np.asarray(self.audio[start : start + _BLOCK]) for start in range(0, len(self.audio), _BLOCK))
        return np.concatenate([function(part) for part in parts])

    @cached_property
    def _loudest(self) -> np.ndarray:
        """(N, T, 128) maximum of each frame's rows."""
        return self._by_frame(lambda rows: rows.reshape(len(rows), -1, AUDIO_PER_FRAME, rows.shape[-1]).max(2))

    def _sound(self, power: bool) -> np.ndarray:
        if self._known is None or self._known[0] != power:
            self._known = power, self._by_frame(lambda rows: frame_sound(rows, power))
        return self._known[1]


@dataclass(frozen=True)
class Shifts:
    """K other moments of each of N clips' speakers; a sequence of K speakers."""

    timeline: Timeline
    begins: np.ndarray  # (K, N) where the stretches begin in the timeline; K may be 0
    within: np.ndarray  # (N,) bool: from the same recording

    def __len__(self) -> int:
        return len(self.begins)

    def __getitem__(self, k: int) -> SpeakerInput:
        return self.timeline.speaker(self.begins[k])

    def __iter__(self) -> Iterator[SpeakerInput]:
        return map(self.timeline.speaker, self.begins)


def shifts_of(test: Chunks, settings: Settings) -> Shifts:
    """Other moments of every window's speaker."""
    timeline = Timeline(test.speaker, test.audio, np.asarray(test.videos), first_frames(test.files))
    wanted = settings.evaluation
    return timeline.shifts(wanted.shifts, round(wanted.shift_seconds * FPS), settings.seed)


def elsewhere(recordings: np.ndarray, seed: int) -> np.ndarray | None:
    """For each clip a random one of another recording, (N,); None when there is only one recording."""
    if len(np.unique(recordings)) < 2:
        return None
    rng = np.random.default_rng(seed)
    return np.array([rng.choice(np.flatnonzero(recordings != name)) for name in recordings])
