"""The film of a clip: the speaker as filmed, the true listener, three sampled ones and a baseline, side by side."""

import itertools
from pathlib import Path

import cv2
import numpy as np

from l2l.faces.meshes import Mesher
from l2l.faces.store import hold
from l2l.files import scratch
from l2l.pictures.face import SKIN, Colour, draw_face
from l2l.pictures.preview import cut_sound
from l2l.report.clips import BASELINE, DRAWN, TRUE, Clip
from l2l.sides import SIDES, number, other
from l2l.video.media import read_frames, video_writer
from l2l.video.tracks import Tracks

TILE, TITLE = (320, 272), 28  # width and height of a picture, lines above it
WIDTH, HEIGHT = 3 * TILE[0], 2 * (TILE[1] + TITLE)
_PAPER, _BAND, _INK, _FAINT = (38, 40, 46), (24, 25, 29), (240, 240, 240), (150, 152, 160)
_SKIN: dict[str, Colour] = {TRUE: (206, 214, 226), BASELINE: (172, 172, 172)}
# Place in the grid -> which take; the speaker is the first.
_GRID: tuple[str, ...] = ("speaker, as filmed", TRUE, BASELINE, *DRAWN)
_CRF = 26  # a film of seven seconds is about half a megabyte


def write_film(path: Path, clip: Clip, folder: Path, tracks: Tracks, mesher: Mesher) -> np.ndarray:
    """Write an mp4 with the recording's sound; returns a frame (H, W, 3) to show before it plays."""
    speaker = number(other(clip.listener))
    x0, y0, x1, y1 = _around(tracks, speaker, slice(clip.first, clip.first + len(clip)))
    empty = np.full((HEIGHT, WIDTH, 3), _PAPER, np.uint8)  # filling takes longer than copying
    poster = np.zeros_like(empty)
    seen = {name: np.isfinite(take[:, 0]) for name, take in clip.takes.items()}
    shown = {  # (T, V, 3) each
        name: mesher.vertices(hold(take, seen[name])) for name, take in clip.takes.items() if seen[name].any()
    }
    with scratch() as temporary:
        wav, sound = folder / "audio.wav", None
        if wav.exists():
            sound = cut_sound(wav, clip.first, len(clip), temporary / "audio.wav")
        with video_writer(path, WIDTH, HEIGHT, sound, crf=_CRF) as write:
            pictures = itertools.islice(read_frames(folder / "video.mp4", clip.first), len(clip))
            for frame, picture in enumerate(pictures):
                canvas = empty.copy()
                for place, name in enumerate(_GRID):
                    tile, title = _tile(canvas, place)
                    if not place:
                        tile[:] = cv2.resize(picture[y0:y1, x0:x1], TILE, interpolation=cv2.INTER_AREA)
                        speaks = clip.speaks is not None and clip.speaks[frame, speaker]
                        _text(title, f"{SIDES[speaker]}: {name}", _INK)
                        if speaks:
                            _text(title, "speaks", (120, 190, 255), TILE[0] - 62)
                        continue
                    _text(title, name, _INK)
                    if name in shown and seen[name][frame]:
                        draw_face(tile, mesher, shown[name][frame], _SKIN.get(name, SKIN))
                    else:
                        cv2.putText(
                            tile, "nothing here", (100, 140), cv2.FONT_HERSHEY_SIMPLEX, 0.5, _FAINT, 1, cv2.LINE_AA
                        )
                if frame == len(clip) // 3:
                    poster = canvas.copy()
                write(canvas)
    return poster


def _tile(canvas: np.ndarray, place: int) -> tuple[np.ndarray, np.ndarray]:
    """The picture and the title of a place in the grid."""
    row, column = divmod(place, 3)
    top, left = row * (TILE[1] + TITLE), column * TILE[0]
    title = canvas[top : top + TITLE, left : left + TILE[0]]
    title[:] = _BAND
    return canvas[top + TITLE : top + TITLE + TILE[1], left : left + TILE[0]], title


def _text(title: np.ndarray, words: str, colour: Colour, x: int = 8) -> None:
    cv2.putText(title, words, (x, 19), cv2.FONT_HERSHEY_SIMPLEX, 0.5, colour, 1, cv2.LINE_AA)


def _around(tracks: Tracks, person: int, frames: slice) -> tuple[int, int, int, int]:
    """A part of the picture around a person's face, in the proportion of a tile; the whole width where none is seen."""
    known = tracks.found[frames, person]
    aspect = TILE[0] / TILE[1]
    if known.any():
        boxes = tracks.box[frames, person][known]
        low, high = boxes[:, :2].min(0), boxes[:, 2:].max(0)
        centre, height = (low + high) / 2, 1.75 * max(high[1] - low[1], (high[0] - low[0]) / aspect)
    else:
        centre, height = np.array([tracks.width / 2, tracks.height / 2]), float(tracks.height)
    height = min(height, tracks.height, tracks.width / aspect)
    width = height * aspect
    x0 = float(np.clip(centre[0] - width / 2, 0, tracks.width - width))
    y0 = float(np.clip(centre[1] - height / 2, 0, tracks.height - height))
    return int(x0), int(y0), int(x0 + width), int(y0 + height)
