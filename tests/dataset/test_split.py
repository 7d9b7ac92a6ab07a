"""The split is by recording, and does not change under a user's hands."""

import pytest

from l2l.dataset.split import split_videos
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
