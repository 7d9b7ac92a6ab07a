"""A recording of any length goes through windows and comes out as long as it was, nothing moved and nothing louder."""

import itertools

import numpy as np
import pytest
import soundfile

from l2l.speech.multisensory.windows import (
    NETWORK_RATE,
    Joined,
    Size,
    fade,
    first_sample,
    mixture,
    pictures,
    size_of,
    starts,
    windows,
)
from tests.media import noise_video


def test_windows_have_the_original_s_sizes():
    sizes = {1: (63, 44144, 128), 2: (125, 87588, 256), 4: (248, 173774, 512), 8: (494, 346146, 1024)}
    assert {multiple: size_of(multiple) for multiple in sizes} == {m: Size(*size) for m, size in sizes.items()}


@pytest.mark.parametrize("seconds", [0.1, 2.0, 2.2, 5.0, 61.7])
@pytest.mark.parametrize("overlap", [0.05, 0.5, 0.75])
def test_windows_cover_the_whole_recording_without_a_gap(seconds, overlap):
    size, samples = size_of(1), round(seconds * 16000)
    places = starts(samples, size, overlap)
    length = 336 * (size.rows - 1) + 1344
    assert places[0] == 0 and places == sorted(places)
    assert first_sample(places[-1]) + length >= samples * NETWORK_RATE / 16000
    assert all(first_sample(b) < first_sample(a) + length for a, b in itertools.pairwise(places))


def test_sound_goes_to_21_khz_and_back_in_pieces_as_it_was(tmp_path):
    time = np.arange(16000 * 12 + 7) / 16000
    sound = (0.3 * np.sin(2 * np.pi * 440 * time) + 0.2 * np.sin(2 * np.pi * 3000 * time)).astype(np.float32)
    soundfile.write(tmp_path / "in.wav", sound, 16000, subtype="FLOAT")
    size = size_of(1)
    places = starts(len(sound), size, 0.3)
    with soundfile.SoundFile(tmp_path / "in.wav") as source:
        with soundfile.SoundFile(tmp_path / "out.wav", "w", 16000, 1, "FLOAT") as target:
            joined = Joined(target, len(sound))
            firsts = map(first_sample, places)
            for place, window in zip(places, windows(mixture(source), firsts, size.samples), strict=True):
                exact = np.arange(first_sample(place), first_sample(place) + len(window)) / NETWORK_RATE
                inside = (exact > 0.05) & (exact < time[-1] - 0.05)
                wanted = 0.3 * np.sin(2 * np.pi * 440 * exact) + 0.2 * np.sin(2 * np.pi * 3000 * exact)
                np.testing.assert_allclose(window[inside], wanted[inside], atol=1e-3)
                weight = fade(len(window), 10000, place == places[0], place == places[-1])
                joined.add(first_sample(place), weight * window, weight)
            joined.close()
    found, _ = soundfile.read(tmp_path / "out.wav")
    assert len(found) == len(sound)
    np.testing.assert_allclose(found[500:-500], sound[500:-500], atol=2e-3)


def test_neighbours_are_cross_faded(tmp_path):
    with soundfile.SoundFile(tmp_path / "out.wav", "w", 16000, 1, "FLOAT") as target:
        joined = Joined(target, 16000 * 3)
        for number, value in enumerate((0.2, 0.6)):
            weight = fade(2 * NETWORK_RATE, NETWORK_RATE, number == 0, number == 1)
            joined.add(number * NETWORK_RATE, weight * value, weight)
        joined.close()
    found, _ = soundfile.read(tmp_path / "out.wav")
    assert found[8000] == pytest.approx(0.2, abs=1e-3) and found[40000] == pytest.approx(0.6, abs=1e-3)
    np.testing.assert_allclose(
        found[17000:31000], np.interp(np.arange(17000, 31000), [16000, 32000], [0.2, 0.6]), atol=2e-3
    )


def test_pictures_are_squeezed_cut_and_slowed_to_the_network_s_clock(tmp_path):
    video = noise_video(tmp_path / "a.mp4", seconds=20, size="96x64")
    first, late = windows(pictures(video), [0, 510], 3)  # the second after one frame was left out
    assert first.shape == (3, 224, 224, 3) and first.dtype == np.uint8
    (straight,) = windows(pictures(video), [0], 700)
    np.testing.assert_array_equal(straight[510:513], late)
    assert (straight[598:] == straight[598]).all()  # 600 frames are 599 pictures, then the last one stays
    assert not (straight[597] == straight[598]).all()
