"""Recordings come from a folder or from a sheet; what is wrong with a sheet is named by line and column."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from l2l.errors import UserError
from l2l.recordings.recordings import Recording, in_folder, in_sheet, with_split

HEADER = "person\tpath\tstart\tend\tsplit\tleft\tright\n"


def sheet(tmp_path: Path, *lines: str, header: str = HEADER) -> Path:
    path = tmp_path / "videos.tsv"
    path.write_text(header + "".join(line + "\n" for line in lines))
    return path


def test_a_folder_gives_its_videos_by_name(tmp_path):
    for name in ("b.mp4", "a b.MOV", "notes.txt", ".hidden.mp4"):
        (tmp_path / name).touch()
    assert [recording.name for recording in in_folder(tmp_path)] == ["a b", "b"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (b"caf\xe9.mp4", r"caf\\xe9\.mp4: its name is not UTF-8 text; rename it"),
        (b"{name}.mp4", r"\{name\}\.mp4: its name holds \{ or \}"),
        (b"a\tb.mp4", "control character"),
    ],
)
def test_a_name_that_the_workflow_cannot_carry_is_refused(tmp_path, name, words):
    (tmp_path / os.fsdecode(name)).touch()
    with pytest.raises(UserError, match=words) as error:
        in_folder(tmp_path)
    str(error.value).encode()  # it can be printed


def test_names_that_differ_only_in_their_suffix_are_refused(tmp_path):
    for name in ("a.mp4", "a.mov"):
        (tmp_path / name).touch()
    with pytest.raises(UserError, match=r"a\.mov and .*a\.mp4|a\.mp4 and .*a\.mov"):
        in_folder(tmp_path)


def test_a_sheet_gives_one_persons_lines_with_all_they_say(tmp_path):
    path = sheet(
        tmp_path,
        "alice\tx/talk.mp4\t12.5\t60\ttest\talice\tbob",
        "alice\tx/talk.mp4\t60\t\t\tbob\talice",
        "bob\tx/other.mp4\t\t\t\t\t",
    )
    assert in_sheet(path, "alice") == [
        Recording("talk_12.5", "x/talk.mp4", 12.5, 60.0, "test", "left"),
        Recording("talk_60", "x/talk.mp4", 60.0, None, "", "right"),
    ]
    assert in_sheet(path, "bob") == [Recording("other", "x/other.mp4")]


def test_an_address_has_the_name_of_its_file_and_no_file_before_it_is_fetched(tmp_path):
    (found,) = in_sheet(sheet(tmp_path, "a\ts3://bucket/x/talk.mp4?v=2", header="person\tpath\n"), "a")
    assert (found.name, found.remote) == ("talk", True)
    with pytest.raises(UserError, match=r"talk\.mp4.* is not on this machine"):
        assert found.file
    assert replace(found, fetched="/tmp/talk.mp4").file == Path("/tmp/talk.mp4")


def test_only_person_and_path_are_needed(tmp_path):
    assert in_sheet(sheet(tmp_path, "a\tv.mp4", header="person\tpath\n"), "a") == [Recording("v", "v.mp4")]


@pytest.mark.parametrize(
    ("lines", "header", "words"),
    [
        (["a\tv.mp4"], "person\tfile\n", "lacks the column 'path'"),
        (["a\tv.mp4\tx"], "person\tpath\tnote\n", "unknown column 'note'"),
        (["a\tv.mp4\tsoon\t\t\t\t"], HEADER, "line 2: start is 'soon'"),
        (["a\tv.mp4\t5\t4\t\t\t"], HEADER, "line 2: end 4.0 is not after start 5.0"),
        (["a\tv.mp4\t\t\tdev\t\t"], HEADER, "line 2: split is 'dev'"),
        (["a\tv.mp4\t\t\t\tb\tc"], HEADER, "line 2: one of left and right must be 'a'"),
        (["a\t\t\t\t\t\t"], HEADER, "line 2: path is empty"),
        (["a\tv.mp4"], HEADER, "line 2: has fewer columns"),
        (["a\tv.mp4\t\t\t\t\t", "a\tw/v.mp4\t\t\t\t\t"], HEADER, "both be called 'v'"),
        (["b\tv.mp4\t\t\t\t\t"], HEADER, "no line for 'a'"),
    ],
)
def test_a_wrong_sheet_is_refused_by_line_and_column(tmp_path, lines, header, words):
    with pytest.raises(UserError) as error:
        in_sheet(sheet(tmp_path, *lines, header=header), "a")
    assert words in str(error.value) and "videos.tsv" in str(error.value)


def test_a_split_in_the_sheet_wins_and_what_it_leaves_open_is_training():
    found = [Recording(str(k), "v") for k in range(10)]
    by_share, by_name = with_split(found, (), 0.2), with_split(found, ("3",), 0.9)
    by_sheet = with_split([*found, Recording("x", "v", split="test")], (), 0.9)
    assert sum(each.split == "test" for each in by_share) == 2 and by_name[3].split == "test"
    assert [each.name for each in by_sheet if each.split == "test"] == ["x"]
    who = [{each.split_by for each in recordings} for recordings in (by_share, by_name, by_sheet)]
    assert who == [{"share"}, {"user"}, {"user"}]
