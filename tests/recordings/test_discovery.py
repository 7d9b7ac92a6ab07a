"""What the workflow asks while it is planned: whose recordings, in which job, for what."""

from pathlib import Path

import pytest

from l2l.config import validate
from l2l.errors import UserError
from l2l.recordings.discovery import Discovery, digest
from l2l.recordings.table import read_table


def discovery(folder: Path, names: list[str], **values) -> Discovery:
    raw = folder / "data/raw/alice"
    raw.mkdir(parents=True)
    for name in names:
        (raw / f"{name}.mp4").touch()
    return Discovery(validate({"people": {"alice": {"listener": "left", "test_videos": ["c d"]}}, **values}))


def test_batches_take_every_recording_once_and_a_table_names_all(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = discovery(tmp_path, ["a", "b", "c d"], recordings_per_job=2)
    names = {name: [r.name for r in batch] for name, batch in found.batches("alice").items()}
    assert names == {"a": ["a"], "0001": ["b", "c d"]}
    assert found.tables("alice", "mel") == [f"results/alice/steps/mel/{name}.tsv" for name in names]
    table = tmp_path / "results/alice/recordings.tsv"
    found.write_tables()
    written = table.stat().st_mtime_ns
    found.write_tables()  # it says the same
    assert read_table(table) == found.recordings("alice") and table.stat().st_mtime_ns == written
    assert found.split("alice") == {"train": ["a", "b"], "test": ["c d"]} and not found.movable("alice")
    with pytest.raises(UserError, match=r"no recording.* called 'x'"):
        found.batch("alice", "x")


@pytest.mark.parametrize(("count", "jobs"), [(1, 1), (100, 100), (101, 51), (10_000, 100)])
def test_many_recordings_are_at_most_a_hundred_jobs_of_even_size(tmp_path, monkeypatch, count, jobs):
    monkeypatch.chdir(tmp_path)
    people = {"alice": {"listener": "left", "source": "demo"}}
    found = Discovery(validate({"people": people, "demo": {"recordings": max(2, count)}}))
    sizes = [len(batch) for batch in found.batches("alice").values()]
    assert sum(sizes) == max(2, count) and max(sizes) - min(sizes) <= 1 and len(sizes) == max(2, jobs)


def test_a_line_of_a_sheet_that_changes_is_another_table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    people = {"bob": {"listener": "left", "sheet": "videos.tsv"}}

    def lines(split: str) -> str:
        Path("videos.tsv").write_text(f"person\tpath\tsplit\nbob\tx.mp4\t{split}\nbob\ty.mp4\ttrain\n")
        return digest(Discovery(validate({"people": people})).recordings("bob"))

    assert lines("test") != lines("train") == lines("train")


def test_who_has_nothing_to_test_on_hears_it_at_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    people = {"alice": {"listener": "left"}, "both": {"source": "people", "people": ["alice"]}}
    (tmp_path / "data/raw/alice").mkdir(parents=True)
    (tmp_path / "data/raw/alice/a.mp4").touch()
    for name in people:
        with pytest.raises(UserError, match="data/raw/alice/ holds one recording"):
            Discovery(validate({"people": people})).need_test(name)


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
