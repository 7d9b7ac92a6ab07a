"""Is the same material in several recordings?"""

import numpy as np
import pytest
import soundfile

from l2l.recordings.recordings import Recording
from l2l.recordings.repeated import fingerprint, shared, with_repeats
from l2l.units import SAMPLE_RATE

SECONDS = 30


def sound(seed: int, seconds: float = SECONDS) -> np.ndarray:
    """Tones that come and go as the formants of a voice do."""
    random, time = np.random.default_rng(seed), np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    grid = np.arange(0, seconds + 0.2, 0.1)
    out = np.zeros(len(time))
    for low, high in ((300, 700), (700, 1200), (1200, 2000)):
        pitch, level = random.uniform(low, high, len(grid)), random.uniform(0, 0.2, len(grid))
        out += np.interp(time, grid, level) * np.sin(2 * np.pi * np.cumsum(np.interp(time, grid, pitch)) / SAMPLE_RATE)
    return out + 0.003 * random.standard_normal(len(time))


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("videos")
    noise = 0.01 * np.random.default_rng(9).standard_normal(SECONDS * SAMPLE_RATE)
    whole = sound(0)
    jingle = np.concatenate([whole[: 5 * SAMPLE_RATE], sound(2, SECONDS - 5)])
    sounds = {
        "whole": whole,
        "part": 0.3 * (whole + noise)[round(7.31 * SAMPLE_RATE) : round(27.2 * SAMPLE_RATE)],
        "other": sound(1),
        "jingle": jingle,
        "silent": np.zeros(SECONDS * SAMPLE_RATE),
    }
    for name, samples in sounds.items():
        (folder / name).mkdir()
        soundfile.write(folder / name / "audio.wav", samples, SAMPLE_RATE, subtype="PCM_16")
    return folder


def test_what_two_recordings_share_is_found_wherever_it_begins(videos):
    prints = {name: fingerprint(videos / name / "audio.wav") for name in ("whole", "part", "other", "jingle", "silent")}
    assert shared(prints["whole"], prints["part"]) == pytest.approx(19.9, abs=4)
    assert shared(prints["part"], prints["whole"]) == pytest.approx(19.9, abs=4)
    assert shared(prints["whole"], prints["other"]) == 0
    assert shared(prints["jingle"], prints["whole"]) < 9
    assert shared(prints["silent"], prints["silent"]) == shared(prints["silent"], prints["whole"]) == 0


def test_recordings_of_the_same_material_are_named(videos):
    rows = [Recording(name, split="train", seconds=SECONDS) for name in ("jingle", "other", "silent", "whole")]
    rows += [Recording("part", split="test", seconds=19.9, warnings="its sound is clipped in 1.0% of its samples")]
    said = {row.name: row.warnings for row in with_repeats(rows, videos)}
    why = "too, one for training and the other for testing: leave one of them out"
    assert said["whole"].endswith(f"s of it are in part {why}") and " in whole " in said["part"]
    assert said["part"].endswith("; its sound is clipped in 1.0% of its samples")
    assert not said["jingle"] + said["other"] + said["silent"]
    assert with_repeats(rows[:1], videos) == rows[:1]
