"""Is it the same listener in all recordings of a person? Their faces tell, as far as light and camera allow.

The recordings are compared with the one whose listener most others resemble. A listener who is less like that one than
the person on the other side is there, and one who is hardly like it at all, are named as warnings.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from l2l.recordings.recordings import Recording
from l2l.sides import Side, other
from l2l.video.appearance import likeness
from l2l.video.tracks import load_cast

ALIKE = 0.77  # likeness from which two faces may be one person's, in another light and before another camera
_CLEAR = 0.04  # by how much the face on the other side must be more alike
_MOST = 40  # recordings that each is compared with


def with_doubts(recordings: Sequence[Recording], videos: Path, listener: Side) -> list[Recording]:
    """The recordings, with a warning where somebody else seems to be the listener. Raises UserError for broken tracks.

    `videos` has one folder with tracks.npz per recording; `listener` is where the person sits unless a row says it.
    """
    faces = {}
    for row in recordings:
        tracks = videos / row.name / "tracks.npz"
        cast = load_cast(tracks) if row.status == "ok" and tracks.exists() else None
        if cast is not None and cast.pattern[..., -1].any((1, 2)).all():
            faces[row.name] = cast.pattern[:: 1 if _seat(row, listener) == "left" else -1]  # the listener first
    if len(faces) < 2:
        return list(recordings)
    names = list(faces)
    some = [names[k] for k in np.unique(np.linspace(0, len(names) - 1, min(_MOST, len(names))).astype(int))]
    alike = np.array([[likeness(faces[one][0], faces[two][0]) for two in some] for one in some])
    usual = some[int(np.median(alike, 1).argmax())]
    return [_doubted(row, faces, usual, listener) for row in recordings]


def _doubted(row: Recording, faces: dict[str, np.ndarray], usual: str, listener: Side) -> Recording:
    if row.name not in faces or row.name == usual:
        return row
    own, opposite = (likeness(face, faces[usual][0]) for face in faces[row.name])
    seat = _seat(row, listener)
    if opposite >= ALIKE and opposite - own > _CLEAR:
        said = f"the listener of {usual} seems to sit on the {other(seat)} here: name who sits where in a sample sheet"
    elif own < ALIKE:
        said = f"somebody else than in {usual} seems to sit on the {seat}"
    else:
        return row
    return replace(row, warnings="; ".join([said, *filter(None, [row.warnings])]))


def _seat(row: Recording, listener: Side) -> Side:
    return row.listener or listener
