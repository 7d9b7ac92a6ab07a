"""Files of numbers: what is written is read back by the formats' own readers, the same within 1e-4."""

import csv
import json

import bvh as bvh_reader
import numpy as np
import pytest
from pylivelinkface import FaceBlendShape, PyLiveLinkFace
from scipy.spatial.transform import Rotation

from l2l.dataset import face_tables
from l2l.export import arkit_json, bvh, livelink, table
from l2l.export.take import AtRest, Take, WholeRecording
from l2l.faces.columns import ARKIT, OPENFACE_HEAD, columns_of
from l2l.faces.livelink import HEADER
from tests.export.made import REST, motion

START = 95  # 3 s and 5 frames


@pytest.fixture
def take():
    seen = np.ones(40, bool)
    seen[:2] = False
    about = {"start": START, "given": 8, "at_rest": AtRest(np.zeros((50, 468, 3)), REST)}
    return Take("talk", "sample 1", "blendshapes", motion(40), seen, WholeRecording("talk", 200), **about)


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_livelink_has_the_app_s_header_and_the_weights(take, tmp_path):
    livelink.write(take, tmp_path / "talk.csv")
    found = rows(tmp_path / "talk.csv")
    assert tuple(found[0]) == HEADER
    assert [row["Timecode"] for row in found[:2]] == ["00:00:03:10.000", "00:00:03:12.000"]  # 60 a second
    assert {row["BlendShapeCount"] for row in found} == {"61"}
    for name, weights in zip(ARKIT, take.weights().T, strict=True):
        np.testing.assert_allclose([float(row[name[0].upper() + name[1:]]) for row in found], weights, atol=1e-4)


def test_livelink_is_what_the_app_s_own_packets_hold(take, tmp_path):
    """Its protocol has the same 61 curves, by name."""
    livelink.write(take, tmp_path / "talk.csv")
    row = rows(tmp_path / "talk.csv")[7]
    packet = PyLiveLinkFace()
    for curve in FaceBlendShape:
        packet.set_blendshape(curve, float(row[curve.name]), no_filter=True)
    assert len(list(FaceBlendShape)) == len(HEADER) - 2
    assert packet.get_blendshape(FaceBlendShape.JawOpen) == pytest.approx(
        take.weights()[7, ARKIT.index("jawOpen")], abs=1e-4
    )


def test_livelink_angles(take, tmp_path):
    livelink.write(take, tmp_path / "talk.csv")
    found = rows(tmp_path / "talk.csv")
    head = np.array([[float(row[f"Head{axis}"]) for axis in ("Yaw", "Pitch", "Roll")] for row in found])
    np.testing.assert_allclose(Rotation.from_euler("YXZ", head).as_rotvec(), take.motion[:, 50:53], atol=1e-4)


@pytest.mark.parametrize(
    ("shape", "angle", "sign"),
    [
        *[("eyeLookOutRight", "RightEyeYaw", 1), ("eyeLookInRight", "RightEyeYaw", -1)],  # > 0: to the person's right
        *[("eyeLookInLeft", "LeftEyeYaw", 1), ("eyeLookOutLeft", "LeftEyeYaw", -1)],
        *[("eyeLookDownLeft", "LeftEyePitch", 1), ("eyeLookUpRight", "RightEyePitch", -1)],
    ],
)
def test_gaze_becomes_angles_of_the_eyes(shape, angle, sign, tmp_path):
    face = np.zeros((1, 56), np.float32)
    face[0, [column.name for column in columns_of("blendshapes")].index(shape)] = 0.5
    livelink.write(Take("t", "left", "blendshapes", face, np.ones(1, bool), WholeRecording("t", 1)), tmp_path / "t.csv")
    (row,) = rows(tmp_path / "t.csv")
    assert float(row[angle]) == pytest.approx(sign * np.radians(15), abs=1e-5)
    assert sum(abs(float(row[name])) for name in HEADER[-9:]) == pytest.approx(np.radians(15), abs=1e-5)


def test_arkit_json(take, tmp_path):
    arkit_json.write(take, tmp_path / "talk.json")
    found = json.loads((tmp_path / "talk.json").read_text())
    assert found["names"] == list(ARKIT)
    np.testing.assert_allclose([frame["weights"] for frame in found["frames"]], take.weights(), atol=1e-4)
    np.testing.assert_allclose([frame["time"] for frame in found["frames"]], take.seconds, atol=1e-4)
    turned = Rotation.from_quat([frame["rotation"] for frame in found["frames"]])
    assert (turned * take.head().inv()).magnitude().max() < 1e-4
    assert (found["recording"], found["what"], found["given"], found["fps"]) == ("talk", "sample 1", 8, 30)


@pytest.mark.parametrize("backend", ["blendshapes", "landmarks", "deca"])
def test_csv_has_a_column_for_each_number(take, backend, tmp_path):
    take = Take(**{**vars(take), "backend": backend})
    table.write(take, tmp_path / "talk.csv")
    found = rows(tmp_path / "talk.csv")
    names = [column.name for column in columns_of(backend)[:56]]
    assert list(found[0]) == ["frame", "timestamp", "success", "given", *names, *OPENFACE_HEAD]
    np.testing.assert_allclose([[float(row[name]) for name in names] for row in found], take.motion, atol=1e-4)
    assert [row["frame"] for row in found[:2]] == ["96", "97"]
    assert float(found[0]["timestamp"]) == pytest.approx(95 / 30, abs=1e-4)
    assert [row["success"] for row in found[:3]] == ["0", "0", "1"]
    assert [row["given"] for row in found].count("1") == 8


def test_csv_has_openface_s_pose(take, tmp_path):
    """OpenFace's matrix of its angles: R = Rx Ry Rz, in the picture's axes."""
    table.write(take, tmp_path / "talk.csv")
    for row, vector in zip(rows(tmp_path / "talk.csv"), take.motion[:, 50:53], strict=True):
        (s1, s2, s3), (c1, c2, c3) = (f([float(row[name]) for name in OPENFACE_HEAD]) for f in (np.sin, np.cos))
        matrix = [
            [c2 * c3, -c2 * s3, s2],
            [c1 * s3 + c3 * s1 * s2, c1 * c3 - s1 * s2 * s3, -c2 * s1],
            [s1 * s3 - c1 * c3 * s2, c3 * s1 + c1 * s2 * s3, c1 * c2],
        ]
        np.testing.assert_allclose(matrix, Rotation.from_rotvec(vector).as_matrix(), atol=1e-4)


@pytest.mark.parametrize("backend", ["blendshapes", "deca"])
def test_bvh(take, backend, tmp_path):
    take = Take(**{**vars(take), "backend": backend})
    bvh.write(take, tmp_path / "talk.bvh")
    found = bvh_reader.Bvh((tmp_path / "talk.bvh").read_text())
    assert found.nframes == 40 and found.frame_time == pytest.approx(1 / 30, abs=1e-7)
    assert found.get_joints_names() == ["Head", "Jaw"] and found.joint_parent_index("Jaw") == 0
    for joint, truth in (("Head", take.head()), ("Jaw", take.jaw())):
        channels = [name for name in found.joint_channels(joint) if name.endswith("rotation")]
        values = np.array(found.frames_joint_channels(joint, channels), float)
        turned = Rotation.from_euler("".join(name[0] for name in channels), values, degrees=True)
        assert (turned * truth.inv()).magnitude().max() < 1e-4


def test_a_listener_can_be_trained_on_what_was_exported(take, tmp_path):
    """`source: arrays` reads both tables."""
    table.write(take, tmp_path / "a.csv")
    found, known = face_tables.read_faces(tmp_path / "a.csv")
    np.testing.assert_array_equal(known, take.seen)
    np.testing.assert_allclose(found[known], take.motion[known], atol=1e-4)
    livelink.write(take, tmp_path / "b.csv")
    found = face_tables.read_faces(tmp_path / "b.csv").faces
    np.testing.assert_allclose(found[:, 50:53], take.motion[:, 50:53], atol=1e-4)
    # Another rest is taken off: shapes are the same but for a constant.
    apart = found[:, :47] - take.motion[:, :47]
    np.testing.assert_allclose(apart, np.tile(apart[:1], (40, 1)), atol=1e-4)
