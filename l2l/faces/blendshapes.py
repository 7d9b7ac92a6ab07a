"""faces, backend `blendshapes`: frames and tracks to (T, 56), with ARKit's shapes, the same for everybody.

- Google's face landmarker (`face_landmarker.py`) looks at each tracked face and gives weights of 52 shapes. 47 of them
  are columns 0-46, in ARKit's order (`columns.py`); 47-49 are zeros.
- The jaw is the shapes jawOpen, jawLeft and jawRight, in radians. The head is turned as the tracked mesh is, which is
  measured as by backend `landmarks`, against the landmarker's canonical face instead of a fitted one.
- 0 is the person at rest: the median of frames in which the face shows and moves least is taken off. The file keeps it.
- Nothing is learned from the recordings: `l2l fit-faces` only stores the canonical face.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.ndimage import uniform_filter1d
from scipy.spatial.transform import Rotation

from l2l import config
from l2l.errors import UserError
from l2l.faces import columns, geometry
from l2l.faces.face_landmarker import SHAPES, FaceLandmarker, canonical_face
from l2l.faces.geometry import COMPONENTS, FaceBasis
from l2l.faces.landmarks import sample
from l2l.faces.smoothing import smooth
from l2l.faces.store import read_basis, write_faces
from l2l.files import save_npz
from l2l.progress import progress
from l2l.units import MODEL_DIM
from l2l.video.face_nets import region_around
from l2l.video.footage import Footage
from l2l.video.mesh import LANDMARKS
from l2l.video.picture import Picture, read_pictures
from l2l.video.tracks import PEOPLE, Tracks, fill_short_gaps, load_tracks

# The jaw in radians of the weight of jawOpen: WIDEST * tanh(OPENS * weight / WIDEST). OPENS fits the drawn jaw of the
# demo, whose weights are small (benchmarks/faces.py), and no jaw opens wider than WIDEST (about 50 mm between the
# teeth, 95 mm from the hinge). The demo draws nothing sideways: the network answers a face whose jaw was moved by
# 0.14 rad with a weight of 0.95.
OPENS, WIDEST, SIDEWAYS = 1.75, 0.55, 0.15

_SHAPES = len(columns.SHAPES)
_DRIVES = [*range(_SHAPES), 53, 54]  # columns that move the mesh: shapes, and the jaw
_COLUMNS = [SHAPES.index(name) for name in columns.SHAPES]
_OPEN, _LEFT, _RIGHT = (SHAPES.index(name) for name in ("jawOpen", "jawLeft", "jawRight"))
_NEUTRAL_FRAMES = 400  # enough for a median; spread over the whole recording
_PLAIN, _QUIET = 0.3, 0.5  # share of the frames that show least, and share of these that move least
# Between two frames whose weights all differ by less than this, the frame between has their mean.
_ALIKE = 0.2
_QUIET_FRAMES = 15  # frames around one in which the face must be quiet too
# How strongly what a shape does to the mesh is pulled to nothing: as one frame in which the shape is there in full and
# the mesh does not move.
_RIDGE = 1.0


def fit_basis(paths: Sequence[str | Path], out: str | Path, settings: config.FacesSettings) -> None:
    """Write face_basis.npz: the backend and the canonical face. Raises UserError when the bundle is missing."""
    save_npz(out, backend=np.array("blendshapes"), template=canonical_face().astype(np.float32))


def load_basis(path: str | Path) -> np.ndarray:
    """The canonical face (468, 3). Raises UserError when the file is missing, damaged or of another backend."""
    (template,) = read_basis(path, "blendshapes", "template")
    return template.astype(np.float64)


def extract_faces(
    footage: Footage, basis_path: Path, outs: Sequence[Path], bridge: int, settings: config.FacesSettings
) -> None:
    """Write faces_left.npz and faces_right.npz for one recording; short gaps of at most `bridge` frames are filled."""
    template, tracks = load_basis(basis_path), load_tracks(footage.tracks)
    tracks.check_both_seen()
    weights = _weights(footage, tracks)
    for person, out in enumerate(outs):
        found = tracks.found[:, person]
        rest = at_rest(weights[person, found])
        faces = without_rest(weights[person], rest)
        faces[~found] = 0
        neutral = geometry.neutral_face(sample(tracks, person, _NEUTRAL_FRAMES), template)
        for frames, block in tracks.blocks():
            _, rotation = geometry.straighten(block[found[frames], person], neutral)
            faces[frames][found[frames], 50:53] = Rotation.from_matrix(rotation).as_rotvec()
        valid = fill_short_gaps(faces, found, tracks.segment, bridge)
        smooth_shapes(faces, valid, tracks.segment, settings.blendshapes)
        mesh = directions(tracks, person, faces, neutral, template)
        more = {"rest": rest, "shapes": np.array(SHAPES)}
        write_faces(out, faces, valid, tracks.segment, mesh, "blendshapes", **more)


def smooth_shapes(
    faces: np.ndarray, valid: np.ndarray, segment: np.ndarray, settings: config.BlendshapesSettings
) -> None:
    """Smooth faces (T, 56) in place, as `smooth`; shapes less than the head, for blinks are over in few frames."""
    head = faces[:, 50:53].copy()
    smooth(head, valid, segment, settings.head_smoothing)
    smooth(faces, valid, segment, settings.smoothing)
    faces[:, 50:53] = head


def _weights(footage: Footage, tracks: Tracks) -> np.ndarray:
    """(2, T, 52) weights of both people; zeros where a face was not tracked.

    Of every second frame the networks see only the faces that change (`_ALIKE`).
    """
    landmarker, found = FaceLandmarker(), tracks.found
    weights = np.zeros((PEOPLE, len(tracks), len(SHAPES)), np.float32)
    frames = progress(read_pictures(footage.video), "faces", unit="frame", total=len(tracks))
    meshes = (pair for _, block in tracks.blocks() for pair in block)
    before: tuple[Picture, np.ndarray] | None = None  # picture and meshes of the frame before
    frame = -1

    def look(person: int, frame: int, picture: Picture, pair: np.ndarray) -> None:
        weights[person, frame] = landmarker.shapes(landmarker.points(picture, region_around(pair[person])))

    for frame, (picture, pair) in enumerate(zip(frames, meshes, strict=False)):
        if frame % 2 and frame + 1 < len(tracks):
            before = picture, pair
            continue
        for person in np.flatnonzero(found[frame]):
            look(int(person), frame, picture, pair)
        if before is None or frame % 2:
            continue
        around = [frame - 2, frame]
        for person in np.flatnonzero(found[frame - 1]):
            one_scene = found[around, person].all() and tracks.segment[frame - 2] == tracks.segment[frame]
            first, last = weights[person, around]
            if one_scene and np.abs(last - first).max() < _ALIKE:
                weights[person, frame - 1] = (first + last) / 2
            else:
                look(int(person), frame - 1, *before)
    if frame + 1 < len(tracks):
        raise UserError(
            f"{footage.video} has {frame + 1} pictures, {footage.tracks} {len(tracks)}; track the recording again."
        )
    return weights


def at_rest(weights: np.ndarray) -> np.ndarray:
    """(52,) the face at rest: of the frames of weights (n, 52) that show least, the median of those that move least.

    Moving little is not enough: some people hold a smile, or laugh for long.
    """
    shown = weights.sum(1)
    plain = shown <= np.quantile(shown, _PLAIN)
    step = np.abs(np.diff(weights, axis=0, prepend=weights[:1])).sum(1)  # (n,)
    motion = uniform_filter1d(step, _QUIET_FRAMES)
    quiet = plain & (motion <= np.quantile(motion[plain], _QUIET))
    return np.asarray(np.median(weights[quiet], axis=0), np.float32)


def opening(weight: npt.ArrayLike) -> np.ndarray:
    """Radians that the jaw is open at weights of jawOpen."""
    return np.asarray(WIDEST * np.tanh(OPENS * np.asarray(weight) / WIDEST))


def without_rest(weights: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """Weights (n, 52) -> faces (n, 56) float32 with a head that looks straight ahead."""
    moved = weights - rest
    faces = np.zeros((len(weights), MODEL_DIM), np.float32)
    faces[:, :_SHAPES] = moved[:, _COLUMNS]
    faces[:, 53] = opening(weights[:, _OPEN]) - opening(rest[_OPEN])
    # The person's left is the picture's right, which is negative.
    faces[:, 54] = SIDEWAYS * (moved[:, _RIGHT] - moved[:, _LEFT])
    return faces


def with_rest(faces: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """Faces (n, >=56) -> weights (n, 52) 0..1 as avatars take them, in the order of `SHAPES`: undoes `without_rest`.

    Of jawLeft and jawRight only the difference is known, so one of them is 0. jawForward and _neutral stay at rest.
    """
    weights = np.tile(rest.astype(np.float32), (len(faces), 1))
    weights[:, _COLUMNS] += faces[:, :_SHAPES]
    # A model may open a jaw wider than any weight does.
    angle = np.clip(faces[:, 53] + opening(rest[_OPEN]), 0, opening(1.0))
    weights[:, _OPEN] = WIDEST * np.arctanh(angle / WIDEST) / OPENS
    side = faces[:, 54] / SIDEWAYS + rest[_RIGHT] - rest[_LEFT]
    weights[:, _RIGHT], weights[:, _LEFT] = np.maximum(side, 0), np.maximum(-side, 0)
    return np.clip(weights, 0, 1)


def directions(tracks: Tracks, person: int, faces: np.ndarray, neutral: np.ndarray, template: np.ndarray) -> np.ndarray:
    """(50, 468, 3): a person's mesh at rest, what each of 47 shapes adds to it, and what the jaw's x and y add.

    A ridge regression of the tracked mesh on `faces` (T, 56), over the whole recording. `neutral` (468, 3) is a first
    guess of the mesh at rest. A shape that was never seen adds nothing. The jaw turns about its hinge in any case: what
    it adds to that is learned, because the tracked mesh follows a jaw only in part.
    """
    basis, count = FaceBasis(template, np.zeros((COMPONENTS, LANDMARKS * 3))), len(_DRIVES)
    inner, outer = np.zeros((count + 1, count + 1)), np.zeros((count + 1, LANDMARKS * 3))
    for frames, block in tracks.blocks():
        found = tracks.found[frames, person]
        straight, _ = geometry.straighten(block[found, person], neutral)
        rest = straight - geometry.jaw_moved(neutral, faces[frames][found, 53:56], basis)
        moved = faces[frames][found][:, _DRIVES].astype(np.float64)
        known = np.column_stack([np.ones(len(rest)), moved])  # (n, 50): the mesh at rest is free
        inner += known.T @ known
        outer += known.T @ rest.reshape(len(rest), -1)
    inner[1:, 1:] += _RIDGE * np.eye(count)
    found_directions = np.linalg.solve(inner, outer).reshape(count + 1, LANDMARKS, 3)
    found_directions[0] += neutral
    return found_directions


def upright(faces: np.ndarray, mesh: np.ndarray, template: np.ndarray) -> np.ndarray:
    """Faces (n, >=56) -> meshes (n, 468, 3), the head not turned, in outer-eye distances; `mesh`: of `directions`."""
    driven, components = faces.copy(), np.zeros((COMPONENTS, LANDMARKS * 3))
    driven[:, : len(_DRIVES)] = faces[:, _DRIVES]  # the jaw takes two of the columns that are empty
    components[: len(_DRIVES)] = mesh[1:].reshape(len(_DRIVES), -1)
    return geometry.upright(driven, mesh[0], FaceBasis(template, components))
