"""Annotations: the right times in files that pympi and praatio read."""

import numpy as np
import pytest
from praatio import textgrid as praat
from pympi import Eaf

from l2l import config
from l2l.export import eaf, textgrid
from l2l.export.annotations import Tier, tiers
from l2l.export.take import Take, WholeRecording
from l2l.faces.columns import SHAPES

SETTINGS = config.Settings().chunking
FRAMES = 300


def bump(at, frames, height):
    t = np.clip((np.arange(FRAMES) - at) / frames, -0.5, 0.5)
    return height * np.cos(np.pi * t) ** 2


def face(nods=(), smiles=(), blinks=()):
    motion = np.zeros((FRAMES, 56))
    motion[:, 50] = sum((bump(at, 15, 0.12) for at in nods), np.zeros(FRAMES))
    for side in ("Left", "Right"):
        motion[:, SHAPES.index(f"eyeBlink{side}")] = sum((bump(at, 8, 0.6) for at in blinks), np.zeros(FRAMES))
        for at in smiles:
            motion[at : at + 40, SHAPES.index(f"mouthSmile{side}")] = 0.5
    return motion


def recording(tmp_path):
    speaks = np.zeros((FRAMES, 2), bool)
    speaks[30:150, 1] = speaks[170:260, 0] = True
    video = tmp_path / "results" / "video.mp4"
    return WholeRecording("talk", FRAMES, video, video.with_name("audio.wav"), speaks)


@pytest.fixture
def takes(tmp_path):
    known, around = np.ones(FRAMES, bool), recording(tmp_path)
    truth = Take("a", "true", "blendshapes", face([60, 200], [100], [40]), known, around)
    # Two clips of one future that overlap: the nod at 120 is in both, and what was given does not count.
    drawn = face([40, 120], [], [90])
    first = Take("b", "sample 1", "blendshapes", drawn[20:140], known[20:140], around, 20, given=32)
    second = Take("c", "sample 1", "blendshapes", drawn[100:220], known[100:220], around, 100)
    return [truth, first, second]


def test_tiers_of_the_truth_and_of_a_future(takes):
    found = {tier.name: tier.frames for tier in tiers(takes, SETTINGS)}
    assert found["right speaks"] == [(30, 150)] and found["left turn"] == [(170, 260)]
    assert found["true"] == [(0, FRAMES)] and found["sample 1"] == [(52, 220)]
    assert [start for start, _ in found["true nod"]] == [60, 200]
    assert [start for start, _ in found["true smile"]] == [100]
    assert [start for start, _ in found["true blink"]] == [40]
    assert [start for start, _ in found["sample 1 nod"]] == [120]
    assert [start for start, _ in found["sample 1 blink"]] == [90]
    assert found["true shake"] == found["sample 1 smile"] == []


def test_frames_in_which_the_face_is_not_seen_part_events(tmp_path):
    seen = np.ones(FRAMES, bool)
    seen[198:202] = False
    take = Take("a", "left", "blendshapes", face([60, 200]), seen, recording(tmp_path))
    found = {tier.name: tier.frames for tier in tiers([take], SETTINGS)}
    assert [start for start, _ in found["left nod"]] == [60]
    assert found["left"] == [(0, 198), (202, FRAMES)]


def test_faces_without_directions_have_no_smiles(tmp_path):
    take = Take("a", "left", "deca", face([60]), np.ones(FRAMES, bool), recording(tmp_path))
    assert [tier.name for tier in tiers([take], SETTINGS)][-3:] == ["left", "left nod", "left shake"]


def test_elan_opens_it_with_the_right_times_and_the_video(takes, tmp_path):
    out = tmp_path / "exports" / "talk.eaf"
    eaf.write(takes[0].recording, tiers(takes, SETTINGS), out)
    found = Eaf(str(out))
    assert found.get_annotation_data_for_tier("right speaks") == [(1000, 5000, "speaks")]
    assert found.get_annotation_data_for_tier("true nod") == [(2000, 2200, "nod"), (6667, 6867, "nod")]
    assert found.get_annotation_data_for_tier("sample 1") == [(1733, 7333, "1")]
    assert "default" not in found.get_tier_names()
    video, audio = found.get_linked_files()
    assert video["MEDIA_URL"] == (tmp_path / "results/video.mp4").as_uri() and video["MIME_TYPE"] == "video/mp4"
    assert video["RELATIVE_MEDIA_URL"] == "../results/video.mp4"
    assert audio["RELATIVE_MEDIA_URL"] == "../results/audio.wav"


def test_events_in_quick_succession_do_not_overlap_in_elan(tmp_path):
    eaf.write(WholeRecording("talk", 100), [Tier("left blink", [(30, 30), (33, 33)], True)], tmp_path / "a.eaf")
    assert 'DATE="1970-01-01' in (tmp_path / "a.eaf").read_text()  # the same motion gives the same bytes
    assert Eaf(str(tmp_path / "a.eaf")).get_annotation_data_for_tier("left blink") == [
        (1000, 1100, "blink"),
        (1100, 1300, "blink"),
    ]


def test_praat_opens_it_with_the_right_times(takes, tmp_path):
    out = tmp_path / "talk.TextGrid"
    textgrid.write(takes[0].recording, tiers(takes, SETTINGS), out)
    found = praat.openTextgrid(str(out), includeEmptyIntervals=False)
    assert found.maxTimestamp == pytest.approx(FRAMES / 30)
    (speech,) = found.getTier("right speaks").entries
    assert (speech.start, speech.end, speech.label) == (pytest.approx(1), pytest.approx(5), "speaks")
    assert [point.time for point in found.getTier("true nod").entries] == pytest.approx([2, 200 / 30], abs=1e-4)
    assert found.getTier("true shake").entries == ()
