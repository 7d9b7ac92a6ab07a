"""Made-up edits of real clips: shots, and cuts, cross-fades and fades between them at places that are known.

- Shots: two-shots and close-ups of a real clip and of demo recordings; mirrored, zoomed, graded, panned or shaken.
- The next shot may be like the last one: mirrored, a little nearer, or the same view some seconds later.
- Flashes, captions, insets and changes of light come in between: none of them ends a scene.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np

from l2l.video.media import read_frames, video_writer

WIDTH, HEIGHT = 640, 360
KINDS = ("cut", "mirrored", "nearer", "later", "cross-fade", "cross-fade, nearer", "fade")
TRICKS = ("flash", "caption", "inset", "light")
_PANELS = ((140, 194), (140, 990), 798, 766)  # of the real clip: corners (y, x) of both panels, their height and width
_FRAMES = (45, 110)  # of a shot
_DISSOLVE = (8, 15, 24, 45)  # frames of a cross-fade
_FADE, _BLACK = 10, 4  # frames of a fade to black or from it; frames of black

Clip = list[np.ndarray]  # pictures (360, 640, 3) or larger, uint8


@dataclass(frozen=True)
class Shot:
    """A view of a clip: where the camera points, how it moves, and how it renders colours."""

    clip: Clip
    start: int = 0  # frame of the clip
    centre: tuple[float, float] = (0.5, 0.5)  # share of width and height
    zoom: float = 1.0
    mirrored: bool = False
    gain: tuple[float, float, float] = (1.0, 1.0, 1.0)
    pan: float = 0.0  # share of the width per frame
    nearing: float = 0.0  # of the zoom, per frame
    shake: float = 0.0  # share of the width

    def picture(self, frame: int, random: np.random.Generator) -> np.ndarray:
        """(360, 640, 3) float32, 0..255."""
        there = self.start + frame
        last = len(self.clip) - 1
        there = last - abs(last - there % (2 * last))  # to the end and back again: no jump
        source = self.clip[there]
        high, wide = source.shape[:2]
        zoom = self.zoom * (1 + self.nearing * frame)
        scale = max(WIDTH / wide, HEIGHT / high) * zoom
        half = np.array([WIDTH / scale, HEIGHT / scale]) / 2
        size = np.array([wide, high])
        moved = np.array([self.pan * frame, 0]) + self.shake * random.standard_normal(2)
        centre = np.clip((np.array(self.centre) + moved) * size, half, size - half)
        low = centre - half
        matrix = np.array([[scale, 0, -low[0] * scale], [0, scale, -low[1] * scale]])
        flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        seen = cv2.warpAffine(source, matrix, (WIDTH, HEIGHT), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        seen = seen[:, ::-1] if self.mirrored else seen
        return np.clip(seen.astype(np.float32) * np.array(self.gain, np.float32), 0, 255)


@dataclass
class Edit:
    """Where things are in an edited video."""

    path: Path
    frames: int = 0
    # Kind, first frame that is not the old shot's alone, first frame that is the new one's alone.
    transitions: list[tuple[str, int, int]] = field(default_factory=list)
    tricks: list[tuple[str, int]] = field(default_factory=list)


def real_clip(path: Path) -> Clip:
    """The two panels of the real clip, side by side."""
    (top, left), (_, right), high, wide = _PANELS
    return [
        cv2.resize(
            np.hstack([picture[top : top + high, x : x + wide] for x in (left, right)]),
            (960, 500),
            interpolation=cv2.INTER_AREA,
        )
        for picture in read_frames(path)
    ]


def demo_clip(path: Path, start: int, frames: int) -> Clip:
    """Some pictures of a recording."""
    return [picture for picture, _ in zip(read_frames(path, start), range(frames), strict=False)]


def _views(clip: Clip, random: np.random.Generator) -> Shot:
    """A shot of a clip: both people, or one of them."""
    centre, zoom = [((0.5, 0.5), 1.0), ((0.5, 0.5), 1.2), ((0.25, 0.45), 1.9), ((0.75, 0.45), 1.9)][random.integers(4)]
    shot = Shot(clip, int(random.integers(len(clip))), centre, zoom, bool(random.random() < 0.3))
    if random.random() < 0.3:
        shot = replace(shot, gain=tuple(random.uniform(0.75, 1.15, 3)))
    moving = random.random()
    if moving < 0.12:
        return replace(shot, pan=0.0015)
    if moving < 0.24:
        return replace(shot, nearing=0.002)
    return replace(shot, shake=0.0015) if moving < 0.36 else shot


def _next(shot: Shot, kind: str, clips: Sequence[Clip], random: np.random.Generator) -> Shot:
    if kind == "mirrored":
        return replace(shot, mirrored=not shot.mirrored)
    if kind.endswith("nearer"):
        return replace(shot, zoom=shot.zoom * 1.25, centre=(shot.centre[0] + 0.03, shot.centre[1] + 0.02))
    if kind == "later":
        return replace(shot, start=shot.start + round(0.37 * len(shot.clip)))
    while True:
        other = _views(clips[random.integers(len(clips))], random)
        if other.clip is not shot.clip or other.zoom != shot.zoom or other.centre != shot.centre:
            return other


def write_edit(path: Path, clips: Sequence[Clip], seed: int, noise: float = 0.0, crf: int = 20) -> Edit:
    """Write an edit with a transition of each kind and each of `TRICKS`, in random order. `noise` is of 255."""
    random = np.random.default_rng(seed)
    edit, pictures = Edit(path), []
    shot = _views(clips[random.integers(len(clips))], random)
    begun = 0  # frame of the edit at which the shot has its frame 0
    tricks = list(random.permutation(TRICKS))

    def at(frame: int) -> np.ndarray:
        return shot.picture(frame - begun, random)

    grain = [noise * random.standard_normal((HEIGHT, WIDTH, 3)).astype(np.float32) for _ in range(8 if noise else 0)]

    for number, kind in enumerate([*random.permutation(KINDS), ""]):
        until = len(pictures) + int(random.integers(*_FRAMES))
        trick = tricks.pop() if tricks and number % 2 else ""
        first = (len(pictures) + until) // 2
        if trick:
            edit.tricks.append((str(trick), first))
        while len(pictures) < until:
            pictures.append(_tricked(at(len(pictures)), str(trick), len(pictures) - first))
        if not kind:
            break
        old, old_begun, shot = shot, begun, _next(shot, kind, clips, random)
        begun = start = len(pictures)
        if kind.startswith("cross-fade"):
            length = int(random.choice(_DISSOLVE))
            for k in range(length):
                share = (k + 1) / (length + 1)
                one = _tricked(old.picture(start + k - old_begun, random), str(trick), start + k - first)
                pictures.append((1 - share) * one + share * at(start + k))
        elif kind == "fade":
            for k in range(_FADE):
                one = _tricked(old.picture(start + k - old_begun, random), str(trick), start + k - first)
                pictures.append(one * (1 - (k + 1) / _FADE))
            pictures += [np.zeros((HEIGHT, WIDTH, 3), np.float32)] * _BLACK
            for k in range(_FADE):
                pictures.append(at(len(pictures)) * ((k + 1) / _FADE))
        edit.transitions.append((str(kind), start, len(pictures)))
    path.parent.mkdir(parents=True, exist_ok=True)
    with video_writer(path, WIDTH, HEIGHT, crf=crf, preset="ultrafast") as write:
        for number, picture in enumerate(pictures):
            noisy = picture + grain[number % 8] if noise else picture
            write(np.clip(np.rint(noisy), 0, 255).astype(np.uint8))
    edit.frames = len(pictures)
    return edit


def _tricked(picture: np.ndarray, trick: str, frame: int) -> np.ndarray:
    """A picture with something in it that looks like a cut; `frame` counts from its beginning."""
    if not trick or frame < 0:
        return picture
    picture = picture.copy()
    if trick == "flash" and frame < 2:
        return np.minimum(picture + 110, 255)
    if trick == "caption":
        picture[290:340, 40:600] = (30, 40, 120)
        cv2.putText(picture, "Professor of Geology", (60, 325), cv2.FONT_HERSHEY_SIMPLEX, 1, (255, 255, 255), 2)
    if trick == "inset":
        picture[20:130, 440:620] = (200, 190, 90)
    if trick == "light":
        picture *= 1 - 0.3 * min(1.0, (frame + 1) / 5)
    return picture
