"""Backends: what can do a step, one line each. To add one, write its module and its line (docs/backends.md).

A backend is a module with the functions of its step. All backends of a step write the same files:

- tracking: `track(video, out, settings)` writes tracks.npz.
- diarization: `diarize(footage, settings) -> Speaking`.
- separation: `separate(footage, speaking, outs, settings)` writes one sound file per person.
- faces: `fit_basis(tracks, out, settings)` writes what the backend learns from the training recordings, and
  `extract_faces(footage, basis, outs, bridge, settings)` writes one faces file per person.

`footage` is a `l2l.video.footage.Footage`: a normalised recording with its tracks. A backend without a file that it
needs raises UserError before it writes anything. Modules are imported only when they are chosen.
"""

from importlib import import_module
from typing import Any, NamedTuple


class Backend(NamedTuple):
    """Where a backend lives, what it is, and what a job on one recording may take."""

    module: str
    what: str
    mem_mb: int = 1000
    runtime: int = 60  # minutes


BACKENDS: dict[str, dict[str, Backend]] = {
    "tracking": {
        "mediapipe": Backend("l2l.video.tracking", "face mesh through LiteRT"),
    },
    "diarization": {
        "vad_lips": Backend("l2l.speech.lip_motion", "silero-vad and lip motion"),
        "syncnet": Backend("l2l.speech.syncnet", "SyncNet, as the paper", mem_mb=3000, runtime=720),
        "light_asd": Backend("l2l.speech.light_asd", "Light-ASD", mem_mb=2000, runtime=240),
    },
    "separation": {
        "gating": Backend("l2l.speech.gating", "mute a person while the other speaks"),
        "multisensory": Backend(
            "l2l.speech.multisensory", "Owens & Efros 2018, from picture and sound", mem_mb=3000, runtime=720
        ),
    },
    "faces": {
        "landmarks": Backend("l2l.faces.landmarks", "geometry of the tracked mesh"),
        "blendshapes": Backend("l2l.faces.blendshapes", "ARKit's shapes, by Google's face landmarker"),
        "deca": Backend(
            "l2l.faces.deca", "DECA's encoders, in the published data's coordinates", mem_mb=3000, runtime=720
        ),
    },
}


def load(step: str, name: str) -> Any:
    """The module of a backend, imported."""
    return import_module(BACKENDS[step][name].module)
