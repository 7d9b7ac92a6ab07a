"""faces backend blendshapes: named shapes, the resting face apart, and a mesh that moves as the person was seen to."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from l2l import config
from l2l.errors import UserError
from l2l.faces import blendshapes, geometry
from l2l.faces.columns import SHAPES as COLUMNS
from l2l.faces.face_landmarker import SHAPES
from l2l.faces.meshes import mesher_of
from l2l.faces.store import backend_of, load_faces
from l2l.files import NpzWriter, save_npz
from l2l.sides import SIDES
from l2l.video import mesh
from l2l.video.face_nets import FaceDetector, FaceMesh
from l2l.video.footage import Footage
from l2l.video.media import video_writer
from l2l.video.tracks import block_name, landmark_scale
from tests.media import face_photo

FRAMES, BRIDGE = 60, 3
SIZE = (320, 180)
MISSED = [20, 21]  # of the person on the left
CENTRES = (80, 240)
SMILE, BLINK, OPEN, LEFT = (SHAPES.index(n) for n in ("mouthSmileLeft", "eyeBlinkRight", "jawOpen", "jawLeft"))
# Brightness 0..1 of each person's half: still for half a second, then a smile that comes and goes.
BRIGHT = np.concatenate([np.full(24, 0.2), 0.2 + 0.6 * np.sin(np.pi * np.arange(36) / 36) ** 2])
CORNER = mesh.MOUTH_CORNERS[1]
SMILED = COLUMNS.index("mouthSmileLeft")


class FakeLandmarker:
    """Weights follow from how red a face is on the left and how green on the right."""

    def points(self, picture, region):
        person = int(region.x > SIZE[0] / 2)
        return np.full((478, 3), picture.rgb[90, CENTRES[person], person] / 255)

    def shapes(self, points):
        return weights_of(points[:1, 0])[0]


def weights_of(bright):
    """(n, 52) of brightness (n,)."""
    found = np.zeros((len(bright), 52), np.float32)
    found[:, SMILE], found[:, BLINK], found[:, OPEN], found[:, LEFT] = bright, 1 - bright, 0.3 * bright, 0.1
    return found


def write_tracks(path, landmarks, found):
    with NpzWriter(path) as writer:
        writer.add(block_name(0), np.rint(landmarks * landmark_scale(*SIZE)).astype(np.int16))
        writer.add("size", np.array(SIZE, np.int32))
        writer.add("found", found)
        writer.add("score", np.ones((len(found), 2), np.float32))
        writer.add("box", np.zeros((len(found), 2, 4), np.float32))
        writer.add("segment", np.zeros(len(found), np.int32))


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """Two faces whose corner of the mouth goes out with the smile; the head nods."""
    folder = tmp_path_factory.mktemp("recording")
    photo = face_photo(400)
    landmarks, _ = FaceMesh()(photo, FaceDetector()(photo)[0].region)
    shape = geometry.frontal(geometry.symmetric(landmarks.astype(np.float64)))
    meshes = np.tile(shape, (FRAMES, 1, 1))
    meshes[:, CORNER, 0] += 0.2 * (BRIGHT - BRIGHT[0])
    pitch = np.zeros((FRAMES, 3))
    pitch[:, 0] = 0.1 * np.sin(np.arange(FRAMES) / 5)
    turned = 60 * np.einsum("nij,nkj->nki", Rotation.from_rotvec(pitch).as_matrix(), meshes)
    both = np.stack([turned + [x, 80, 0] for x in CENTRES], 1)
    found = np.ones((FRAMES, 2), bool)
    found[MISSED, 0] = False
    write_tracks(folder / "tracks.npz", both, found)
    with video_writer(folder / "video.mp4", *SIZE, crf=1) as write:
        for bright in BRIGHT:
            picture = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
            picture[:, : SIZE[0] // 2, 0] = picture[:, SIZE[0] // 2 :, 1] = round(255 * bright)
            write(picture)
    save_npz(folder / "basis.npz", backend=np.array("blendshapes"), template=shape)
    return Footage.of(folder), pitch[:, 0], both


@pytest.fixture
def measured(recording, tmp_path, monkeypatch):
    monkeypatch.setattr(blendshapes, "FaceLandmarker", FakeLandmarker)
    return extract(recording[0], tmp_path, smoothing=0, head_smoothing=0)


def extract(footage, out, basis=None, **settings):
    outs = [out / f"faces_{side}.npz" for side in SIDES]
    chosen = config.FacesSettings(backend="blendshapes", blendshapes=config.BlendshapesSettings(**settings))
    blendshapes.extract_faces(footage, basis or footage.tracks.parent / "basis.npz", outs, BRIDGE, chosen)
    return [load_faces(path) for path in outs]


def test_every_shape_is_in_its_column_and_0_is_the_person_at_rest(measured):
    for found in measured:
        assert found.faces.shape == (FRAMES, 56) and found.valid.all()
        moved = BRIGHT - BRIGHT[0]
        # The coder may be off by a shade or two.
        np.testing.assert_allclose(found.faces[:, COLUMNS.index("mouthSmileLeft")], moved, atol=0.02)
        np.testing.assert_allclose(found.faces[:, COLUMNS.index("eyeBlinkRight")], -moved, atol=0.02)
        others = [k for k in range(50) if k not in (COLUMNS.index("mouthSmileLeft"), COLUMNS.index("eyeBlinkRight"))]
        assert not found.faces[:, others].any()


def test_the_networks_see_every_second_frame_and_what_is_between_where_a_face_changes(recording, tmp_path, monkeypatch):
    seen = []

    class Quick(FakeLandmarker):
        def points(self, picture, region):
            found = super().points(picture, region)
            seen.append(found[0, 0])
            return found * (1 + 3 * (region.x > SIZE[0] / 2))  # the person on the right moves four times as much

    monkeypatch.setattr(blendshapes, "FaceLandmarker", Quick)
    left, right = extract(recording[0], tmp_path, smoothing=0, head_smoothing=0)
    # Of the left face hardly more than every second frame; of the right one also those of the smile.
    assert 2 * FRAMES * 0.55 < len(seen) < 2 * FRAMES * 0.8
    np.testing.assert_allclose(left.faces[:, SMILED], BRIGHT - BRIGHT[0], atol=0.02)
    np.testing.assert_allclose(right.faces[:, SMILED], 4 * (BRIGHT - BRIGHT[0]), atol=0.08)


def test_head_and_jaw_are_radians(measured, recording):
    for found in measured:
        np.testing.assert_allclose(found.faces[found.valid, 50], recording[1], atol=0.01)
        angle = blendshapes.opening(0.3 * BRIGHT) - blendshapes.opening(np.float64(0.3 * BRIGHT[0]))
        np.testing.assert_allclose(found.faces[:, 53], angle, atol=0.01)
        assert np.abs(found.faces[:, 54:]).max() < 1e-6


def test_the_resting_face_is_kept_and_can_be_put_back(measured):
    for found in measured:
        np.testing.assert_allclose(found.rest, weights_of(BRIGHT[:1])[0], atol=0.02)
        np.testing.assert_allclose(blendshapes.with_rest(found.faces, found.rest), weights_of(BRIGHT), atol=0.02)


def test_weights_survive_the_way_there_and_back():
    weights = np.random.default_rng(0).uniform(0, 1, (20, 52)).astype(np.float32)
    forward, neutral = SHAPES.index("jawForward"), SHAPES.index("_neutral")
    right = SHAPES.index("jawRight")
    weights[:, right] = np.where(np.arange(20) % 2, weights[:, right], 0)
    weights[:, LEFT] = np.where(np.arange(20) % 2, 0, weights[:, LEFT])  # a jaw is on one side at a time
    rest = weights[0]
    back = blendshapes.with_rest(blendshapes.without_rest(weights, rest), rest)
    kept = [k for k in range(52) if k not in (forward, neutral)]
    np.testing.assert_allclose(back[:, kept], weights[:, kept], atol=1e-4)


def test_a_jaw_never_opens_wider_than_a_jaw_can():
    assert 0.2 < blendshapes.opening(np.array(0.15)) < blendshapes.opening(np.array(1.0)) < 0.6
    rest = np.zeros(52, np.float32)
    wide = np.zeros((1, 56), np.float32)
    wide[0, 53] = 3
    assert blendshapes.with_rest(wide, rest)[0, OPEN] == pytest.approx(1, abs=1e-3)


def test_a_jaw_to_the_person_s_left_goes_to_the_picture_s_right():
    weights = np.zeros((1, 52), np.float32)
    weights[0, LEFT] = 1
    assert blendshapes.without_rest(weights, np.zeros(52, np.float32))[0, 54] < 0


def test_a_smile_that_is_held_is_no_rest():
    weights = np.full((300, 52), 0.1, np.float32)
    weights[120:, SMILE] = 0.9
    weights[100:120, SMILE] = np.linspace(0.1, 0.9, 20)
    assert blendshapes.at_rest(weights)[SMILE] == pytest.approx(0.1)


def test_the_quiet_frames_are_those_in_which_little_moves():
    weights = np.random.default_rng(0).uniform(0, 1, (300, 52)).astype(np.float32)
    weights[100:220] = 0.25
    np.testing.assert_allclose(blendshapes.at_rest(weights), 0.25, atol=1e-6)


def test_the_file_says_what_its_columns_are(measured, tmp_path):
    with np.load(tmp_path / "faces_left.npz", allow_pickle=False) as file:
        assert str(file["backend"]) == "blendshapes" and file["columns"][:47].tolist() == list(COLUMNS)
        assert file["units"][[0, 50]].tolist() == ["weight", "rad"] and file["shapes"].tolist() == list(SHAPES)


def test_the_mesh_moves_as_the_person_was_seen_to(measured, recording):
    footage, _, tracked = recording
    basis, neutral = footage.tracks.parent / "basis.npz", measured[1].neutral
    mesher = mesher_of(basis, neutral)
    np.testing.assert_allclose(mesher.vertices(np.zeros((1, 56)))[0], mesher.rest)
    drawn = blendshapes.upright(measured[1].faces, neutral, blendshapes.load_basis(basis))  # (T, 468, 3)
    for frame in (10, 42):  # at rest, and smiling
        # Where the mesh stands in the picture follows from the skull.
        rigid = geometry.rigid_landmarks(neutral[0])
        rotation, scale, move = geometry.fit_rigid(drawn[frame][rigid], tracked[frame : frame + 1, 1][:, rigid])
        away = np.abs(scale[0] * drawn[frame] @ rotation[0].T + move[0] - tracked[frame, 1])  # px
        assert away[CORNER].max() < 2 and away.max() < 2.5  # the smile moves the corner by 7, the jaw would move lips


def test_a_blink_is_drawn_with_closed_lids(measured, recording):
    mesher = mesher_of(recording[0].tracks.parent / "basis.npz", measured[1].neutral)
    faces = np.zeros((2, 56))
    faces[1, COLUMNS.index("eyeBlinkRight")] = 1
    still, blinking = mesher.vertices(faces)
    upper, lower = (list(mesh.RIGHT_EYE[at]) for at in (slice(None, 8, -1), slice(1, 8)))
    assert (still[lower, 1] > still[upper, 1]).all()
    np.testing.assert_allclose(blinking[upper, :2], blinking[lower, :2], atol=1e-9)


def test_smoothing_is_one_for_shapes_and_one_for_the_head(recording, tmp_path, monkeypatch):
    monkeypatch.setattr(blendshapes, "FaceLandmarker", FakeLandmarker)

    plain = extract(recording[0], tmp_path, smoothing=0, head_smoothing=0)[1].faces
    shapes = extract(recording[0], tmp_path, smoothing=9, head_smoothing=0)[1].faces
    head = extract(recording[0], tmp_path, smoothing=0, head_smoothing=9)[1].faces
    assert np.abs(np.diff(shapes[:, :50], 2, axis=0)).sum() < np.abs(np.diff(plain[:, :50], 2, axis=0)).sum()
    assert np.abs(head[:, 50] - plain[:, 50]).max() > 1e-3
    np.testing.assert_array_equal(shapes[:, 50:53], plain[:, 50:53])
    np.testing.assert_array_equal(head[:, :50], plain[:, :50])


def test_a_video_that_is_shorter_than_its_tracks_is_refused_and_nothing_is_written(recording, tmp_path, monkeypatch):
    monkeypatch.setattr(blendshapes, "FaceLandmarker", FakeLandmarker)
    footage, _, tracked = recording
    longer = np.concatenate([tracked, tracked[:5]])
    write_tracks(tmp_path / "tracks.npz", longer, np.ones((len(longer), 2), bool))
    other = Footage(footage.video, footage.audio, tmp_path / "tracks.npz")
    with pytest.raises(UserError, match=r"video\.mp4 has 60 pictures, .*tracks\.npz 65; track"):
        extract(other, tmp_path, footage.tracks.parent / "basis.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["tracks.npz"]


def test_the_basis_of_another_backend_is_refused(recording, tmp_path):
    save_npz(tmp_path / "basis.npz", backend=np.array("deca"), landmarks=np.array("mesh"))
    with pytest.raises(UserError, match=r"basis\.npz is of faces\.backend deca, not blendshapes"):
        extract(recording[0], tmp_path, tmp_path / "basis.npz")


def test_the_basis_is_the_average_face_and_needs_the_bundle(recording, tmp_path, monkeypatch):
    monkeypatch.setattr(blendshapes, "canonical_face", lambda: np.ones((468, 3)))
    blendshapes.fit_basis([recording[0].tracks], tmp_path / "basis.npz", config.FacesSettings())
    assert backend_of(tmp_path / "basis.npz") == "blendshapes"
    np.testing.assert_array_equal(blendshapes.load_basis(tmp_path / "basis.npz"), 1)
    monkeypatch.undo()
    monkeypatch.setenv("L2L_WEIGHTS", str(tmp_path))
    with pytest.raises(UserError, match="l2l weights fetch face_landmarker"):
        blendshapes.fit_basis([recording[0].tracks], tmp_path / "other.npz", config.FacesSettings())
    assert not (tmp_path / "other.npz").exists()
