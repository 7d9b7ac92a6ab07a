"""Where one scene ends and another begins: cuts, cross-fades and fades.

- Pictures are compared as thumbnails, tile by tile, whatever their brightness and contrast.
- A cut changes many tiles at once, and each far more than the frames around it did. A caption or an inset changes few
  tiles; a flash is followed by what was there before it.
- In a cross-fade every picture is a mixture of the two around it. A camera that pans or zooms shows no such mixture.
- Pictures inside a cross-fade or a fade belong to no scene: faces in them turn into others.

A picture is handed on `AHEAD` frames late, when the frames after it are known.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from l2l.video.picture import Picture

_WIDTH, _HEIGHT = 64, 36  # of a thumbnail
_TILES = (4, 8)  # rows and columns of tiles
_NEAR = 6  # frames before and after, to which a change is compared
_JUMP = 3.0  # a tile jumps when it changes so many times as much as it did in the frames around
_GREATER = 1.4  # times the changes around: less is no cut
_FAINT = 1.0  # of 255: a change that video coding makes
_TEXTURE = 4.0  # of 255: standard deviation below which a tile is plain, and says nothing
_OTHER = 0.6  # correlation below which two tiles show different things
_SHIFT = 2  # pixels of a thumbnail by which a camera may move from one frame to the next
_FLASH = 3  # frames after which a flash is over
_BLANK = 5.0  # of 255: standard deviation of a picture that is black, or of one colour
_LENGTHS = (14, 20, 28, 40, 56, 80)  # frames around a cross-fade that are looked at
_EVERY = 4  # frames between two looks for a cross-fade
_MIXED = 0.5  # what of a picture may be no mixture, as a share of the difference of the two
_FAR = 100.0  # of 255, squared: mean difference of the pictures around a cross-fade, at least
_LOST = 0.6  # of the contrast that two pictures on top of each other lose; a moving camera loses none
_STEP = 0.45  # of a cross-fade in one frame; more is a cut
_UNSEEN = 0.06  # share of the other picture that cannot be seen
_STILL = 0.12  # of the frames looked at: before and after a cross-fade nothing mixes; a pan never stops
AHEAD = 64  # frames


@dataclass
class _Waiting:
    """A picture whose scene is not known yet."""

    picture: Picture
    first: bool = False  # of a scene
    between: bool = False  # two scenes


def scenes(pictures: Iterable[Picture], share: float) -> Iterator[tuple[Picture, int | None]]:
    """Each picture with the number of its scene, from 0 on; None between two scenes.

    `share` of the tiles change at once in a cut.
    """
    finder = _Finder(share)
    number, inside = -1, False

    def place(waiting: _Waiting) -> int | None:
        nonlocal number, inside
        if not waiting.between and (waiting.first or not inside):
            number += 1
        inside = not waiting.between
        return number if inside else None

    picture = None
    for picture in pictures:
        if ready := finder.add(picture):
            yield ready.picture, place(ready)
    if picture is None:
        return
    for _ in range(_NEAR):  # the last picture stays, so that a cut just before the end is seen too
        if ready := finder.add(picture):
            yield ready.picture, place(ready)
    while len(finder.waiting) > _NEAR:
        ready = finder.waiting.popleft()
        yield ready.picture, place(ready)


class _Finder:
    """Marks what waits, as the pictures after it come."""

    def __init__(self, share: float) -> None:
        self._share = share
        self.waiting: deque[_Waiting] = deque()
        self._count = 0  # pictures so far
        self._border = 0  # first frame of the scene that has been found last
        self._thumbs: deque[np.ndarray] = deque(maxlen=max(_LENGTHS))  # (36, 64) float32
        self._last: np.ndarray | None = None  # (32, 72) tiles of the last one
        self._changes: deque[np.ndarray] = deque(maxlen=2 * _NEAR + 1)  # (32,) of each frame since the one before

    def add(self, picture: Picture) -> _Waiting | None:
        """Take a picture; the one that need not wait any longer."""
        thumb = picture.brightness(_WIDTH, _HEIGHT)
        if not self._thumbs:  # as if the first picture had been there before
            self._thumbs += [thumb] * (_NEAR + _FLASH + 1)
            self._changes += [np.zeros(_TILES[0] * _TILES[1], np.float32)] * _NEAR
        tiles = _tiles(thumb)
        self._changes.append(_change(tiles if self._last is None else self._last, tiles))
        self._last = tiles
        self._thumbs.append(thumb)
        self.waiting.append(_Waiting(picture, between=bool(thumb.std() < _BLANK)))
        self._count += 1
        if len(self._changes) > 2 * _NEAR and self._is_cut():
            self._mark(self._count - 1 - _NEAR, self._count - 1 - _NEAR)
        if self._count % _EVERY == 0:
            self._cross_fade()
        return self.waiting.popleft() if len(self.waiting) > AHEAD else None

    def _mark(self, first: int, end: int) -> None:
        """Frames `first` to `end` - 1 are between two scenes; `end` is the first one of the next."""
        begin = self._count - len(self.waiting)
        for frame in range(max(first, begin), end):
            self.waiting[frame - begin].between = True
        self.waiting[end - begin].first = True
        self._border = end

    def _is_cut(self) -> bool:
        """Whether a scene begins `_NEAR` frames before the newest."""
        here = self._changes[_NEAR]
        if here.mean() < _GREATER * _FAINT / 2:
            return False
        changes = np.stack(self._changes)  # (13, 32)
        # The second largest, so that a cut or a flash nearby hides no other.
        usual = np.sort(np.delete(changes, _NEAR, axis=0), axis=0)[-2]
        if here.mean() < _GREATER * (usual.mean() + _FAINT / 2):
            return False
        before, after = self._thumbs[-_NEAR - 2], self._thumbs[-_NEAR - 1]
        told = _textured(before, after)
        jumped = (here > _JUMP * (usual + _FAINT)) & told
        if jumped.sum() < self._share * max(int(told.sum()), 6):
            # The camera shakes: every frame changes, and only a cut shows other things.
            around = [_others(self._thumbs[k - 1], self._thumbs[k]) for k in (-_NEAR - 2, -_NEAR)]
            if _others(before, after) < self._share + max(around):
                return False
        # After a flash there is what was before it.
        unusual = told & (here > _GREATER * (usual + _FAINT))
        pairs = (before, self._thumbs[-_NEAR - 1 + _FLASH]), (self._thumbs[-_NEAR - 2 - _FLASH], after)
        stays = [(_change(_tiles(a), _tiles(b)) > 0.5 * here)[unusual] for a, b in pairs]
        return bool(unusual.any()) and all(tiles.mean() > 0.5 for tiles in stays)

    def _cross_fade(self) -> None:
        """Mark one that has ended, if it has."""
        for length in _LENGTHS:
            begin = self._count - length  # of the frames that are looked at
            if begin < self._border:
                return
            if found := _mixed_part(list(self._thumbs)[-length:], self._share):
                self._mark(begin + found[0], begin + found[1])
                return


def _mixed_part(frames: list[np.ndarray], share: float) -> tuple[int, int] | None:
    """[first, end) of thumbnails that are mixtures of the first and the last one; None where it is no cross-fade."""
    length = len(frames)
    still = max(3, round(_STILL * length))  # at both ends
    one, difference = frames[0], frames[-1] - frames[0]
    power = float(np.vdot(difference, difference))
    if power < _FAR * difference.size:
        return None
    # Most movement is told by four frames.
    ends = [float(np.vdot(frames[k] - one, difference)) / power for k in (still - 1, length - still)]
    if ends[0] > _UNSEEN or ends[1] < 1 - _UNSEEN:
        return None
    moved = (np.stack(frames) - one).reshape(length, -1)  # (n, 2304)
    mixture = moved @ difference.ravel() / power  # (n,) share of the last one
    inside = np.flatnonzero((mixture > _UNSEEN) & (mixture < 1 - _UNSEEN))
    if len(inside) < 3:
        return None
    first, end = int(inside[0]), int(inside[-1]) + 1
    steps = np.diff(mixture[first - 1 : end + 1])
    if first < still or end > length - still or steps.max() > _STEP or steps.min() < -0.05:
        return None
    part = mixture[first:end]
    rest = ((moved[first:end] - part[:, None] * difference.ravel()) ** 2).sum(1)
    if rest.max() > _MIXED**2 * power or not _apart(frames[first - 1], frames[end], share):
        return None
    # Two pictures on top of each other have less contrast than each of them.
    contrast = [float(frame.var()) for frame in frames]
    lost = (1 - part) * contrast[0] + part * contrast[-1] - contrast[first:end]
    enough = _LOST * float((part * (1 - part)).sum()) * float(difference.var())
    return (first, end) if lost.sum() >= enough else None


def _tiles(thumb: np.ndarray) -> np.ndarray:
    """(36, 64) -> (32, 72): the pixels of each tile."""
    rows, columns = _TILES
    cut = thumb.reshape(rows, _HEIGHT // rows, columns, _WIDTH // columns)
    return cut.transpose(0, 2, 1, 3).reshape(rows * columns, -1)


def _change(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(32,) what has changed in tiles (32, 72) beside brightness and contrast, of 255."""
    one, other = one - one.mean(1, keepdims=True), other - other.mean(1, keepdims=True)
    power, both = (one * one).mean(1), (one * other).mean(1)
    gain = np.clip(both / (power + 1e-3), 0.5, 2.0)
    return np.sqrt(np.maximum((other * other).mean(1) - 2 * gain * both + gain**2 * power, 0))


def _textured(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(32,) the tiles in which there is something to see in one of two thumbnails."""
    return np.maximum(_tiles(one).std(1), _tiles(other).std(1)) > _TEXTURE


def _apart(one: np.ndarray, other: np.ndarray, share: float) -> bool:
    """Whether two thumbnails are of different scenes, or one of them is blank."""
    told = _textured(one, other)
    a, b = _tiles(one), _tiles(other)
    different = _change(a, b) > 0.5 * np.maximum(a.std(1), b.std(1))
    return int((different & told).sum()) >= share * max(int(told.sum()), 6)


def _others(one: np.ndarray, other: np.ndarray) -> float:
    """Share of the textured tiles of a thumbnail that are found nowhere near in another."""
    found, high, wide = [], _HEIGHT // _TILES[0], _WIDTH // _TILES[1]
    for y in range(0, _HEIGHT, high):
        for x in range(0, _WIDTH, wide):
            tile = one[y : y + high, x : x + wide]
            if tile.std() < _TEXTURE:
                continue
            near = other[max(0, y - _SHIFT) : y + high + _SHIFT, max(0, x - _SHIFT) : x + wide + _SHIFT]
            found.append(float(cv2.matchTemplate(near, tile, cv2.TM_CCOEFF_NORMED).max()))
    return float(np.mean(np.array(found) < _OTHER)) if found else 0.0
