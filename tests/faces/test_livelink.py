"""The columns, timecodes and angles of Live Link Face's CSV files."""

import numpy as np
import pytest

from l2l.faces import columns, livelink

# The first line of a file that the app wrote.
HEADER = (
    "Timecode,BlendShapeCount,EyeBlinkLeft,EyeLookDownLeft,EyeLookInLeft,EyeLookOutLeft,EyeLookUpLeft,EyeSquintLeft,"
    "EyeWideLeft,EyeBlinkRight,EyeLookDownRight,EyeLookInRight,EyeLookOutRight,EyeLookUpRight,EyeSquintRight,"
    "EyeWideRight,JawForward,JawRight,JawLeft,JawOpen,MouthClose,MouthFunnel,MouthPucker,MouthRight,MouthLeft,"
    "MouthSmileLeft,MouthSmileRight,MouthFrownLeft,MouthFrownRight,MouthDimpleLeft,MouthDimpleRight,MouthStretchLeft,"
    "MouthStretchRight,MouthRollLower,MouthRollUpper,MouthShrugLower,MouthShrugUpper,MouthPressLeft,MouthPressRight,"
    "MouthLowerDownLeft,MouthLowerDownRight,MouthUpperUpLeft,MouthUpperUpRight,BrowDownLeft,BrowDownRight,BrowInnerUp,"
    "BrowOuterUpLeft,BrowOuterUpRight,CheekPuff,CheekSquintLeft,CheekSquintRight,NoseSneerLeft,NoseSneerRight,"
    "TongueOut,HeadYaw,HeadPitch,HeadRoll,LeftEyeYaw,LeftEyePitch,LeftEyeRoll,RightEyeYaw,RightEyePitch,RightEyeRoll"
)


def test_the_header_is_the_apps() -> None:
    assert ",".join(livelink.HEADER) == HEADER
    assert len(livelink.CURVES) == 61 and len(livelink.SHAPES) == 52
    assert set(columns.SHAPES) < set(livelink.SHAPES)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "00:00:00:00.000"),
        (32 * 60 + 9 + 7.867 / 60, "00:32:09:07.867"),
        (45296.2, "12:34:56:12.000"),
        (86399.99999999, "24:00:00:00.000"),
    ],
)
def test_timecodes_are_written_and_read(seconds: float, text: str) -> None:
    assert livelink.timecode(seconds) == text
    whole, frames = livelink.read_timecode(text)
    assert whole + frames / livelink.RATE == pytest.approx(seconds, abs=1e-5)


@pytest.mark.parametrize("text", ["", "12.5", "12:34:56", "12:61:00:00", "12:34:56:-1"])
def test_what_is_no_timecode(text: str) -> None:
    assert livelink.read_timecode(text) is None


def test_angles_are_those_of_the_picture_and_come_back() -> None:
    yaw, pitch, roll = 0.3 * np.eye(3)
    found = livelink.head_rotation(np.stack([yaw, pitch, roll]))
    # Columns: nods down, turns to the picture's left, tilts clockwise.
    np.testing.assert_allclose(found, 0.3 * np.array([[0, 1, 0], [1, 0, 0], [0, 0, 1]]), atol=1e-12)
    angles = np.random.default_rng(0).uniform(-1, 1, (20, 3))
    np.testing.assert_allclose(livelink.head_angles(livelink.head_rotation(angles)), angles, atol=1e-9)
