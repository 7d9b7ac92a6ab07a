"""synchronise: sound that is surely late is moved once; what is not sure is a warning or nothing."""

import json

import numpy as np
import pytest
import soundfile

from l2l.recordings.synchronise import move_again, moved_by, sync_warning, synchronise
from tests.speech.lips import write_talk


def heard(folder):
    return soundfile.read(folder / "audio.wav", dtype="int16")[0]


def report(folder):
    return json.loads((folder / "sync.json").read_text())


@pytest.fixture(scope="module")
def late(tmp_path_factory):
    """A talk whose sound was eight frames late, moved; and its sound before."""
    folder = write_talk(tmp_path_factory.mktemp("late"), 750, late=8)
    before = heard(folder)
    synchronise(folder, correct=True, of="key")
    return folder, before


def test_late_sound_is_moved_and_said(late):
    folder, before = late
    skip = round(8 * 16_000 / 30)
    np.testing.assert_array_equal(heard(folder), np.concatenate([before[skip:], np.zeros(skip, np.int16)]))
    assert report(folder)["moved"] == moved_by(folder / "audio.wav") == 8
    assert sync_warning(folder) == ("its sound was 0.27 s late and has been moved", False)


def test_nothing_is_moved_twice(late):
    folder, _ = late
    once = heard(folder)
    synchronise(folder, correct=True, of="key")
    np.testing.assert_array_equal(heard(folder), once)
    assert report(folder)["moved"] == 8 and report(folder)["late"] == 0


@pytest.mark.parametrize(("of", "moved"), [("key", 8), ("of another file", 0)])
def test_sound_that_is_made_anew_is_moved_again(late, tmp_path, of, moved):
    folder, before = late
    (tmp_path / "sync.json").write_text((folder / "sync.json").read_text())
    soundfile.write(tmp_path / "audio.wav", before, 16_000)
    move_again(tmp_path, of)
    assert moved_by(tmp_path / "audio.wav") == moved
    np.testing.assert_array_equal(heard(tmp_path), heard(folder) if moved else before)


def test_without_leave_late_sound_is_a_warning(tmp_path):
    folder = write_talk(tmp_path, 750, late=-6)
    before = heard(folder)
    synchronise(folder, correct=False)
    np.testing.assert_array_equal(heard(folder), before)
    assert sync_warning(folder) == ("its sound is 0.20 s early, as the lips say", True)


def test_of_sound_in_time_or_of_other_people_nothing_is_said(tmp_path):
    synchronise(write_talk(tmp_path / "two", 750, late=2), correct=True)
    synchronise(write_talk(tmp_path / "other", 750, heard=False), correct=True)
    assert sync_warning(tmp_path / "two") == sync_warning(tmp_path / "other") == ("", False)
    assert sync_warning(tmp_path / "none") == ("", False)
