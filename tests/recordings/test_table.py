"""Tables: they come back as they were written, and say when too little is usable."""

from typing import Literal

import pytest

from l2l.errors import UserError
from l2l.recordings.recordings import Recording, settled
from l2l.recordings.table import NAMED, complaints, joined, read_table, shortage, usable, write_table

ROWS = [
    Recording("b", "x/b.mp4", 1.5, None, "test", seconds=2.0, tracked=0.5, speech=1.0, took=0.25),
    Recording("a", "x/a.mp4", None, None, "train", "left", "failed", 'tab\there, "quotes" and <tags>'),
]


def rows(*sides: Literal["train", "test"], failed: str = "") -> list[Recording]:
    """Recordings a, b, c ... of these sides; those in `failed` cannot be used."""
    names = "abcdefgh"[: len(sides)]
    return [
        Recording(name, split=side, status="failed" if name in failed else "ok")
        for name, side in zip(names, sides, strict=True)
    ]


def test_a_table_comes_back_as_it_was_written(tmp_path):
    write_table(tmp_path / "t.tsv", ROWS)
    assert read_table(tmp_path / "t.tsv") == ROWS[::-1]
    write_table(tmp_path / "n.tsv", ROWS, NAMED)
    assert (tmp_path / "n.tsv").read_text().splitlines()[0] == "recording\tpath\tstart\tend\tsplit\tlistener"
    assert read_table(tmp_path / "n.tsv")[1] == Recording("b", "x/b.mp4", 1.5, None, "test")


def test_what_is_left_out_is_no_longer_usable_and_is_said():
    assert usable(ROWS, "test") == ROWS[:1] and usable(ROWS, "train") == []
    assert complaints(ROWS) == [f"a: failed: {ROWS[1].reason}"]
    assert len(complaints(rows(*("train",) * 8, failed="abcdefgh"), most=3)) == 4


def test_a_file_that_is_no_table_is_named(tmp_path):
    for name, content in (("t.tsv", "a\tb\n1\t2\n"), ("u.tsv", "recording\tsize\nx\t1\n")):
        (tmp_path / name).write_text(content)
        with pytest.raises(UserError, match=rf"{name[0]}\.tsv is not a table"):
            read_table(tmp_path / name)
    with pytest.raises(UserError, match=r"none\.tsv is missing"):
        read_table(tmp_path / "none.tsv")


def test_tables_made_side_by_side_are_joined_by_recording():
    mel = [Recording("a", took=1.0, split="train"), Recording("b", status="failed", reason="mute.", took=1.0)]
    faces = [Recording("a", took=2.0, split="test"), Recording("b", took=2.0)]
    assert joined(mel, faces) == [
        Recording("a", took=3.0, split="test"),
        Recording("b", status="failed", reason="mute.", took=3.0),
    ]


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (rows("train", "test", "train", failed="c"), ""),
        (rows("train", "test", failed="b"), "1 of 2 recordings can be used, and none of these is for testing"),
        (rows("train", "test", failed="ab"), "0 of 2 recordings can be used, and none of these is for training"),
        (rows("train"), ""),  # one recording, of which only windows are wanted
        (rows("train", failed="a"), "0 of 1"),
    ],
)
def test_it_is_said_when_nothing_is_left_for_a_side(found, words):
    said = shortage(found, "results/alice/preprocess.tsv")
    assert words in said and bool(said) == bool(words)
    assert not said or "results/alice/preprocess.tsv" in said


def test_usable_recordings_change_sides_only_where_one_side_has_none():
    kept = rows("train", "test", "train", failed="c")
    assert settled(kept, 0.2) == kept
    for found in (rows("train", "test", "train", failed="b"), rows("test", "test", "train", failed="c")):
        assert {row.split for row in settled(found, 0.2) if row.status == "ok"} == {"train", "test"}
    alone = rows("train", "test", failed="b")
    assert settled(alone, 0.2) == alone
