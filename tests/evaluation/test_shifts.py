import numpy as np
import pytest

from l2l.dataset.layout import first_frames
from l2l.evaluation.shifts import Timeline, elsewhere

LENGTH = 64


def timeline(starts: dict[str, list[int]]) -> Timeline:
    """Windows at these frames of some recordings; every frame's face and sound hold recording and frame number."""
    names = [name for name, at in starts.items() for _ in at]
    first = np.array([frame for at in starts.values() for frame in at])
    number = np.array([1000.0 * list(starts).index(name) for name in names])
    faces = (number[:, None] + first[:, None] + np.arange(LENGTH))[..., None] * np.ones(184)
    rows = number[:, None] + first[:, None] + np.arange(4 * LENGTH) / 4
    return Timeline(faces, rows[..., None] * np.ones(128), np.array(names), first)


def moments(line: Timeline, begins: np.ndarray) -> np.ndarray:
    """(N, 64) what frames a speaker shows, after checking that sound and picture belong together."""
    speaker = line.speaker(begins)
    np.testing.assert_array_equal(speaker.audio[:, ::4, 0], speaker.faces[..., 0])
    assert speaker.faces.shape[1:] == (64, 56) and speaker.audio.shape[1:] == (256, 128)
    return speaker.faces[..., 0]


@pytest.mark.parametrize("stride", [32, 64])
def test_a_shifted_speaker_is_a_stretch_of_the_same_recording_at_least_so_far_away(stride: int) -> None:
    starts = list(range(7, 900, stride))
    line = timeline({"a": starts, "b": starts})
    shifts = line.shifts(100, 120, seed=0)
    assert len(shifts) == 100 and shifts.within.all()
    for begins in shifts.begins:
        shown = moments(line, begins)
        assert (np.diff(shown, axis=1) == 1).all()  # no gap
        own = np.concatenate([starts, 1000 + np.array(starts)])
        assert (shown // 1000 == own[:, None] // 1000).all()
        assert (np.abs(shown[:, 0] - own) >= 120).all()
    assert len({tuple(begins) for begins in shifts.begins}) == 100


def test_gaps_between_turns_are_never_crossed() -> None:
    line = timeline({"a": [0, 64, 500, 532, 900]})
    assert set(line.frame[line.stretches].tolist()) == {*range(65), *range(500, 533), 900}


def test_short_recordings_borrow_from_others() -> None:
    line = timeline({"a": [0], "b": [0, 64, 128, 192, 256, 320, 384]})
    shifts = line.shifts(50, 120, seed=0)
    assert len(shifts) == 50 and not shifts.within[0] and shifts.within[1:].all()
    assert all(moments(line, begins)[0, 0] >= 1000 for begins in shifts.begins)


def test_without_another_moment_there_are_no_shifts() -> None:
    assert not len(timeline({"a": [0, 32]}).shifts(10, 120, seed=0))


def test_shifts_follow_their_seed() -> None:
    line = timeline({"a": list(range(0, 900, 32))})
    one, two, other = (line.shifts(20, 120, seed) for seed in (1, 1, 2))
    assert len(one) == 20
    np.testing.assert_array_equal(one.begins, two.begins)
    assert (one.begins != other.begins).any()


def test_frame_numbers_are_read_or_else_no_window_follows_another() -> None:
    files = np.zeros((3, LENGTH, 3), "<U8")
    files[:, 0] = [["a", "0", "10"], ["a", "0", "42"], ["b", "0", "7"]]
    assert first_frames(files).tolist() == [10, 42, 7]
    files[0, 0, 2] = "x"
    assert first_frames(files).tolist() == [0, LENGTH + 1, 0]


def test_another_recording_is_never_the_same() -> None:
    names = np.array(list("aabbbc"))
    other = elsewhere(names, seed=0)
    assert other is not None and (names[other] != names).all()
    assert elsewhere(np.array(["a", "a"]), seed=0) is None
