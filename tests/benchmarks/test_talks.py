"""Made-up conversations: turns, own turns and silences, written as windows alone and whole."""

from pathlib import Path

import numpy as np

from benchmarks import dyads
from benchmarks.recordings import Conversations
from benchmarks.talks import talk, write
from l2l.dataset.conversations import conversation_files, load_conversations
from l2l.dataset.layout import dataset_files, load_chunks
from l2l.speech.intervals import intervals


def test_turns_alternate_and_some_silences_are_long():
    made = [talk(0, number, 120.0) for number in range(3)]
    longest = max(end - start for t in made for start, end in intervals(~t.floor.any(1)))
    assert 3 * 30 < longest < 15 * 30
    for t in made:
        own = t.floor[:, 0] & ~t.floor[:, 1]
        assert 0.2 < own.mean() < 0.5
        jaw = np.abs(np.diff(t.motion[:, 53])).mean
        assert jaw(where=own[1:]) > 2 * jaw(where=t.listens[1:]), "they speak in their own turns"
        assert all(t.listens[start : start + 64].all() for start in t.starts) and len(t.starts) > 20
        # Every pause is the end of something said in a turn of the other.
        assert t.floor[np.maximum(t.speaker.pauses - 3, 0), 1].mean() > 0.9


def test_a_listener_in_a_conversation_is_that_of_answers_beside_own_speech():
    made = talk(0, 1, 60.0)
    found = dyads.listen(0, 1, made.speaker)
    quiet = made.listens & (np.abs(made.motion - found).max(1) == 0)
    assert quiet.sum() > 0.9 * made.listens.sum()


def test_both_kinds_of_training_data_have_the_same_windows(tmp_path: Path):
    for name, whole in (("turns", False), ("talks", True)):
        write(tmp_path / name, 3, 2, whole)
    turns, talks = (tmp_path / name for name in ("turns", "talks"))
    for one, other in zip(dataset_files(turns, "train"), dataset_files(talks, "train"), strict=True):
        assert one.read_bytes() == other.read_bytes()
    assert not any(path.exists() for path in conversation_files(turns))
    found, windows = load_conversations(talks, "train", "left"), load_chunks(talks, "train", "left")
    assert found is not None
    made = talk(3, 1, 120.0)
    np.testing.assert_array_equal(found.people["left"].faces[3600:], made.motion)
    np.testing.assert_array_equal(found.listens[3600:], made.listens)
    row = windows.videos.tolist().index("train001")
    start = 3600 + int(windows.files[row, 0, 2])
    np.testing.assert_array_equal(found.people["left"].faces[start : start + 64], windows.listener[row, :, :56])
    np.testing.assert_array_equal(found.heard.mel[4 * start : 4 * start + 256], windows.audio[row])


def test_likelihoods_of_conversations_are_of_what_counts(monkeypatch):
    monkeypatch.setattr("benchmarks.recordings.TEST", 1)
    assert "counted" not in Conversations("answers").asked()
    asked = Conversations("talks").asked()
    assert asked["counted"].shape == asked["truth"].shape[:2] and not asked["counted"].all()
