"""sync: the lag of sound behind lips is found, and is certain only where lips and sound belong together."""

import numpy as np
import pytest

from l2l.speech.sync import band_levels, best_lag, lip_sync
from l2l.video.tracks import load_tracks
from tests.speech.lips import write_talk


def measured(folder):
    return lip_sync(load_tracks(folder / "tracks.npz"), folder / "audio.wav")


@pytest.mark.parametrize("late", [-12, -1, 0, 7, 12])
def test_the_lag_of_a_talk_is_found_to_the_frame(tmp_path, late):
    found = measured(write_talk(tmp_path, 900, late))
    assert found.late == late and found.certain


def test_the_sound_of_other_people_is_never_certain(tmp_path):
    found = [measured(write_talk(tmp_path, 900, heard=False, seed=seed)) for seed in range(5)]
    assert not any(sync.certain for sync in found)


def test_too_little_or_nothing_to_hear_is_not_certain(tmp_path):
    assert not measured(write_talk(tmp_path, 200)).certain
    still = np.zeros((900, 2))
    assert not best_lag(still, np.ones((900, 2), bool), np.zeros((900, 3))).certain


def test_a_level_is_that_of_its_frame_at_both_ends(tmp_path):
    write_talk(tmp_path, 90)
    whole = band_levels(tmp_path / "audio.wav", 90)
    np.testing.assert_array_equal(band_levels(tmp_path / "audio.wav", 60), whole[:60])
    assert band_levels(tmp_path / "audio.wav", 120)[100:].max() == 0
