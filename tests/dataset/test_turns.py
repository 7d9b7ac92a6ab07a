"""Turns and windows: one person has the floor, the other listens, every frame is usable."""

import numpy as np

from l2l.dataset.turns import Turn, continuous, find_turns, has_floor, windows


def speaks(frames, *utterances):
    mask = np.zeros((frames, 2), bool)
    for person, start, end in utterances:
        mask[start:end, person] = True
    return mask


def turns(mask):
    return find_turns(mask, max_pause=1.0, max_backchannel=1.0)


def test_pauses_do_not_end_a_turn_and_long_silence_does():
    assert turns(speaks(400, (0, 0, 60), (0, 80, 150), (0, 200, 260))) == [Turn(0, 0, 150), Turn(0, 200, 260)]


def test_with_a_longer_pause_allowed_windows_hold_the_silence():
    found = find_turns(speaks(800, (0, 0, 60), (0, 420, 500)), max_pause=20.0, max_backchannel=1.0)  # 12 s
    assert found == [Turn(0, 0, 500)]
    assert {128, 192, 256} < set(windows(found, [(0, 800)], 64, 64)[1])


def test_a_backchannel_is_no_turn():
    found = turns(speaks(300, (0, 0, 100), (1, 105, 120), (0, 125, 250), (1, 180, 195)))
    assert found == [Turn(0, 0, 250)]


def test_a_short_answer_that_ends_the_talk_is_a_turn():
    assert turns(speaks(300, (0, 0, 100), (1, 110, 130))) == [Turn(0, 0, 100), Turn(1, 110, 130)]


def test_the_floor_changes_with_the_speaker():
    found = turns(speaks(400, (0, 0, 100), (1, 110, 220), (0, 230, 330)))
    assert [turn.speaker for turn in found] == [0, 1, 0]


def test_windows_lie_inside_turns_and_the_other_person_listens():
    found = windows([Turn(0, 10, 150), Turn(1, 160, 230)], [(0, 400)], 64, 32)
    assert found == {0: [160], 1: [10, 42, 74]}


def test_windows_keep_off_unusable_frames_and_cuts():
    usable, segment = np.ones(300, bool), np.zeros(300, int)
    usable[70] = False
    segment[150:] = 1
    found = windows([Turn(1, 0, 300)], continuous(usable, segment), 64, 64)[0]
    assert found == [0, 71, 150, 214]
    for start in found:
        assert usable[start : start + 64].all() and len(set(segment[start : start + 64])) == 1


def test_a_turn_that_is_too_short_gives_no_window():
    assert windows([Turn(0, 0, 63)], [(0, 63)], 64, 1) == {0: [], 1: []}


def test_both_have_the_floor_while_one_takes_over_and_nobody_in_a_silence():
    floor = has_floor([Turn(0, 10, 50), Turn(1, 40, 80)], 100)
    assert np.flatnonzero(floor.all(1)).tolist() == list(range(40, 50))
    assert np.flatnonzero(~floor.any(1)).tolist() == [*range(10), *range(80, 100)]
