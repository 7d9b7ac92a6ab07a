"""Sound that is late, short, silent or clipped, and HDR that stays, are seen, and the table says so."""

import json

import numpy as np
import pytest
import soundfile

from l2l.recordings import warnings
from l2l.recordings.recordings import Recording
from l2l.recordings.table import concerns, read_table, write_table
from l2l.recordings.warnings import people_warnings, picture_warnings, sound_warnings
from l2l.video.tracks import Cast, Seats

TONE = (8000 * np.sin(np.arange(16000 * 10) / 5)).astype(np.int16)


def cut(start: float, end: float) -> np.ndarray:
    """Ten seconds in which the tone sounds between two moments."""
    sound = np.zeros_like(TONE)
    sound[round(16000 * start) : round(16000 * end)] = TONE[round(16000 * start) : round(16000 * end)]
    return sound


@pytest.mark.parametrize(
    ("sound", "said"),
    [
        (TONE, []),
        (cut(0, 7.5), ["its sound ends 2.5 s before its picture"]),
        (cut(0.5, 10), ["its sound begins 0.5 s after its picture"]),
        (cut(0, 0), ["its sound is silent"]),
        (
            np.clip(TONE.astype(np.int32) * 8, -32768, 32767).astype(np.int16),
            ["its sound is clipped in 66.7% of its samples"],
        ),
        (cut(0.2, 9.5), []),
    ],
    ids=["whole", "ends early", "late", "silent", "clipped", "nearly whole"],
)
def test_what_is_wrong_with_sound_is_said(tmp_path, sound, said):
    soundfile.write(tmp_path / "a.wav", sound, 16000, subtype="PCM_16")
    found = sound_warnings(tmp_path / "a.wav")
    assert [line.partition(" in ")[0] for line in found] == [line.partition(" in ")[0] for line in said]


def test_warnings_come_back_from_the_table_and_are_said_line_by_line(tmp_path):
    rows = [
        Recording("a", warnings="its sound is late; its sound is clipped"),
        Recording("b", status="failed", reason="bad.", warnings="its sound is silent"),
        Recording("c"),
    ]
    write_table(tmp_path / "t.tsv", rows)
    assert read_table(tmp_path / "t.tsv") == rows
    assert concerns(rows) == ["a: warning: its sound is late", "a: warning: its sound is clipped"]
    assert concerns(rows, most=1) == ["a: warning: its sound is late", "... 1 more warnings"]


@pytest.mark.parametrize("probe", [{"hdr": "smpte2084"}, {"left": {"hdr": ""}, "right": {"hdr": "arib-std-b67"}}])
def test_hdr_that_cannot_be_converted_is_said(tmp_path, monkeypatch, probe):
    report = tmp_path / "probe.json"
    report.write_text(json.dumps({"probe": probe}))
    for able in (True, False):
        monkeypatch.setattr(warnings, "can_tone_map", lambda able=able: able)
        assert len(picture_warnings(report)) == (not able)
    report.write_text(json.dumps({"probe": {"hdr": ""}}))
    assert picture_warnings(report) == picture_warnings(tmp_path / "none.json") == []


def test_who_is_seen_is_said_when_it_is_not_the_same_two_throughout():
    def cast(*seats: Seats, refused: float = 0.0, strangers: float = 0.0) -> Cast:
        return Cast(
            np.array(seats, np.int8), np.ones(2, np.float32), np.zeros((2, 8, 8, 9), np.float32), refused, strangers
        )

    assert people_warnings(cast(Seats.FIRST, Seats.NOBODY), 0.0) == []
    assert people_warnings(cast(Seats.FIRST, strangers=0.3), 0.0) == [
        "somebody else has taken a place without a cut in 30% of its frames, which are left out"
    ]
    found = people_warnings(cast(Seats.FIRST, Seats.SOMEBODY_ELSE, Seats.SWAPPED, Seats.UNCERTAIN, refused=0.4), 0.25)
    assert found == [
        "25% of its frames are left out: somebody else seems to sit there in 1 scene "
        "and who is who cannot be told in 1 scene",
        "a face that looks like a rendering or a statue is seen in 40% of its frames and left out "
        "(if it is a person's, lower tracking.min_person)",
        "the two people change sides in 1 scene: left and right stay with the person",
    ]
