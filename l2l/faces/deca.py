"""faces, backend `deca`: frames and tracks to (T, 184), in the coordinates of the published data.

- Each face is cropped around its 68 landmarks (FAN's, or the tracked mesh's in their place) and goes through DECA's
  encoders; expression (50 numbers), the head's and the jaw's rotation and detail (128 numbers) are kept unchanged.
- Nothing is learned from the recordings: `l2l fit-faces` only stores which landmarks make the crop, so that all
  recordings of a person are cropped alike.
- Not smoothed by default (faces.deca.smoothing): the published data is not.
"""

import itertools
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from l2l import config
from l2l.errors import SetupError, UserError
from l2l.faces import deca_nets, fan
from l2l.faces.deca_crop import MESH_POINTS, around_landmarks, crop
from l2l.faces.smoothing import smooth
from l2l.faces.store import read_basis, write_faces
from l2l.files import save_npz
from l2l.inference import torch_device
from l2l.progress import progress
from l2l.sides import SIDES
from l2l.units import FACE_DIM
from l2l.video.footage import Footage
from l2l.video.media import read_frames
from l2l.video.tracks import PEOPLE, Tracks, fill_short_gaps, load_tracks
from l2l.weights import catalogue as weights

log = logging.getLogger(__name__)


def fit_basis(paths: Sequence[str | Path], out: str | Path, settings: config.FacesSettings) -> None:
    """Write face_basis.npz: the backend and the landmarks of the crop. Raises UserError when a file is missing."""
    deca = settings.deca
    weights.find(*deca_nets.MODEL)
    landmarks = deca.landmarks
    missing = fan.missing(deca.detector) if landmarks != "mesh" else None
    if landmarks == "auto":
        landmarks = "mesh" if missing else "fan"
        if missing:
            log.info("faces.deca: the tracked mesh makes the crop, as %s.", missing)
    elif missing:
        raise SetupError(f"faces.deca.landmarks is fan, but {missing}; or set it to mesh.")
    save_npz(out, backend=np.array("deca"), landmarks=np.array(landmarks))


def extract_faces(
    footage: Footage, basis_path: Path, outs: Sequence[Path], bridge: int, settings: config.FacesSettings
) -> None:
    """Write faces_left.npz and faces_right.npz for one recording; short gaps of at most `bridge` frames are filled."""
    deca = settings.deca
    if deca.threads:
        torch.set_num_threads(deca.threads)
    device = torch_device(deca.device, "faces.deca.device")
    (landmarks,) = read_basis(basis_path, "deca", "landmarks")
    find = None if str(landmarks) == "mesh" else fan.Fan(deca.detector, device)
    tracks = load_tracks(footage.tracks)
    tracks.check_both_seen()
    encoders = deca_nets.Deca(weights.find(*deca_nets.MODEL), deca.detail).to(device)
    faces = np.zeros((PEOPLE, len(tracks), FACE_DIM), np.float32)
    found = np.zeros((PEOPLE, len(tracks)), bool)
    identity = np.zeros((PEOPLE, 100))
    crops = _crops(footage, tracks, find)
    while some := list(itertools.islice(crops, deca.batch_size)):
        people, frames = np.array([place for *place, _ in some]).T  # (n,) each
        codes, detail = encoders(torch.from_numpy(np.stack([picture for *_, picture in some])).to(device))
        kept = [codes[:, deca_nets.EXPRESSION], codes[:, deca_nets.POSE], detail]
        faces[people, frames] = torch.cat(kept, 1).cpu().numpy()
        found[people, frames] = True
        np.add.at(identity, people, codes[:, deca_nets.SHAPE].cpu().numpy())
    for person, out in enumerate(outs):
        if not found[person].any():
            raise UserError(
                f"{footage.video}: no face was found on the {SIDES[person]}; try faces.deca.detector: tracks."
            )
        valid = fill_short_gaps(faces[person], found[person], tracks.segment, bridge)
        smooth(faces[person], valid, tracks.segment, deca.smoothing)
        write_faces(out, faces[person], valid, tracks.segment, identity[person] / found[person].sum(), "deca")


def _crops(footage: Footage, tracks: Tracks, find: fan.Fan | None) -> Iterator[tuple[int, int, np.ndarray]]:
    """(person, frame, crop (3, 224, 224)) of every tracked face, frame by frame.

    `find` finds the landmarks of the crop; without it they are the mesh's.
    """
    frames = progress(read_frames(footage.video), "faces", unit="frame", total=len(tracks))
    meshes = (mesh for _, block in tracks.blocks() for mesh in block)
    frame = -1
    for frame, (picture, pair) in enumerate(zip(frames, meshes, strict=False)):
        for person in np.flatnonzero(tracks.found[frame]):
            box, mesh = tracks.box[frame, person], pair[person]
            landmarks = find(picture, box) if find else mesh[MESH_POINTS, :2]
            if landmarks is not None:
                yield int(person), frame, crop(picture, around_landmarks(landmarks))
    if frame + 1 < len(tracks):
        raise UserError(
            f"{footage.video} has {frame + 1} pictures, {footage.tracks} {len(tracks)}; track the recording again."
        )
