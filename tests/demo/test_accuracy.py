"""accuracy: exact oracles for what it counts."""

import json

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from l2l.demo.accuracy import write_accuracy
from l2l.errors import UserError
from l2l.faces.store import write_faces
from l2l.files import NpzWriter, save_npz
from l2l.sides import SIDES
from l2l.speech.speaking import write_speaking
from l2l.video.tracks import block_name

FRAMES = 200


def write(folder, wrong=0, missed=0, flip=1.0):
    """A recording whose measurements are the truth, but for `wrong` and `missed` frames and the sign of jaw."""
    rng = np.random.default_rng(0)
    head, jaw = rng.normal(0, 8, (FRAMES, 2, 3)), rng.uniform(0, 16, (FRAMES, 2))
    speaking = np.zeros((FRAMES, 2), bool)
    speaking[:100, 0], speaking[100:180, 1] = True, True
    save_npz(folder / "raw/a.truth.npz", speaking=speaking, head=head, jaw=jaw)
    video = folder / "videos/a"
    video.mkdir(parents=True)
    probability = speaking.astype(np.float32)
    probability[:wrong] = probability[:wrong, ::-1]
    write_speaking(video / "speaking.npz", video / "s.rttm", probability, speaking.any(1), "a")
    found = np.ones((FRAMES, 2), bool)
    found[:missed, 1] = False
    with NpzWriter(video / "tracks.npz") as tracks:
        tracks.add(block_name(0), np.zeros((FRAMES, 2, 468, 3), np.int16))
        for name, array in (("size", np.array([10, 10])), ("found", found), ("segment", np.zeros(FRAMES, np.int32))):
            tracks.add(name, array)
        tracks.add("score", np.ones((FRAMES, 2)))
        tracks.add("box", np.ones((FRAMES, 2, 4)))
    for person in range(2):
        faces = np.zeros((FRAMES, 56))
        faces[:, 50:53] = Rotation.from_euler("xyz", head[:, person], degrees=True).as_rotvec()
        faces[:, 53] = flip * np.radians(jaw[:, person])
        write_faces(video / f"faces_{SIDES[person]}.npz", faces, np.ones(FRAMES), np.zeros(FRAMES), np.zeros((468, 3)))


def run(folder):
    write_accuracy(folder / "raw", folder / "videos", folder / "accuracy.json")
    return json.loads((folder / "accuracy.json").read_text())


def test_perfect_measurements_score_one(tmp_path):
    write(tmp_path)
    found = run(tmp_path)
    assert found["who_speaks"] == found["both_tracked"] == 1
    for name in ("head_pitch", "head_yaw", "head_roll", "jaw"):
        assert found[name]["worst"] == pytest.approx(1)


def test_faults_are_counted_exactly(tmp_path):
    write(tmp_path, wrong=18, missed=10, flip=-1)
    found = run(tmp_path)
    assert found["who_speaks"] == pytest.approx(1 - 18 / 180)
    assert found["both_tracked"] == pytest.approx(1 - 10 / FRAMES)
    assert found["jaw"]["mean"] == pytest.approx(-1)


def test_a_folder_without_truth_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"holds no \*\.truth\.npz"):
        run(tmp_path)
