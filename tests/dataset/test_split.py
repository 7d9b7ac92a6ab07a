"""The split is by recording, and does not change under a user's hands."""

import pytest

from l2l.dataset.split import divided, is_alone, split_videos
from l2l.errors import UserError

NAMES = [f"video_{k}" for k in range(10)]


def test_every_recording_is_on_exactly_one_side():
    training, testing = split_videos(NAMES, (), 0.2)
    assert sorted(training + testing) == NAMES and len(testing) == 2


def test_named_test_recordings_win():
    assert split_videos(NAMES, ("video_3",), 0.5)[1] == ["video_3"]


def test_two_recordings_give_one_test_and_one_gives_none():
    assert [len(part) for part in split_videos(NAMES[:2], (), 0.01)] == [1, 1]
    assert split_videos(NAMES[:1], (), 0.5) == (["video_0"], [])


def test_order_of_listing_does_not_matter():
    assert split_videos(NAMES[::-1], (), 0.3) == split_videos(NAMES, (), 0.3)


def test_an_unknown_test_recording_is_named():
    with pytest.raises(UserError, match="'nobody'"):
        split_videos(NAMES, ("nobody",), 0.2)


def test_one_alone_is_divided_at_its_last_listening_with_a_gap():
    train, test = list(range(0, 900, 32)), list(range(0, 900, 64))
    found = divided(train, test, 0.2, "talk")
    assert found["test"] == [768, 832, 896] and found["train"] == [start for start in train if start + 64 + 150 <= 768]
    assert divided(train, test, 0.01, "talk")["test"] == [896]
    for few in ([], [0, 64]):
        with pytest.raises(
            UserError, match=r"talk is the only recording, and has too few windows .*; give a longer one"
        ):
            divided(few, few, 0.5, "talk")
    assert is_alone({"train": ["a"], "test": []}, 0.2)
    assert not any((is_alone({"train": ["a"], "test": []}, 0), is_alone({"train": ["a", "b"], "test": []}, 0.2)))
