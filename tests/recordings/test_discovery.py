"""What the workflow asks while it is planned: whose recordings, in which job, for what."""

from dataclasses import replace
from pathlib import Path

import pytest

from l2l.config import validate
from l2l.errors import UserError
from l2l.patches.length import seconds_of_training
from l2l.recordings.discovery import Discovery, digest
from l2l.recordings.recordings import Recording
from l2l.recordings.table import read_table, write_table


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
    assert names == {"0000": ["a"], "0001": ["b", "c d"]}
    assert found.tables("alice", "mel") == [f"results/alice/steps/mel/{name}.tsv" for name in names]
    table = tmp_path / "results/alice/recordings.tsv"
    found.write_tables()
    written = table.stat().st_mtime_ns
    found.write_tables()  # it says the same
    assert read_table(table) == found.recordings("alice") and table.stat().st_mtime_ns == written
    assert found.split("alice") == {"train": ["a", "b"], "test": ["c d"]} and not found.movable("alice")
    with pytest.raises(UserError, match=r"no recording.* called 'x'"):
        found.batch("alice", "x")


def test_one_person_may_have_other_batches_and_a_demo_is_filmed_in_them_without_being_planned(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    people = {"demo": {"listener": "left", "source": "demo", "recordings_per_job": 3}, "alice": {"listener": "left"}}
    config = validate({"people": people, "recordings_per_job": 1, "demo": {"recordings": 5}})
    assert (config.per_job("demo", 5), config.per_job("alice", 5)) == (3, 1)
    found = Discovery(config)
    names = {job: [recording.name for recording in films] for job, films in found.films("demo").items()}
    assert names == {"0000": ["demo_00", "demo_01"], "0001": ["demo_02", "demo_03", "demo_04"]}
    found.write_tables()
    assert not (tmp_path / "results").exists()
    assert found.batches("demo") == found.films("demo")
    found.write_tables()
    assert len(read_table(tmp_path / "results/demo/recordings.tsv")) == 5


def test_no_recording_is_lost_whose_name_is_a_number(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data/raw/alice").mkdir(parents=True)
    names = [f"{number:04d}" for number in range(1, 102)]
    for name in names:
        (tmp_path / f"data/raw/alice/{name}.mp4").touch()
    people = {"alice": {"listener": "left"}}
    for per_job in ("auto", 1, 2):
        batches = Discovery(validate({"people": people, "recordings_per_job": per_job})).batches("alice")
        assert [each.name for batch in batches.values() for each in batch] == names
        assert per_job != 1 or list(batches) == names


def test_a_job_of_a_cluster_takes_the_recordings_that_were_planned(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = discovery(tmp_path, ["a", "c d"])
    found.recordings("alice")
    found.write_tables()
    (tmp_path / "data/raw/alice/b.mp4").touch()
    config = validate({"people": {"alice": {"listener": "left", "sheet": "later.tsv"}}})
    planned, live = Discovery(config, listed=True), Discovery(found._config)
    assert list(planned.batches("alice")) == ["a", "c d"] and list(live.batches("alice")) == ["a", "b", "c d"]
    # Nothing but the table is asked: neither the sheet nor `test_videos`, which may have changed since.
    assert not planned.movable("alice") and planned.split("alice") == {"train": ["a"], "test": ["c d"]}


def test_a_damaged_table_is_written_anew_and_an_old_one_says_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = discovery(tmp_path, ["a", "c d"])
    rows = found.recordings("alice")
    table, summary = (tmp_path / f"results/alice/{name}.tsv" for name in ("recordings", "preprocess"))
    write_table(summary, [replace(row, status="failed", reason="mute.") for row in rows])
    table.write_bytes(b"recording\tsize\n\xff\t1\n")
    assert not found.last_words()  # a dry run
    found.write_tables()
    assert read_table(table) == rows and not found.last_words()
    write_table(summary, [rows[0], replace(rows[1], status="failed", reason="mute.")])
    assert found.last_words()[1:] == ["c d: failed: mute."]
    summary.write_text("recording\tsize\n")
    summary.write_text("recording\tsize\nx\t1\n")
    assert "is not a table" in found.last_words()[0]


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
    rows = [Recording("x", "x.mp4", 1234567.123456, 2e6, "train")]
    write_table("rows.tsv", rows)
    assert digest(read_table("rows.tsv")) == digest(rows)  # a table has ten digits


def test_one_recording_is_enough_and_without_a_share_for_testing_that_is_said_at_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    people = {"alice": {"listener": "left", "sheet": "one.tsv"}, "both": {"source": "people", "people": ["alice"]}}
    Path("one.tsv").write_text("person\tpath\tstart\tend\nalice\ta.mp4\t0\t600\n")
    for name, about in (("alice", "; about 8 minutes of one core"), ("both", "")):
        found = Discovery(validate({"people": people}))
        found.need_test(name)
        assert found.folds(name) == 5
        assert found.folds_said(name, seconds_of_training) == (
            f"{name}: 5-fold cross-validation of whether the model listens{ALONE * (name == 'alice')}{about} "
            "(evaluation.folds)"
        )
        found = Discovery(validate({"people": people, "chunking": {"test_share": 0}}))
        assert found.folds(name) == 0
        with pytest.raises(UserError, match=r"one.tsv holds one recording of alice, and chunking.test_share is 0; rai"):
            found.need_test(name)


def test_a_sheet_that_has_only_training_lines_hears_that_none_is_test(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("videos.tsv").write_text("person\tpath\tsplit\nbob\tx.mp4\ttrain\nbob\ty.mp4\ttrain\n")
    with pytest.raises(UserError, match=r"videos\.tsv has no line of bob whose split is test"):
        Discovery(validate({"people": {"bob": {"listener": "left", "sheet": "videos.tsv"}}})).need_test("bob")


ALONE = ", over 1 recording: 5 blocks of time, which say nothing of other conversations"


@pytest.mark.parametrize(
    ("recordings", "settings", "folds"),
    [
        (4, {}, 4),
        (9, {}, 5),
        (40, {}, 0),  # enough are for testing
        (4, {"evaluation": {"folds": 0}}, 0),
        (40, {"evaluation": {"folds": 7}}, 7),
        (4, {"architecture": "windows"}, 0),
    ],
)
def test_few_recordings_for_testing_make_folds(tmp_path, monkeypatch, recordings, settings, folds):
    monkeypatch.chdir(tmp_path)
    people = {"alice": {"listener": "left", "source": "demo"}, "conan": {"source": "published"}}
    found = Discovery(validate({"people": people, "demo": {"recordings": recordings, "seconds": 60}, **settings}))
    assert found.folds("alice") == folds and found.folds("conan") in (0, 7)
    said = found.folds_said("alice", seconds_of_training)
    assert said.startswith(f"alice: {folds}-fold cross-validation" if folds else "")
    if folds == 4:
        assert "over 4 recordings; about 6 minutes of one core" in said


def test_the_length_of_own_recordings_is_looked_up_for_the_plan(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"bob\t{name}.mp4\t0\t600\n" for name in "abc")
    Path("videos.tsv").write_text(f"person\tpath\tstart\tend\n{rows}")
    people = {"bob": {"listener": "left", "sheet": "videos.tsv"}}
    assert "over 3 recordings; about 8 minutes" in Discovery(validate({"people": people})).folds_said(
        "bob", seconds_of_training
    )
    Path("videos.tsv").write_text("person\tpath\nbob\ta.mp4\nbob\tb.mp4\n")
    said = Discovery(validate({"people": people})).folds_said("bob", seconds_of_training)
    assert said == "bob: 2-fold cross-validation of whether the model listens, over 2 recordings (evaluation.folds)"


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
