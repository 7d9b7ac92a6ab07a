"""Faces of phones and other tools become faces of a backend; what is wrong is said by file, column and line."""

import logging
from pathlib import Path

import numpy as np
import pytest

from l2l.dataset.face_tables import read_faces
from l2l.errors import UserError
from l2l.faces import blendshapes, columns, livelink
from tests.dataset.tables import write_livelink, write_table

NAMES = [column.name for column in columns.columns_of("blendshapes")]
SECONDS = 8.0


def smile(times: np.ndarray) -> np.ndarray:
    """A face that always smiles a little, and more from second 4 to 5."""
    return 0.1 + 0.6 * np.exp(-(((times - 4.5) / 0.3) ** 2))


def nod(times: np.ndarray) -> np.ndarray:
    return 0.2 * np.sin(2 * np.pi * times)


@pytest.fixture
def take(tmp_path: Path) -> Path:
    return write_livelink(
        tmp_path / "take.csv", SECONDS, MouthSmileLeft=smile, JawOpen=lambda t: 0.5 * smile(t), JawRight=smile,
        HeadPitch=nod, HeadYaw=lambda t: 0 * t + 0.1, LeftEyeYaw=nod,
    )  # fmt: skip


def test_a_take_of_a_phone_becomes_shapes_from_rest(take: Path) -> None:
    found = read_faces(take)
    times = np.arange(len(found.faces)) / 30
    assert found.faces.shape == (240, 56) and found.faces.dtype == np.float32 and found.known.all()
    own = found.faces[:, NAMES.index("mouthSmileLeft")]
    np.testing.assert_allclose(own, smile(times) - 0.1, atol=0.01)
    open_ = blendshapes.opening(0.5 * smile(times)) - blendshapes.opening(0.05)
    np.testing.assert_allclose(found.faces[:, 53], open_, atol=0.01)
    np.testing.assert_allclose(found.faces[:, 54], blendshapes.SIDEWAYS * (smile(times) - 0.1), atol=0.01)
    np.testing.assert_allclose(found.faces[:, 50], nod(times), atol=0.01)  # nods down
    np.testing.assert_allclose(found.faces[:, 51], 0.1, atol=0.01)  # to the picture's left
    rest = set(range(56)) - {NAMES.index("mouthSmileLeft"), 50, 51, 52, 53, 54}
    assert not found.faces[:, sorted(rest)].any()


def test_a_take_past_midnight_with_dropped_rows(tmp_path: Path, take: Path) -> None:
    late = write_livelink(tmp_path / "late.csv", SECONDS, begin=86397.0, MouthSmileLeft=smile, HeadPitch=nod)
    lines = late.read_text().splitlines(keepends=True)
    late.write_text("".join(line for k, line in enumerate(lines) if k == 0 or k % 7))
    found = read_faces(late)
    times = np.arange(len(found.faces)) / 30
    np.testing.assert_allclose(found.faces[:, 50], nod(times), atol=0.02)
    assert found.known.all()
    # Nothing for a second: what lies there is not known.
    lines = take.read_text().splitlines(keepends=True)
    take.write_text("".join(lines[:121] + lines[181:]))
    assert 25 <= (~read_faces(take).known).sum() <= 31


@pytest.mark.parametrize("rate", [24, 25, 30, 48, 50])
def test_timecodes_count_as_many_frames_as_they_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rate: int
) -> None:
    monkeypatch.setattr(livelink, "RATE", rate)
    take = write_livelink(tmp_path / "take.csv", SECONDS, rate=rate, HeadPitch=nod)
    found = read_faces(take).faces
    np.testing.assert_allclose(found[:, 50], nod(np.arange(len(found)) / 30), atol=0.02)


def named(rate: float, head: tuple[str, ...], names: list[str]) -> dict:
    times = np.arange(round(SECONDS * rate)) / rate
    return {
        "frame": range(len(times)), " timestamp": times, "success": [1] * len(times),
        **{name: 0.01 * (k + 1) * smile(times) for k, name in enumerate(names)},
        **dict(zip(head, [nod(times), 0.5 * nod(times), 0.2 * nod(times)], strict=True)),
    }  # fmt: skip


@pytest.mark.parametrize("backend", ["blendshapes", "landmarks", "deca"])
@pytest.mark.parametrize("head", [("head_x", "head_y", "head_z"), ("pose_Rx", "pose_Ry", "pose_Rz")])
def test_columns_of_a_backend_are_taken_as_they_are(tmp_path: Path, backend: str, head: tuple[str, ...]) -> None:
    places = [k for k, c in enumerate(columns.columns_of(backend)[:56]) if c.low < c.high and not 50 <= k < 53]
    names = [columns.columns_of(backend)[k].name for k in places]
    table = named(48, head, names)
    found = read_faces(write_table(tmp_path / "faces.csv", table)).faces
    times = np.arange(len(found)) / 30
    for k, place in enumerate(places):
        np.testing.assert_allclose(found[:, place], 0.01 * (k + 1) * smile(times), atol=0.01)
    # Small rotations about several axes add up.
    np.testing.assert_allclose(found[:, 50:53], np.outer(nod(times), [1, 0.5, 0.2]), atol=0.015)


def test_a_rate_may_stand_before_the_header_and_rows_without_a_face_are_left_out(tmp_path: Path) -> None:
    table = named(25, livelink.HEAD, [*columns.SHAPES, "jawOpen", "jawLeft", "jawRight"])
    del table[" timestamp"]
    table["HeadPitch"], table["HeadYaw"] = table["HeadYaw"], table["HeadPitch"]
    table["success"][50:75] = [0] * 25
    table["success"][:10], table["success"][-5:] = [0] * 10, [0] * 5
    found = read_faces(write_table(tmp_path / "faces.csv", table, first="# fps: 25\n"))
    times = np.arange(len(found.faces)) / 30  # frame 0 is the first row, though it shows no face
    assert len(times) == 239 and (~found.known)[60:90].sum() >= 29 and found.known.sum() > 185
    assert not found.known[:12].any() and not found.known[-5:].any()
    np.testing.assert_allclose(found.faces[found.known, 50], nod(times)[found.known], atol=0.02)


def test_a_head_that_never_turns_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        read_faces(write_livelink(tmp_path / "take.csv", 3.0, JawOpen=smile))
    assert "take.csv: the head never turns" in caplog.text


def line(path: Path, number: int, old: str, new: str) -> None:
    """Change one line of a file, the header being line 1."""
    lines = path.read_text().splitlines()
    assert old in lines[number - 1]
    lines[number - 1] = lines[number - 1].replace(old, new, 1)
    path.write_text("\n".join(lines))


@pytest.mark.parametrize(
    ("number", "old", "new", "words"),
    [
        (1, "MouthPucker", "Pucker", "has no column mouthPucker (1 of the 50 shapes are missing)"),
        (1, "HeadRoll", "Roll", "has no rotation of the head"),
        (1, "Timecode", "Moment", "does not say when its rows are"),
        (7, "12:34:56:17", "00:05", "line 7: Timecode is '00:05.000', expected HH:MM:SS:FF.fff"),
        (7, "12:34:56:17", "12:34:56:15", "line 7: Timecode is not later than in the row before"),
        (9, ",61,", ",61,oops", "line 9: EyeBlinkLeft is 'oops0.0000000000', expected a number"),
        (9, "0.0000000000,", "nan,", "line 9: EyeBlinkLeft is 'nan', expected a number"),
        (9, "0.0000000000,", "43.0,", "EyeBlinkLeft reaches 43, but weights lie between 0 and 1"),
    ],
)
def test_what_is_wrong_is_said_by_column_and_line(take: Path, number: int, old: str, new: str, words: str) -> None:
    line(take, number, old, new)
    with pytest.raises(UserError) as error:
        read_faces(take)
    message = str(error.value)
    assert words.lower() in message.lower() and str(take) in message and "\n" not in message


def test_other_faults_of_a_file(tmp_path: Path, take: Path) -> None:
    cut = take.read_text()[:-200]
    take.write_text(cut)
    with pytest.raises(UserError, match="line 481: the row ends before"):
        read_faces(take)
    times = np.arange(100) / 30
    with pytest.raises(UserError, match=r"has no column .*: its header must name ARKit's shapes"):
        read_faces(write_table(tmp_path / "au.csv", {"timestamp": times, "AU12_r": times}))
    degrees = named(30, ("pose_Rx", "pose_Ry", "pose_Rz"), NAMES[:47] + ["jaw_x", "jaw_y"])
    degrees["pose_Rx"] = 57.3 * np.asarray(degrees["pose_Rx"])
    with pytest.raises(UserError, match=r"pose_Rx reaches 11.*angles are radians: convert them from degrees"):
        read_faces(write_table(tmp_path / "degrees.csv", degrees))
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(UserError, match="has no column"):
        read_faces(tmp_path / "empty.csv")
    (tmp_path / "bytes.csv").write_bytes(bytes(range(256)))
    with pytest.raises(UserError, match="is not a CSV file"):
        read_faces(tmp_path / "bytes.csv")
