"""preview: what was measured and what was sampled, side by side."""

import numpy as np
import pytest
import soundfile

from l2l.dataset.layout import WINDOW, chunk_paths
from l2l.errors import UserError
from l2l.faces.store import write_faces
from l2l.files import NpzWriter, save_npz
from l2l.pictures import preview
from l2l.pictures.preview import write_preview
from l2l.sides import SIDES
from l2l.speech.speaking import write_speaking
from l2l.video.face_nets import FaceDetector, FaceMesh
from l2l.video.media import read_frames, video_writer
from l2l.video.tracks import block_name, landmark_scale
from tests.media import face_photo

FRAMES = 80

# What a file of samples holds besides them.
DRAWN = {"first_frame": np.array(32), "given": np.array([32]), "seed": np.array(0), "sampling": np.array("{}")}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """One preprocessed recording of 80 frames with one window, and its samples."""
    from l2l.faces import geometry

    folder = tmp_path_factory.mktemp("preview")
    video = folder / "videos" / "talk"
    video.mkdir(parents=True)
    photo = face_photo(240)
    landmarks, _ = FaceMesh()(photo, FaceDetector()(photo)[0].region)
    template = geometry.frontal(geometry.symmetric(landmarks.astype(float)))
    with video_writer(video / "video.mp4", 640, 360) as write:
        for _ in range(FRAMES):
            write(np.full((360, 640, 3), 128, np.uint8))
    soundfile.write(video / "audio.wav", np.zeros(FRAMES * 16000 // 30 + 1), 16000)
    placed = np.stack([landmarks, landmarks + [320, 0, 0]])[None].repeat(FRAMES, 0)
    with NpzWriter(video / "tracks.npz") as tracks:
        tracks.add(block_name(0), np.rint(placed * landmark_scale(640, 360)).astype(np.int16))
        tracks.add("size", np.array([640, 360], np.int32))
        tracks.add("found", np.ones((FRAMES, 2), bool))
        tracks.add("score", np.ones((FRAMES, 2), np.float32))
        tracks.add("box", np.tile(np.array([40, 40, 200, 200], np.float32), (FRAMES, 2, 1)))
        tracks.add("segment", np.zeros(FRAMES, np.int32))
    write_speaking(
        video / "speaking.npz", video / "speaking.rttm", np.tile([0.0, 0.9], (FRAMES, 1)), np.ones(FRAMES), "talk"
    )
    for person in range(2):
        write_faces(
            video / f"faces_{SIDES[person]}.npz", np.zeros((FRAMES, 56)), np.ones(FRAMES), np.zeros(FRAMES), template
        )
    save_npz(folder / "basis.npz", template=template, components=np.zeros((50, 1404)))
    for part, shape in {"listener": (64, 184), "speaker": (64, 184), "audio": (256, 128)}.items():
        path = chunk_paths(folder / "data", "test", "left")[part]
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, np.zeros((1, *shape), np.float32))
    names = np.array([[["talk", "right", str(frame)] for frame in range(8, 8 + WINDOW)]])
    np.save(chunk_paths(folder / "data", "test", "left")["files"], names)
    save_npz(folder / "samples.npz", samples=np.zeros((2, 1, 64, 56), np.float32), **DRAWN)
    return folder


def run(folder, out, samples="samples.npz"):
    write_preview(folder / "videos", folder / "data", folder / samples, folder / "basis.npz", "left", out, seconds=2.0)


def test_the_sampled_face_is_shown_exactly_where_there_is_a_prediction(made, tmp_path):
    run(made, tmp_path / "preview.mp4")
    frames = list(read_frames(tmp_path / "preview.mp4"))
    assert len(frames) == 60 and frames[0].shape == (720, 1280, 3)
    # Shown from frame 8 on; predicted are frames 40 to 71: the centre of the lower face is paper before.
    lower = np.array([frame[500:580, 1040:1110].mean() for frame in frames])
    assert (lower[:30] > 230).all() and (lower[34:] < 230).all()
    upper = np.array([frame[140:220, 1040:1110].mean() for frame in frames])
    assert (upper < 230).all()


def test_where_the_person_sits_on_the_other_side_that_face_is_drawn(made):
    for seats, seat in (({}, 0), ({"talk": "right"}, 1)):
        places = made / "videos", made / "data", made / "samples.npz", made / "basis.npz"
        assert preview._gather(*places, "left", seats).listener == seat


def test_samples_of_other_chunks_are_refused(made, tmp_path):
    save_npz(made / "other.npz", samples=np.zeros((2, 3, 64, 56), np.float32), **DRAWN)
    with pytest.raises(UserError, match=r"other\.npz: samples have shape \(2, 3, 64, 56\)"):
        run(made, tmp_path / "preview.mp4", "other.npz")
    assert not list(tmp_path.iterdir())
