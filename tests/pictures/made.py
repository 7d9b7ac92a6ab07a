"""One preprocessed recording with one window and its samples, as pictures and the report read them."""

from pathlib import Path

import numpy as np
import soundfile

from l2l.dataset.layout import WINDOW, chunk_paths
from l2l.faces import geometry
from l2l.faces.store import write_faces
from l2l.files import NpzWriter, save_npz
from l2l.sides import SIDES
from l2l.speech.speaking import write_speaking
from l2l.video.face_nets import FaceDetector, FaceMesh
from l2l.video.media import video_writer
from l2l.video.tracks import block_name, landmark_scale
from tests.media import face_photo

FRAMES = 80

# What a file of samples holds besides them.
DRAWN = {"first_frame": np.array(32), "given": np.array([32]), "seed": np.array(0), "sampling": np.array("{}")}


def write_measured(folder: Path, chunks: Path, name: str = "talk") -> Path:
    """A recording of 80 frames in `folder`/videos, its window from frame 8 on in `chunks`, and samples."""
    video = folder / "videos" / name
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
        video / "speaking.npz", video / "speaking.rttm", np.tile([0.0, 0.9], (FRAMES, 1)), np.ones(FRAMES), name
    )
    for person in range(2):
        write_faces(
            video / f"faces_{SIDES[person]}.npz", np.zeros((FRAMES, 56)), np.ones(FRAMES), np.zeros(FRAMES), template
        )
    save_npz(folder / "face_basis.npz", template=template, components=np.zeros((50, 1404)))
    for part, shape in {"listener": (64, 184), "speaker": (64, 184), "audio": (256, 128)}.items():
        path = chunk_paths(chunks, "test", "left")[part]
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, np.zeros((1, *shape), np.float32))
    names = np.array([[[name, "right", str(frame)] for frame in range(8, 8 + WINDOW)]])
    np.save(chunk_paths(chunks, "test", "left")["files"], names)
    save_npz(folder / "samples.npz", samples=np.zeros((2, 1, 64, 56), np.float32), **DRAWN)
    return folder
