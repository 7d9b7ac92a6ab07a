"""Windows that follow one another become whole sequences again."""

import dataclasses

import numpy as np
import pytest

from l2l.dataset.layout import load_chunks
from l2l.features.sequences import chain, cut, join, joined, tiles
from l2l.features.sound import frame_sound, is_power
from tests.synthetic import write_chunks


@pytest.mark.parametrize("stride", [8, 32, 64])
def test_windows_of_any_stride_join_to_the_recording_they_were_cut_from(tmp_path, stride):
    chunks = load_chunks(write_chunks(tmp_path, windows=5, videos=2, stride=stride), "train", "left")
    whole = np.concatenate([chunks.listener[:5, :stride].reshape(-1, 184), chunks.listener[4, stride:]])[:, :56]
    order = np.random.default_rng(0).permutation(10)  # a split may hand the rows over in any order
    sequences = joined(chunks, chain(chunks, order))
    assert len(sequences) == 2
    assert sequences.lengths.tolist() == [64 + 4 * stride] * 2
    np.testing.assert_array_equal(sequences.listener[sequences.of(0)], whole)
    sound = frame_sound(
        np.concatenate([chunks.audio[:5, : 4 * stride].reshape(-1, 128), chunks.audio[4, 4 * stride :]]), True
    )
    faces, heard = sequences.heard(0, True)
    np.testing.assert_allclose(heard, sound)
    assert faces.shape == (64 + 4 * stride, 56)


def test_a_speaker_is_read_when_it_is_asked_for(tmp_path):
    chunks = load_chunks(write_chunks(tmp_path, windows=5, videos=2), "train", "left")
    nothing = dataclasses.replace(chunks, speaker=None, audio=None)
    sequences, _ = join(nothing, np.arange(5), np.arange(5, 10))
    assert sequences.listener.shape == (2 * 192, 56)
    for ask in (sequences.see, sequences.hear):
        with pytest.raises(TypeError):
            ask(0)


def test_a_gap_ends_a_sequence(tmp_path):
    chunks = load_chunks(write_chunks(tmp_path, windows=6, videos=1), "train", "left")
    chains = chain(chunks, np.array([0, 1, 4, 5]))
    assert [[piece.row for piece in pieces] for pieces in chains] == [[0, 1], [4, 5]]
    assert [piece.at for piece in chains[1]] == [0, 32]


def test_a_window_twice_brings_nothing_new(tmp_path):
    chunks = load_chunks(write_chunks(tmp_path, windows=3, videos=1), "train", "left")
    sequences = joined(chunks, chain(chunks, np.array([0, 0, 1, 2])))
    assert sequences.lengths.tolist() == [128]


def test_training_and_validation_share_no_sequence(tmp_path):
    chunks = load_chunks(write_chunks(tmp_path, windows=4, videos=3), "train", "left")
    sequences, training = join(chunks, np.arange(8), np.arange(8, 12))
    assert training == 2
    assert sequences.videos.tolist() == ["train0", "train1", "train2"]


def test_crops_stay_inside_their_sequence(tmp_path):
    chunks = load_chunks(write_chunks(tmp_path, windows=3, videos=2), "train", "left")
    sequences, _ = join(chunks, np.arange(6), np.arange(0))
    places = tiles(sequences.lengths, np.array([0, 1]), 80)
    assert places.tolist() == [[0, 0], [0, 80], [1, 0], [1, 80]]
    crops = cut(sequences, places[:, 0], places[:, 1], 80)
    assert crops.inside.sum() == sequences.lengths.sum()
    assert sorted(crops.frames[crops.inside]) == list(range(256))
    assert (crops.frames[1] <= 127).all() and (crops.frames[2] >= 128).all()


def test_power_is_made_logarithmic_and_other_features_are_left_alone():
    rows = np.full((8, 128), np.e**2, np.float32)
    np.testing.assert_allclose(frame_sound(rows, is_power(rows)), 2.0, rtol=1e-4)
    rows[0, 0] = -1
    assert not is_power(rows)
    np.testing.assert_allclose(frame_sound(rows, is_power(rows))[1], np.e**2, rtol=1e-6)
