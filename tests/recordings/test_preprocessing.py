"""preprocess: nothing finished is done twice, nothing that failed stops the rest, everything is in the table."""

from pathlib import Path

import numpy as np
import pytest

from l2l import config
from l2l.errors import UserError
from l2l.files import NpzWriter
from l2l.recordings import preprocessing
from l2l.recordings.preprocessing import STEPS as REAL_STEPS
from l2l.recordings.preprocessing import Step, faces, passing, preprocess
from l2l.recordings.recordings import Recording
from l2l.recordings.summary import Row, read_rows, usable, write_html, write_rows
from l2l.speech.speaking import write_speaking
from l2l.video.footage import Footage


@pytest.fixture
def work(monkeypatch, tmp_path):
    """Three recordings and quick steps that count what they do; 'bad' cannot be read, 'odd' meets a fault of ours."""
    done: list[tuple[str, str]] = []

    def normalise(recording: Recording, folder: Path, settings: config.Settings) -> None:
        done.append(("normalise", recording.name))
        if recording.name == "bad":
            raise UserError(f"{recording.path} is not a video.")
        if recording.name == "odd":
            raise ZeroDivisionError("by zero")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "video.mp4").touch()

    def track(recording: Recording, folder: Path, settings: config.Settings) -> None:
        done.append(("track", recording.name))
        found = np.ones((60, 2), bool)
        found[30:, 0] = "lonely" not in recording.name
        with NpzWriter(folder / "tracks.npz") as writer:
            for name, array in (
                ("size", np.array([4, 4])),
                ("found", found),
                ("score", found),
                ("segment", found[:, 0]),
            ):
                writer.add(name, array)
            writer.add("box", np.zeros((60, 2, 4)))
        write_speaking(folder / "speaking.npz", folder / "s.rttm", np.ones((60, 2)), np.ones(60), "x")

    steps = (
        Step("normalise", ("video",), (), ("video.mp4",), normalise),
        Step("track", ("tracking",), ("video.mp4",), ("tracks.npz",), track),
    )
    monkeypatch.setattr(preprocessing, "STEPS", steps)
    for name in ("good", "lonely", "bad", "odd"):
        (tmp_path / f"{name}.mp4").write_text(name)
    return tmp_path, done


def run(folder: Path, *names: str, **sections) -> list[Row]:
    recordings = [Recording(name, str(folder / f"{name}.mp4")) for name in names]
    return preprocess(recordings, ["train"] * len(names), folder / "videos", config.Settings(**sections))


def test_what_is_finished_is_not_done_again(work):
    folder, done = work
    first = run(folder, "good")
    again = run(folder, "good")
    assert done == [("normalise", "good"), ("track", "good")]
    assert first[0].took > 0 and again[0].took == 0
    assert again[0].seconds == 2.0 and again[0].status == "ok"


def test_a_changed_setting_redoes_its_step_and_what_follows(work):
    folder, done = work
    run(folder, "good")
    done.clear()
    run(folder, "good", tracking={"bridge": 3})
    assert done == [("track", "good")]
    done.clear()
    run(folder, "good", video={"crf": 20}, tracking={"bridge": 3})
    assert done == [("normalise", "good"), ("track", "good")]


def test_a_changed_recording_or_a_lost_output_is_done_again(work):
    folder, done = work
    run(folder, "good")
    done.clear()
    (folder / "videos/good/tracks.npz").unlink()
    run(folder, "good")
    assert done == [("track", "good")]
    done.clear()
    (folder / "good.mp4").write_text("another recording")
    run(folder, "good")
    assert done == [("normalise", "good"), ("track", "good")]


def kept(folder: Path, split: str, **sections) -> None:
    preprocess(
        [Recording("good", str(folder / "good.mp4"))],
        [split],
        folder / "videos",
        config.Settings(**sections),
        keep="needed",
    )


def test_what_is_not_kept_is_made_again_only_for_a_step_that_needs_it(work):
    folder, done = work
    for _ in range(2):
        kept(folder, "train")
        assert not (folder / "videos/good/video.mp4").exists()
        assert done == [("normalise", "good"), ("track", "good")]
    done.clear()
    kept(folder, "train", tracking={"bridge": 3})
    assert done == [("normalise", "good"), ("track", "good")]
    assert not (folder / "videos/good/video.mp4").exists()


def test_pictures_of_a_test_recording_stay(work):
    folder, done = work
    kept(folder, "train")
    done.clear()
    kept(folder, "test")  # what was deleted comes back, and what follows from it stays
    assert done == [("normalise", "good")] and (folder / "videos/good/video.mp4").exists()


def test_every_step_finds_what_it_reads_among_what_earlier_ones_make():
    made: set[str] = set()
    for step in REAL_STEPS:
        assert set(step.inputs) <= made
        made.update(step.outputs)
    settings = config.Settings()
    assert passing("needed", "test", settings) < passing("needed", "train", settings) < made
    assert not passing("all", "train", settings)


def test_one_failure_does_not_stop_the_rest_and_says_why(work):
    folder, _ = work
    rows = {row.recording: row for row in run(folder, "bad", "odd", "good")}
    assert rows["good"].status == "ok"
    assert rows["bad"].status == "failed" and "bad.mp4 is not a video" in rows["bad"].reason
    assert rows["odd"].status == "failed" and "ZeroDivisionError" in rows["odd"].reason
    missing = run(folder, "nobody")[0]
    assert missing.status == "failed" and "does not exist" in missing.reason


def test_a_recording_is_excluded_by_a_setting_and_stays_in_the_table(work):
    folder, _ = work
    assert run(folder, "lonely")[0].status == "ok"  # half of its frames show both
    row = run(folder, "lonely", chunking={"min_tracked": 0.6})[0]
    assert row.status == "excluded" and "tracked 50%" in row.reason and "chunking.min_tracked" in row.reason


def test_a_table_comes_back_as_it_was_written(tmp_path):
    rows = [
        Row("b", "ok", "", "x/b.mp4", "test", "", 2.0, 0.5, 1.0, 0.0),
        Row("a", "failed", 'tab\there, "quotes" and <tags>', "x/a.mp4", "train", "left", 0.0, 0.0, 0.0, 0.25),
    ]
    write_rows(tmp_path / "t.tsv", rows)
    assert read_rows(tmp_path / "t.tsv") == sorted(rows, key=lambda row: row.recording)
    assert [row.recording for row in usable(rows, "test")] == ["b"] and usable(rows, "train") == []
    write_html(tmp_path / "t.html", rows, "alice")
    page = (tmp_path / "t.html").read_text()
    assert "&lt;tags&gt;" in page and "1 recordings usable" in page and page.index("a.mp4") < page.index("b.mp4")


def test_a_file_that_is_no_table_is_named(tmp_path):
    (tmp_path / "t.tsv").write_text("a\tb\n1\t2\n")
    with pytest.raises(UserError, match=r"t\.tsv is not a table"):
        read_rows(tmp_path / "t.tsv")


def test_faces_are_made_for_usable_recordings_once(work, monkeypatch):
    folder, _ = work
    made: list[str] = []

    def extract(footage: Footage, basis: Path, outs: list[Path], *_: object) -> None:
        made.append(footage.tracks.parent.name)
        for out in outs:
            out.touch()

    monkeypatch.setattr("l2l.faces.landmarks.extract_faces", extract)
    (folder / "basis.npz").touch()
    rows = run(folder, "good", "bad")
    for _ in range(2):
        rows = faces(rows, folder / "videos", folder / "basis.npz", config.Settings())
    assert made == ["good"]
    assert {row.recording: row.status for row in rows} == {"good": "ok", "bad": "failed"}
