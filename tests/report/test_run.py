"""What the report says of a run, however far it has come."""

import numpy as np
import pytest

from l2l.config import Settings
from l2l.errors import UserError
from l2l.recordings.recordings import Recording
from l2l.recordings.table import write_table
from l2l.report.cards import cards, moments
from l2l.report.numbers import charts, table
from l2l.report.page import write_report
from l2l.report.run import read_run
from l2l.report.timeline import time_line
from l2l.report.verdict import verdict
from l2l.video.tracks import Tracks
from tests.evaluation.test_report import number, report, row
from tests.video.tracked import write_tracks

SETTINGS = Settings()


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match=r"none/ is no folder of results"):
        read_run(tmp_path / "none", tmp_path, SETTINGS)


def test_an_empty_folder_is_a_page_that_says_how_to_go_on(tmp_path):
    page = write_report(tmp_path, tmp_path / "data", SETTINGS, None, tmp_path / "report.html").read_text()
    assert "There is no model yet" in page and "<code>snakemake --cores 2 results/" in page


def test_recordings_that_all_failed_are_listed_with_their_sentences(tmp_path):
    for step, reason in (("normalise", ""), ("track", "talk.mp4 shows <nobody>.")):
        status = "failed" if reason else "ok"
        write_table(tmp_path / f"steps/{step}/0.tsv", [Recording("talk", "talk.mp4", status=status, reason=reason)])
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/split.log").write_text("starting\nl2l split: 0 of 1 recordings can be used.\n")
    page = write_report(tmp_path, tmp_path / "data", SETTINGS, None, tmp_path / "report.html").read_text()
    assert "none of the recordings can be used" in page and "talk.mp4 shows &lt;nobody&gt;." in page
    assert "l2l split: 0 of 1 recordings can be used." in page and "1 recording is left out" in page


def test_a_damaged_file_is_a_sentence_and_not_the_end(tmp_path):
    (tmp_path / "eval.json").write_text("{")
    (tmp_path / "preprocess.tsv").write_text("a\tb\n1\t2\n")
    run = read_run(tmp_path, tmp_path / "data", SETTINGS)
    assert len(run.trouble) == 2 and run.evaluation is None and run.recordings == []
    page = write_report(tmp_path, tmp_path / "data", SETTINGS, None, tmp_path / "report.html").read_text()
    assert "is not JSON that can be read" in page and "is not a table of recordings" in page


@pytest.mark.parametrize(
    ("headline", "mood", "short"),
    [
        ("yes: the gain (nll) is 0.02.", "good", "This model listens."),
        ("no: the speaker changes next to nothing.", "bad", "does not listen"),
        ("cannot be told with this much data: the gain is 0.", "open", "cannot be told yet"),
        ("not known: nobody asked.", "open", "not known"),
    ],
)
def test_the_verdict_is_a_sentence_with_its_reasons_and_a_next_step(tmp_path, headline, mood, short):
    run = read_run(tmp_path, tmp_path, SETTINGS)
    run.evaluation = report(model=row())
    run.evaluation["headline"]["listens"] = headline
    said = verdict(run)
    assert said["mood"] == mood and short in str(said["short"]) and said["next"]
    assert str(said["why"])[0].isupper() and not str(said["why"]).lower().startswith(headline.split(":")[0])


def test_a_verdict_of_before_a_failure_says_so(tmp_path):
    run = read_run(tmp_path, tmp_path, SETTINGS)
    run.evaluation, run.trouble = report(model=row()), ["l2l sample: no memory; run it again."]
    assert "Something failed since" in verdict(run)["next"][0].words


def test_settings_that_differ_are_listed(tmp_path):
    changed = Settings(seed=7)
    page = write_report(tmp_path, tmp_path / "data", changed, None, tmp_path / "report.html").read_text()
    assert "<code>seed=7</code>" in page and "1 setting differs from the defaults" in page


def test_a_card_says_what_is_amiss(tmp_path):
    folder = tmp_path / "videos/talk"
    folder.mkdir(parents=True)
    write_tracks(folder / "tracks.npz", 300, (640, 360), [(100, 100, 20), (500, 100, 120)], cut=100)
    probability = np.zeros((300, 2), np.float32)
    probability[:150, 1] = 1
    np.savez(folder / "speaking.npz", probability=probability, speech=np.zeros(300, np.float32))
    warned = Recording("talk", split="test", seconds=10.0, warnings="its sound is clipped; it begins late")
    write_table(tmp_path / "preprocess.tsv", [warned])
    card = cards(read_run(tmp_path, tmp_path / "data", SETTINGS))[0]
    said = " ".join(card.concerns)
    assert card.concerns[:2] == ["its sound is clipped", "it begins late"]
    assert "cuts 6 times a minute" in said and "face on the left is small" in said
    assert "person on the left is heard in 0%" in said and "on the right is small" not in said
    assert dict(card.facts)["right speaks"] == "0:05 (50%)" and not card.stills


def test_the_worst_moments_are_the_longest_gap_and_the_least_certain_face():
    found, score = np.ones((100, 2), bool), np.ones((100, 2), np.float32)
    found[20:30, 1] = found[50:52, 0] = False
    score[70, 0] = 0.4
    tracks = Tracks(__file__, 640, 360, found, score, np.zeros((100, 2, 4), np.float32), np.zeros(100, np.int32))
    assert moments(tracks) == [(25, "right not seen for 0.3 s"), (70, "faces least certain (0.40)")]
    speaks = np.zeros((100, 2))
    speaks[80:90, 0] = 1
    assert moments(tracks, speaks)[-1] == (85, "left speaks")


def test_a_time_line_is_the_same_in_bars_and_in_words():
    found, segment, speaks = np.ones((200, 2), bool), np.zeros(200, np.int32), np.zeros((200, 2))
    found[100:, 1], segment[50:], speaks[:50, 0] = False, 1, 0.9
    line = time_line(found, segment, speaks)
    assert line.speech == {"left": [(0.0, 250.0)], "right": []} and line.cuts == [250.0]
    assert line.missing["right"] == [(500.0, 500.0)]
    assert "left speaks 25% of the time" in line.words and "right is not seen in 50%; 1 cuts." in line.words


def test_charts_of_numbers_are_on_one_scale_from_zero_on():
    found = report(
        model=row(l2={"all": number(0.5, 0.4, 0.6)}, event_f1={"nod": number(None)}),
        mirror=row(l2={"all": number(1.0, 0.8, 1.0)}),
        mean_pose=row(l2={"all": number(None)}),
    )
    (only,) = charts(found)
    assert [(mark.name, mark.at, mark.low, mark.width) for mark in only.marks] == [
        ("model", 50.0, 40.0, 20.0),
        ("mirror", 100.0, 80.0, 20.0),
    ]
    names, lines = table(found)
    assert names == ["truth", "model", "mirror", "mean_pose"]
    assert lines[0][2] == ["", "0.5 [0.4, 0.6]", "1 [0.8, 1]", "none"]
