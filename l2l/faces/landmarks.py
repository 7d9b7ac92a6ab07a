"""faces, embedded backend `landmarks`: tracked landmarks to (T, 56), in two steps.

- `fit_basis` learns one expression basis for both people from the training recordings (PCA, zero = the face at rest):
  `l2l fit-faces folder ... --out face_basis.npz`.
- `extract_faces` turns a recording's tracks into faces with that basis:
  `l2l faces folder ... --basis face_basis.npz`.
"""

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from l2l import config
from l2l.errors import UserError
from l2l.faces import geometry
from l2l.faces.geometry import COMPONENTS, FaceBasis
from l2l.faces.smoothing import smooth
from l2l.faces.store import read_basis, write_faces
from l2l.files import save_npz
from l2l.units import MODEL_DIM
from l2l.video.footage import Footage
from l2l.video.mesh import LANDMARKS
from l2l.video.tracks import PEOPLE, Tracks, fill_short_gaps, load_tracks

_BLOCK = 500  # frames whose residuals are in memory at once
_NEUTRAL_FRAMES = 400  # enough for a median; spread over the whole recording


def sample(tracks: Tracks, person: int, count: int) -> np.ndarray:
    """At most `count` of a person's landmarks (n, 468, 3) px, evenly spread over the recording."""
    known = np.flatnonzero(tracks.found[:, person])
    if not len(known):
        return np.empty((0, LANDMARKS, 3), np.float32)
    wanted = np.unique(known[np.linspace(0, len(known) - 1, min(count, len(known))).astype(int)])
    parts = [
        block[wanted[(wanted >= frames.start) & (wanted < frames.stop)] - frames.start, person]
        for frames, block in tracks.blocks()
    ]
    return np.concatenate(parts)


def fit_basis(paths: Sequence[str | Path], out: str | Path, settings: config.FacesSettings) -> None:
    """Write face_basis.npz from the tracks of the training recordings. Raises UserError when faces are too few."""
    per_person = max(50, settings.basis_frames // (PEOPLE * len(paths)))
    template_frames = max(10, min(200, 4000 // len(paths)))
    frames = [sample(load_tracks(path), person, template_frames) for path in paths for person in range(PEOPLE)]
    together = np.concatenate(frames)
    if len(together) < COMPONENTS:
        raise UserError(
            f"{paths[0]} and the other training tracks hold {len(together)} faces, too few for {COMPONENTS} "
            "expression components; give longer recordings."
        )
    template = geometry.mean_face(together)
    basis = FaceBasis(template, np.zeros((COMPONENTS, LANDMARKS * 3)))
    scatter, count = np.zeros((LANDMARKS * 3, LANDMARKS * 3)), 0
    for path, person in itertools.product(paths, range(PEOPLE)):
        landmarks = sample(load_tracks(path), person, per_person)
        if len(landmarks):
            neutral = geometry.neutral_face(landmarks[:: max(1, len(landmarks) // _NEUTRAL_FRAMES)], template)
        for start in range(0, len(landmarks), _BLOCK):
            rest, _, _ = geometry.without_pose(landmarks[start : start + _BLOCK], neutral, basis)
            scatter += rest.T @ rest
            count += len(rest)
    # Not centred: zero must mean the neutral face, not the mean one.
    values, vectors = np.linalg.eigh(scatter / count)
    components = vectors[:, ::-1][:, :COMPONENTS].T  # (50, 1404)
    # An eigenvector's sign is arbitrary: make its largest entry positive, so that the same data give the same basis.
    largest = np.abs(components).argmax(1)
    components = components * np.sign(components[np.arange(COMPONENTS), largest])[:, None]
    explained = values[::-1][:COMPONENTS].sum() / values.sum()
    arrays = {"template": template.astype(np.float32), "components": components.astype(np.float32)}
    save_npz(out, backend=np.array("landmarks"), **arrays, explained=np.array(explained), frames=np.array(count))


def load_basis(path: str | Path) -> FaceBasis:
    """Raises UserError when the file is missing, damaged or of another backend."""
    template, components = read_basis(path, "landmarks", "template", "components")
    return FaceBasis(template.astype(np.float64), components.astype(np.float64))


def extract_faces(
    footage: Footage, basis_path: Path, outs: Sequence[Path], bridge: int, settings: config.FacesSettings
) -> None:
    """Write faces_left.npz and faces_right.npz for one recording; short gaps of at most `bridge` frames are filled."""
    tracks, basis = load_tracks(footage.tracks), load_basis(basis_path)
    tracks.check_both_seen()
    for person, out in enumerate(outs):
        neutral = geometry.neutral_face(sample(tracks, person, _NEUTRAL_FRAMES), basis.template)
        faces = np.zeros((len(tracks), MODEL_DIM), np.float32)
        for frames, block in tracks.blocks():
            found = tracks.found[frames, person]
            faces[frames][found] = geometry.decompose(block[found, person], neutral, basis)
        valid = fill_short_gaps(faces, tracks.found[:, person], tracks.segment, bridge)
        smooth(faces, valid, tracks.segment, settings.smoothing)
        write_faces(out, faces, valid, tracks.segment, neutral)
