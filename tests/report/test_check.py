"""check: what is said of recordings before anything is run."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from l2l.cli.main import main
from l2l.config import Settings
from l2l.recordings.side_by_side import Aligned
from l2l.report.check import checked
from l2l.report.glance import Glance, Moment, glance
from l2l.sides import SIDES
from l2l.units import SAMPLE_RATE
from l2l.video.media import video_writer
from l2l.video.probing import Probe
from l2l.video.tracks import Seats
from tests.browser import opened
from tests.media import face_photo
from tests.speech.microphones import turns

FINE = Probe(640, 360, 1.0, 1800, 30.0, True, 60.0, 0.0, "h264", "yuv420p", 0, "aac", 48000, 60.0)
SIZE = (360, 640, 3)


def face(x: float, height: float = 100.0) -> np.ndarray:
    """Landmarks (468, 3) spread evenly over a face at x."""
    across, down = np.meshgrid(np.linspace(0, 0.8 * height, 18), np.linspace(0, height, 26))
    return np.stack([x + across.ravel(), 50 + down.ravel(), 0 * down.ravel()], 1)


BOTH = face(100), face(400)


def moment(speaker: int | None = 0, *, faces=BOTH, others: int = 0, grey: int = 90, loud: float = 0.1) -> Moment:
    lips = (0.03, 0.001) if speaker == 0 else (0.001, 0.03)
    speech = 0.0 if speaker is None else 1.0
    return Moment(1.0, np.full(SIZE, grey, np.uint8), faces, others, lips, speech, loud)


def seen(moments, **of_file) -> Glance:
    found = FINE._replace(**of_file)
    return Glance(Path("talk.mp4"), {"talk.mp4": found}, found.seconds, moments)


def said(moments, **of_file) -> str:
    return " ".join(checked(seen(moments, **of_file)).warnings)


def test_of_a_good_recording_nothing_is_said():
    found = checked(seen([moment(0), moment(1), moment(None)]))
    assert found.warnings == found.notes == []
    assert [still.words for still in found.stills] == ["left speaks", "right speaks", "nobody speaks"]
    assert dict(found.facts)["left speaks"] == "at 1 of 3"


@pytest.mark.parametrize(
    ("moments", "of_file", "words"),
    [
        ([moment(faces=(None, None))], {}, "No face is seen at any of 1 moments."),
        ([moment(faces=(face(100), None))] * 4, {}, "No second face is seen"),
        ([moment(0), moment(1), moment(faces=(None, face(9)))], {}, "Both faces are seen at 2 of 3 moments"),
        ([moment(faces=(face(100, 20), face(400, 20)))], {}, "faces are small, 6% of"),
        ([moment(0), moment(1, others=1)], {}, "A third face is seen at 1 of 2 moments"),
        ([moment(0), replace(moment(1), refused=1)], {}, "rendering or a statue is seen at 1 of 2 moments"),
        (
            [moment(0), moment(1), replace(moment(1, grey=200), seats=Seats.SWAPPED)],
            {},
            "have changed sides at 1 of 3 moments",
        ),
        (
            [moment(0), replace(moment(1, grey=200), seats=Seats.SOMEBODY_ELSE)],
            {},
            "Somebody else seems to be one of the two at 1",
        ),
        (
            [moment(0), replace(moment(1, grey=200), seats=Seats.UNCERTAIN)],
            {},
            "Who is who cannot be told at 1 of 2 moments",
        ),
        ([moment(0, grey=10), moment(1, grey=200)] * 3, {}, "view changes between 5 of 5 neighbouring moments"),
        ([moment(None, loud=0.0)], {}, "It is silent"),
        ([moment(None)], {}, "Nobody is seen speaking"),
        ([moment(1)] * 5, {}, "Only the person on the right is seen speaking"),
        ([moment(0), moment(1)], {"seconds": 5.0}, "It lasts 5 s."),
        ([moment(0), moment(1)], {"fps": 15.0}, "15 frames per second"),
        ([moment(0), moment(1)], {"audio_seconds": 30.0}, "sound ends 30 s before the picture"),
    ],
)
def test_each_fault_is_a_sentence(moments, of_file, words):
    assert words in said(moments, **of_file)


def test_what_the_workflow_mends_is_a_note_and_no_warning():
    odd = {"constant_rate": False, "pixel_aspect": 4 / 3, "rotation": 90}
    found = checked(seen([moment(0), moment(1)], **odd))
    assert found.warnings == [] and len(found.notes) == 3


@pytest.fixture(scope="module")
def talk(tmp_path_factory) -> Path:
    """Ten seconds of two photographs and noise; the one on the right shakes."""
    folder = tmp_path_factory.mktemp("check")
    soundfile.write(folder / "noise.wav", 0.1 * np.random.default_rng(0).standard_normal(160000), 16000)
    photo, path = face_photo(240), folder / "<b>talk & so on.mp4"
    with video_writer(path, 640, 360, folder / "noise.wav") as write:
        for frame in range(300):
            picture = np.full(SIZE, 60, np.uint8)
            shift = frame % 2
            picture[60 : 60 + photo.shape[0], 20 : 20 + photo.shape[1]] = photo
            picture[60 + shift : 60 + shift + photo.shape[0], 360 : 360 + photo.shape[1]] = photo
            write(picture)
    return path


def test_faces_are_found_at_moments_of_the_whole_recording(talk):
    found = glance(talk, Settings())
    assert len(found.moments) == 3 and found.moments[-1].seconds == pytest.approx(8.8, abs=0.2)
    assert all(moment.both and not moment.others for moment in found.moments)
    left, right = found.moments[1].faces
    assert left[:, 0].mean() < 320 < right[:, 0].mean()
    assert 0.05 < found.moments[0].loudness < 0.2


def test_a_folder_stands_for_its_recordings_and_an_empty_one_is_named(talk, tmp_path, capsys):
    assert main(["check", str(talk.parent), "--out", str(tmp_path / "a.html")]) == 0
    assert f"{talk}: It lasts 10 s." in capsys.readouterr().out
    (tmp_path / "none").mkdir()
    assert main(["check", str(tmp_path / "none")]) == 1 and "holds no videos" in capsys.readouterr().err


def test_the_contact_sheet_shows_what_is_fine_and_what_is_not(talk, tmp_path, browser, capsys):
    bad = tmp_path / "bad.mp4"
    bad.write_text("not a video")
    page = tmp_path / "check.html"
    assert main(["check", str(talk), str(bad), "--out", str(page)]) == 1
    output = capsys.readouterr()
    assert f"{talk}: It lasts 10 s." in output.out and f"{bad} is not a video" in output.out
    assert "1 of 2 recordings cannot be used" in output.err
    with opened(browser, page.as_uri(), width=390, dark=True) as watched:
        assert "<b>talk & so on.mp4" in watched.page.inner_text("body")
        assert watched.page.locator("img[alt]").count() == 3
        assert watched.page.evaluate("document.documentElement.scrollWidth") == 390
        watched.check()


@pytest.fixture
def two_files(tmp_path) -> Path:
    """Twelve seconds of two people in turns of four, each with a camera and a microphone; the right one starts late."""
    folder = tmp_path / "talk"
    folder.mkdir()
    photo, sounds = face_photo(200), turns(12, SAMPLE_RATE, -15)
    for side, sound, size in zip(SIDES, (sounds[0], sounds[1][round(0.37 * SAMPLE_RATE) :]), (240, 320), strict=True):
        soundfile.write(tmp_path / f"{side}.wav", np.clip(sound, -1, 1), SAMPLE_RATE)
        with video_writer(folder / f"{side}.mp4", 320, size, tmp_path / f"{side}.wav") as write:
            for frame in range(len(sound) * 30 // SAMPLE_RATE):
                picture = np.full((size, 320, 3), 60, np.uint8)
                picture[20 + frame % 2 : 20 + frame % 2 + len(photo), 60 : 60 + photo.shape[1]] = photo
                write(picture)
    return folder


def test_a_conversation_in_two_files_is_one_recording(two_files, tmp_path, capsys):
    found = glance(two_files, Settings())
    assert found.aligned is not None and found.aligned.after == pytest.approx(0.37, abs=0.01)
    assert found.seconds == pytest.approx(11.63, abs=0.1)
    assert all(moment.both for moment in found.moments)
    first = found.moments[0]
    assert first.picture.shape[0] == 240 and first.faces[0][:, 0].mean() < 320 < first.faces[1][:, 0].mean()
    louder = [int(moment.levels[1] > moment.levels[0]) for moment in found.moments]
    assert louder == [int((moment.seconds + 0.37) // 4) % 2 for moment in found.moments], "who has the turn"
    facts = dict(checked(found).facts)
    assert facts["right starts"] == "0.37 s after left (from sound)"
    assert facts["left.mp4"].startswith("320 x 240") and facts["right.mp4"].startswith("320 x 320")

    (two_files / "right.mp4").unlink()
    assert main(["check", str(two_files), "--out", str(tmp_path / "check.html")]) == 1
    assert "talk/ has no video called right" in capsys.readouterr().out


def test_the_louder_microphone_says_who_speaks():
    one = replace(moment(0), levels=(0.2, 0.9))
    assert one.speaker == 1 and replace(one, levels=None).speaker == 0 and replace(one, speech=0.0).speaker is None
    assert replace(one, levels=(0.8, 0.9)).speaker == 0, "where both hear the same, lips say it"


def test_two_files_with_the_same_sound_are_named():
    moments = [replace(moment(0), levels=(0.8, 0.9)), replace(moment(1), levels=(0.3, 0.3))]
    two = Aligned((Path("left.mp4"), Path("right.mp4")), [FINE, FINE], [0.0, 0.0], 60.0, 0.0, {"from": "sound"})
    found = checked(Glance(Path("talk"), {"left.mp4": FINE, "right.mp4": FINE}, 60.0, moments, two))
    assert "Both files seem to hold the same sound" in found.warnings[0]
