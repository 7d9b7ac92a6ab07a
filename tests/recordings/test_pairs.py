"""A folder with left and right is one recording; what is missing in it is said in one sentence."""

from pathlib import Path

import pytest

from l2l.errors import UserError
from l2l.recordings import pairs
from l2l.recordings.recordings import Recording, in_folder, in_sheet


def pair(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).touch()
    return folder


def test_a_folder_with_two_peoples_files_is_a_recording_beside_videos(tmp_path):
    pair(tmp_path / "talk.1", "left.mp4", "right.MOV", "notes.txt")
    pair(tmp_path / "half", "left.webm")
    pair(tmp_path / "other", "leftover.mp4", "notes.txt")
    (tmp_path / "b.mp4").touch()
    found = {recording.name: recording for recording in in_folder(tmp_path)}
    assert list(found) == ["b", "half", "talk.1"]
    assert [each.in_two_files for each in found.values()] == [False, True, True]
    assert [file.name for file in found["talk.1"].files_there] == ["left.mp4", "right.MOV"]


def test_a_sheet_may_name_such_a_folder(tmp_path):
    talk = pair(tmp_path / "talk.1", "left.mp4", "right.mp4", "offset.txt")
    (tmp_path / "videos.tsv").write_text(f"person\tpath\tstart\na\t{talk}\t\na\t{talk}\t5\n")
    found = in_sheet(tmp_path / "videos.tsv", "a")
    assert found == [Recording("talk.1", str(talk)), Recording("talk.1_5", str(talk), 5.0)]
    assert [file.name for file in found[0].files_there] == ["left.mp4", "right.mp4", "offset.txt"]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["left.mp4"], "talk/ has no video called right"),
        (["right.mkv", "left.txt"], "talk/ has no video called left"),
        (["left.mp4", "left.mov", "right.mp4"], "talk/ has left.mov and left.mp4; keep one"),
    ],
)
def test_one_file_for_each_person_is_needed(tmp_path, names, words):
    with pytest.raises(UserError, match=words):
        pairs.both(pair(tmp_path / "talk", *names))


@pytest.mark.parametrize("text", ["soon", "", "nan", "inf"])
def test_an_offset_is_a_number_of_seconds(tmp_path, text):
    assert pairs.given_offset(tmp_path) is None
    (tmp_path / "offset.txt").write_text("-0.37\n")
    assert pairs.given_offset(tmp_path) == -0.37
    (tmp_path / "offset.txt").write_text(text)
    with pytest.raises(UserError, match=r"offset\.txt is not a number"):
        pairs.given_offset(tmp_path)
