"""What the workflow asks while it is planned: whose recordings, in which job, for what."""

from pathlib import Path

import pytest

from l2l.config import validate
from l2l.errors import UserError
from l2l.recordings.discovery import Discovery


def discovery(folder: Path, names: list[str], **values) -> Discovery:
    raw = folder / "data/raw/alice"
    raw.mkdir(parents=True)
    for name in names:
        (raw / f"{name}.mp4").touch()
    return Discovery(validate({"people": {"alice": {"listener": "left", "test_videos": ["c d"]}}, **values}))


def test_batches_take_every_recording_once_and_the_command_says_which(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = discovery(tmp_path, ["a", "b", "c d"], videos_per_job=2)
    assert [[r.name for r in batch] for batch in found.batches("alice")] == [["a"], ["b", "c d"]]
    options = "data/raw/alice --person alice --per-job 2 --batch 1 --test-videos 'c d'"
    assert found.batch_options("alice", 1) == options
    assert found.in_batches("alice") and found.split("alice") == {"train": ["a", "b"], "test": ["c d"]}


def test_few_recordings_are_jobs_by_the_step(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert not discovery(tmp_path, ["a", "c d"]).in_batches("alice")


def test_a_line_of_a_sheet_that_changes_is_a_batch_that_changes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    people = {"bob": {"listener": "left", "sheet": "videos.tsv"}}

    def lines(split: str) -> list[str]:
        Path("videos.tsv").write_text(f"person\tpath\tsplit\nbob\tx.mp4\t{split}\nbob\ty.mp4\ttrain\n")
        return Discovery(validate({"people": people, "videos_per_job": 1})).batch_lines("bob", 0)

    assert lines("test") != lines("train") == lines("train")


def test_somebody_unknown_is_named(tmp_path):
    with pytest.raises(UserError, match=r"no 'nobody' .it has: alice"):
        discovery(tmp_path, ["a"]).recordings("nobody")


def test_recordings_of_one_s_own_win_over_the_published_person_of_that_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    people = {"alice": {"listener": "left"}}
    assert Discovery(validate({"people": people})).person("conan").source == "published"
    (tmp_path / "data/raw/conan").mkdir(parents=True)
    with pytest.raises(UserError, match=r"recordings of your own.*add 'conan:'"):
        Discovery(validate({"people": people})).person("conan")
