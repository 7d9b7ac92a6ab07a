"""Steps: nothing finished is done twice, a bad recording is a row, and what is no recording's fault ends the job."""

import errno
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile

from l2l import config
from l2l.errors import SetupError, TemporaryError, UserError
from l2l.files import NpzWriter
from l2l.recordings import steps
from l2l.recordings.recordings import Recording
from l2l.recordings.steps import SPEECH, STEPS, Work, dropped, run
from l2l.sides import SIDES
from l2l.speech.speaking import write_speaking
from l2l.video.footage import VOICES

ROAD = ("normalise", "track", "diarize", "separate", "mel")
ERRORS = {
    "bad": UserError("bad.mp4 is not a video."),
    "odd": ZeroDivisionError("by zero"),
    "full": OSError(errno.ENOSPC, "No space left on device"),
    "huge": MemoryError(),
    "lacking": SetupError("syncnet.pth is missing."),
}


class Done(list[tuple[str, str]]):
    """What was done, in order: (step, recording)."""

    def steps(self) -> list[str]:
        """Their names, which are forgotten now."""
        found = [step for step, _ in self]
        self.clear()
        return found


def tracks(folder: Path, together: float) -> None:
    found = np.ones((60, 2), bool)
    found[round(60 * together) :, 0] = False
    with NpzWriter(folder / "tracks.npz") as writer:
        writer.add("size", np.array([4, 4]))
        writer.add("box", np.zeros((60, 2, 4)))
        writer.add("found", found)
        writer.add("score", found.astype(np.float32))
        writer.add("segment", found[:, 0].astype(np.int32))


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Done:
    """Quick steps that note what they do. Recordings named in ERRORS fail in track; 'lonely' shows both in half."""
    found = Done()

    def quick(name: str):
        def work(work: Work) -> None:
            found.append((name, work.recording.name))
            work.folder.mkdir(parents=True, exist_ok=True)
            if name == "track" and work.recording.name in ERRORS:
                raise ERRORS[work.recording.name]
            for output in steps._made(name, work):
                (work.folder / output).touch()
            if name == "normalise":
                soundfile.write(work.folder / "audio.wav", np.full(32_000, 0.1), 16_000)
            if name == "track":
                tracks(work.folder, 0.5 if work.recording.name == "lonely" else 1.0)
            if name == "diarize":
                write_speaking(work.folder / "speaking.npz", work.folder / "s.rttm", np.ones((60, 2)), np.ones(60), "x")

        return work

    for name, step in STEPS.items():
        monkeypatch.setitem(steps.STEPS, name, replace(step, run=quick(name)))
    for name in ("good", "lonely", *ERRORS):
        (tmp_path / f"{name}.mp4").write_text(name)
    (tmp_path / "basis.npz").write_text("basis")
    return found


def all_steps(folder: Path, *names: str, road=(*ROAD, "faces"), drop=(), split="train", **sections) -> list[Recording]:
    """The table after all steps of recordings, each step a call as the workflow does it."""
    settings = config.Settings(**sections)
    found = [Recording(name, str(folder / f"{name}.mp4"), split=split) for name in names]
    for step in road:
        basis = folder / "basis.npz" if step == "faces" else None
        found = run(step, [Work(each, folder / "videos" / each.name, settings, drop, basis) for each in found])
    return found


def test_every_step_finds_what_it_reads_among_what_earlier_ones_make():
    made: set[str] = set()
    for name in (*ROAD, "faces"):
        assert set(STEPS[name].inputs) <= made
        made.update(STEPS[name].outputs)


def test_what_is_finished_is_not_done_again(done, tmp_path):
    first = all_steps(tmp_path, "good")
    assert done.steps() == [*ROAD, "faces"]
    again = all_steps(tmp_path, "good")
    assert not done and again == first
    assert first[0].seconds == 2.0 and first[0].status == "ok" and first[0].tracked == first[0].speech == 1


@pytest.mark.parametrize(
    ("sections", "again"),
    [
        ({"mel": {"feature": "log_mel"}}, ["mel"]),
        ({"tracking": {"min_face": 0.1}}, ["track", "diarize", "separate", "mel", "faces"]),
        ({"video": {"crf": 20}}, [*ROAD, "faces"]),
        ({"faces": {"smoothing": 3}}, ["faces"]),
        ({"chunking": {"stride_train": 3, "min_tracked": 0.1}}, []),
        ({"separation": {"multisensory": {"threads": 3, "overlap": 0.1}}}, []),  # of a backend that is not chosen
    ],
)
def test_a_changed_setting_redoes_its_step_and_what_follows(done, tmp_path, sections, again):
    all_steps(tmp_path, "good")
    done.clear()
    all_steps(tmp_path, "good", **sections)
    assert done.steps() == again


def test_a_default_that_a_release_changes_redoes_its_step(tmp_path, monkeypatch):
    work = Work(Recording("good"), tmp_path, config.Settings())
    before, released = steps._key("mel", work), config.Settings(mel={"hop": 200})
    monkeypatch.setattr(sys.modules["l2l.config.differences"], "Settings", lambda: released)
    assert not config.result_settings(released, ("mel",))
    assert steps._key("mel", work) == before != steps._key("mel", replace(work, settings=released))


def test_a_changed_recording_a_changed_basis_or_a_lost_output_is_done_again(done, tmp_path):
    all_steps(tmp_path, "good")
    done.clear()
    (tmp_path / "videos/good/tracks.npz").unlink()
    all_steps(tmp_path, "good")
    assert done.steps() == ["track"]
    (tmp_path / "basis.npz").write_text("another")
    all_steps(tmp_path, "good")
    assert done.steps() == ["faces"]
    (tmp_path / "good.mp4").write_text("another recording")
    all_steps(tmp_path, "good")
    assert done.steps() == [*ROAD, "faces"]


def test_two_files_are_done_again_when_one_changes_and_their_voices_are_dropped_with_speech(done, tmp_path):
    folder, made = tmp_path / "pair.mp4", tmp_path / "videos/pair"
    folder.mkdir()
    for side in SIDES:
        (folder / f"{side}.mp4").write_text(side)
    all_steps(tmp_path, "pair")
    assert done.steps() == [*ROAD, "faces"]
    (made / VOICES[1]).unlink()
    all_steps(tmp_path, "pair")
    assert done.steps() == ["normalise"]
    (folder / "offset.txt").write_text("0.5")
    all_steps(tmp_path, "pair", drop=("speech",))
    assert done.steps() == [*ROAD, "faces"]
    assert (made / "video.mp4").exists() and not any((made / name).exists() for name in (*SPEECH, *VOICES))
    all_steps(tmp_path, "pair", drop=("speech",), diarization={"speech": 0.4})
    assert done.steps() == ["normalise", "diarize", "separate", "mel"]


def test_a_step_that_was_cut_off_is_done_again_also_with_the_old_settings(done, tmp_path, monkeypatch):
    all_steps(tmp_path, "good")
    monkeypatch.setitem(steps.STEPS, "mel", replace(steps.STEPS["mel"], run=lambda work: exit()))
    with pytest.raises(SystemExit):
        all_steps(tmp_path, "good", mel={"feature": "log_mel"})
    done.clear()
    monkeypatch.setitem(steps.STEPS, "mel", replace(steps.STEPS["mel"], run=lambda work: done.append(("mel", ""))))
    all_steps(tmp_path, "good", road=ROAD)
    assert done.steps() == ["mel"]


def test_what_is_dropped_is_made_again_only_for_a_step_that_needs_it(done, tmp_path):
    drop = ("speech", "video")
    for _ in range(2):
        all_steps(tmp_path, "good", drop=drop)
        assert not any((tmp_path / "videos/good" / name).exists() for name in ("video.mp4", *SPEECH))
    assert done.steps() == [*ROAD, "faces"]
    all_steps(tmp_path, "good", drop=drop, mel={"feature": "log_mel"})
    assert done.steps() == ["normalise", "separate", "mel"]  # separate may look at the picture
    assert not (tmp_path / "videos/good/video.mp4").exists()
    all_steps(tmp_path, "good", drop=drop, mel={"feature": "log_mel"}, split="test")
    assert done.steps() == ["normalise"] and (tmp_path / "videos/good/video.mp4").exists()
    assert dropped(Work(Recording("a", "s3://x/a.mp4", split="train"), tmp_path, config.Settings(), drop)) == {*SPEECH}


def test_what_is_wrong_with_a_recording_is_its_row_and_the_others_go_on(done, tmp_path):
    rows = {row.name: row for row in all_steps(tmp_path, "bad", "odd", "nobody", "good")}
    assert rows["good"].status == "ok"
    assert (rows["bad"].status, rows["bad"].reason) == ("failed", "bad.mp4 is not a video.")
    assert rows["odd"].status == "failed" and "ZeroDivisionError" in rows["odd"].reason
    assert rows["nobody"].status == "failed" and "does not exist" in rows["nobody"].reason
    assert [name for step, name in done if step == "diarize"] == ["good"]


@pytest.mark.parametrize(
    ("name", "kind"), [("full", TemporaryError), ("huge", TemporaryError), ("lacking", SetupError)]
)
def test_a_full_disk_no_memory_or_a_missing_weight_ends_the_job(done, tmp_path, name, kind):
    with pytest.raises(kind):
        all_steps(tmp_path, name, "good")
    assert ("track", "good") not in done


def test_a_recording_is_excluded_by_a_setting_and_stays_in_the_table(done, tmp_path):
    assert all_steps(tmp_path, "lonely")[0].status == "ok"  # half of its frames show both
    (row,) = all_steps(tmp_path, "lonely", chunking={"min_tracked": 0.6})
    assert row.status == "excluded" and "seen in 50%" in row.reason and "chunking.min_tracked = 60%" in row.reason


def test_a_folder_alone_names_the_command_that_makes_what_is_missing(tmp_path):
    (row,) = run("track", [Work(Recording("monday"), tmp_path / "monday", config.Settings())])
    assert row.status == "failed" and row.reason.endswith("video.mp4 is missing; make it with `l2l normalise`.")


def test_both_people_have_their_own_files(tmp_path):
    work = Work(Recording("monday"), tmp_path, config.Settings())
    assert [path.name for path in work.both("faces_{}.npz")] == [f"faces_{side}.npz" for side in SIDES]


def test_a_step_uses_one_core(monkeypatch, tmp_path):
    seen = []
    look = replace(STEPS["track"], inputs=(), outputs=(), run=lambda _: seen.append(cv2.getNumThreads()))
    monkeypatch.setitem(STEPS, "track", look)
    before = cv2.getNumThreads()
    cv2.setNumThreads(2)
    try:
        steps.bring("track", Work(Recording("one", ""), tmp_path, config.Settings()))
        assert seen == [1] and cv2.getNumThreads() == 2
    finally:
        cv2.setNumThreads(before)
