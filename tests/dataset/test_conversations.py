"""Whole conversations: written beside the windows, read as they were recorded, divided as the windows are."""

from pathlib import Path

import numpy as np
import pytest

from l2l import config
from l2l.dataset.chunks import chunk
from l2l.dataset.conversations import Conversations, conversation_files, conversation_paths, load_conversations
from l2l.dataset.folds import write_fold
from l2l.dataset.layout import dataset_files, load_chunks
from l2l.dataset.together import gather, identities
from l2l.errors import UserError
from l2l.faces.store import write_faces
from l2l.features.sequences import whole
from l2l.features.sound import frame_sound
from l2l.sides import SIDES
from l2l.speech.speaking import write_speaking
from tests.synthetic import write_chunks

FRAMES = 900
NAMES = {"train": ["first", "second"], "test": ["third"]}


def record(folder: Path, number: int) -> None:
    """The left person speaks in frames 0-249, the right one in 260-559 and 750-899, and nobody between. Frame 300 shows
    one face only; at 600 there is a cut. Every value names its frame."""
    folder.mkdir(parents=True)
    probability = np.zeros((FRAMES, 2), np.float32)
    probability[:250, 0], probability[260:560, 1], probability[750:, 1] = 1, 1, 1
    write_speaking(folder / "speaking.npz", folder / "speaking.rttm", probability, np.ones(FRAMES), folder.name)
    for place, side in enumerate(SIDES):
        faces = np.arange(FRAMES)[:, None] + np.full((1, 56), 1e3 * place + 1e4 * number)
        valid, segment = np.ones(FRAMES, bool), np.zeros(FRAMES)
        valid[300], segment[600:] = place == 0, 1
        write_faces(folder / f"faces_{side}.npz", faces, valid, segment, np.zeros((468, 3)))
        rows = np.arange(4 * FRAMES)[:, None] + np.full((1, 128), 1e5 * place)
        np.save(folder / f"mel_{side}.npy", rows.astype(np.float32))


@pytest.fixture
def person(tmp_path: Path) -> Path:
    for number, name in enumerate(["first", "second", "third"]):
        record(tmp_path / "videos" / name, number)
    chunk(tmp_path / "videos", NAMES, tmp_path / "alice", "left", config.ChunkingSettings(), "alice", {"second"})
    return tmp_path / "alice"


def read(folder: Path, *about) -> Conversations:
    found = load_conversations(folder, *about)
    assert found is not None
    return found


def test_what_is_continuous_is_kept_as_it_was_recorded(person: Path) -> None:
    found = read(person, "train", "left")
    parts = [(0, 300), (301, 299), (600, 300)]
    assert [tuple(s) for s in found.stretches] == [(name, *part) for name in NAMES["train"] for part in parts]
    frames = np.concatenate([np.arange(first, first + length) for first, length in parts])
    for side, place in (("left", 0), ("right", 1)):
        own = found.people[side]
        # In the second recording the listener sits on the other side.
        wanted = np.concatenate([frames + 1e3 * place, frames + 1e3 * (1 - place) + 1e4])
        np.testing.assert_array_equal(own.faces, np.repeat(wanted[:, None], 56, 1))
        sound = np.concatenate([4 * frames + 1e5 * place, 4 * frames + 1e5 * (1 - place)])
        np.testing.assert_array_equal(own.mel[::4, 5], sound)


def test_the_listener_listens_in_silences_but_not_in_own_turns(person: Path) -> None:
    found = read(person, "test", "left")
    frames = np.concatenate([np.arange(s.first, s.first + s.length) for s in found.stretches])
    np.testing.assert_array_equal(found.listens, frames >= 250)
    np.testing.assert_array_equal(
        read(person, "test", "right").listens, (frames < 260) | ((frames >= 560) & (frames < 750))
    )


def test_every_window_lies_in_a_stretch_and_is_listened_to(person: Path) -> None:
    for side in SIDES:
        found, windows = read(person, "train", side), load_chunks(person, "train", side)
        assert len(windows)
        listens = {}
        row = 0
        for name, first, length in found.stretches:
            listens |= {(name, str(first + k)): found.listens[row + k] for k in range(length)}
            row += length
        assert all(listens[str(name), str(frame)] for window in windows.files for name, _, frame in window)


def test_the_published_files_are_alone_in_their_folders(person: Path) -> None:
    there = {path for split in NAMES for path in (person / split).iterdir()}
    assert there == set(dataset_files(person))
    assert {path for path in person.rglob("*.npy")} == there | set(conversation_files(person))


def test_a_fold_trains_on_the_conversations_of_its_recordings(person: Path, tmp_path: Path) -> None:
    tested = set()
    for fold in (1, 2, 3):
        write_fold(person, fold, 3, "left", tmp_path / str(fold))
        found = read(tmp_path / str(fold), "train", "left")
        names = {stretch.recording for stretch in found.stretches}
        assert names == set(load_chunks(tmp_path / str(fold), "train", "left").videos.tolist())
        tested |= {"first", "second", "third"} - names
        others = read(tmp_path / str(fold), "test", "left")
        assert {stretch.recording for stretch in others.stretches} == {"first", "second", "third"} - names
        begins = np.cumsum([0] + [stretch.length for stretch in found.stretches])
        for stretch, row in zip(found.stretches, begins, strict=False):
            own = "right" if stretch.recording == "second" else "left"
            number = ["first", "second", "third"].index(stretch.recording)
            assert found.people["left"].faces[row, 0] == stretch.first + 1e3 * SIDES.index(own) + 1e4 * number
    assert tested == {"first", "second", "third"}


def alone(tmp_path: Path, test_share: float) -> Path:
    record(tmp_path / "videos/first", 0)
    split, settings = {"train": ["first"], "test": []}, config.ChunkingSettings(test_share=test_share)
    chunk(tmp_path / "videos", split, tmp_path / "alice", "left", settings, "alice")
    return tmp_path / "alice"


def test_a_recording_that_is_alone_is_divided_as_its_windows_are(tmp_path: Path) -> None:
    alone(tmp_path, 0.2)
    begin = int(load_chunks(tmp_path / "alice", "test", "left").files[0, 0, 2])
    train, test = (
        [stretch[1:] for stretch in read(tmp_path / "alice", split, "left").stretches] for split in ("train", "test")
    )
    assert begin == 814
    assert train == [(0, 300), (301, 299), (600, 64)] and test == [(814, 86)]
    with pytest.raises(UserError, match="do not hold all windows; make the chunks again, for this listener"):
        windows = load_chunks(tmp_path / "alice", "train", "left")
        whole(read(tmp_path / "alice", "test", "left"), windows, np.arange(1), np.arange(1, 3))


def test_blocks_of_one_recording_leave_out_their_frames_and_a_gap(tmp_path: Path) -> None:
    alone(tmp_path, 0)
    write_fold(tmp_path / "alice", 1, 2, "left", tmp_path / "fold")
    windows, found = load_chunks(tmp_path / "alice", "train", "left"), read(tmp_path / "fold", "train", "left")
    starts = np.sort(windows.files[:, 0, 2].astype(int))
    begin = int(starts[len(starts) // 2]) + 150
    assert [(s.first, s.length) for s in found.stretches] == [(0, starts.min() - 150), (begin, 900 - begin)]
    tested = read(tmp_path / "fold", "test", "left").stretches
    assert tested[0].first == starts.min() and tested[-1].first + tested[-1].length <= begin - 150


def test_sequences_are_for_what_the_windows_are_for(person: Path) -> None:
    found, windows = read(person, "train", "left"), load_chunks(person, "train", "left")
    rows = np.arange(len(windows))
    train, held = rows[windows.videos == "first"], rows[windows.videos == "second"]
    sequences, training = whole(found, windows, train, held)
    assert sequences.videos.tolist() == ["first"] * 3 + ["second"] * 3 and training == 3
    own = sequences.of(0)
    assert not sequences.counted[own][:250].any() and sequences.counted[own][250:].all()
    np.testing.assert_array_equal(sequences.listener[own], found.people["left"].faces[:300])
    np.testing.assert_array_equal(sequences.see(0), found.people["right"].faces[:300])
    np.testing.assert_array_equal(sequences.heard(0, True)[1], frame_sound(found.people["right"].mel[:1200], True))

    # Of a single recording, what begins with the first window for validation is for validation.
    first = int(windows.files[train[-2], 0, 2])
    sequences, training = whole(found, windows, train[:-2], train[-2:])
    assert training == sequences.videos.tolist().index("second") + 3
    lengths = [tuple(pair) for pair in zip(sequences.videos, sequences.lengths, strict=True)]
    assert sum(n for name, n in lengths[training:] if name == "first") == 900 - first


def test_what_is_not_of_the_windows_or_damaged_is_named(person: Path) -> None:
    found, windows = read(person, "train", "left"), load_chunks(person, "test", "left")
    with pytest.raises(UserError, match=r"do not hold the recording 'third'; make the chunks again"):
        whole(found, windows, np.arange(1), np.arange(1))
    paths = conversation_paths(person, "train")
    faces = np.load(paths["faces_left"])
    faces[3, 3] = np.nan
    np.save(paths["faces_left"], faces)
    windows = load_chunks(person, "train", "left")
    with pytest.raises(UserError, match=r"NaN, infinity or numbers above .* in the recording 'first', from frame 0 on"):
        whole(read(person, "train", "left"), windows, np.arange(3), np.arange(3, len(windows)))
    np.save(paths["faces_left"], faces[:-1])
    with pytest.raises(UserError, match=r"faces_left\.npy has shape \(1797, 56\), expected \(1798, 56\)"):
        load_conversations(person, "train", "left")
    paths["stretches"].unlink()
    with pytest.raises(UserError, match=r"stretches\.npy is missing; make it with `l2l chunk`"):
        load_conversations(person, "train", "left")


def test_those_of_several_people_are_put_together_with_everybody_on_the_left(person: Path, tmp_path: Path) -> None:
    people = {"alice": (person, "left"), "bob": (person, "right")}
    gather(people, tmp_path / "all")
    found, windows = read(tmp_path / "all", "train", "left"), load_chunks(tmp_path / "all", "train", "left")
    parts = {name: read(folder, "train", side) for name, (folder, side) in people.items()}
    assert [s.recording for s in found.stretches] == [
        f"{name}/{stretch.recording}" for name, part in parts.items() for stretch in part.stretches
    ]
    for part in ("faces", "mel", "floor"):
        sides = {"left": [("alice", "left"), ("bob", "right")], "right": [("alice", "right"), ("bob", "left")]}
        for side, own in sides.items():
            wanted = np.concatenate([getattr(parts[name].people[seat], part) for name, seat in own])
            np.testing.assert_array_equal(getattr(found.people[side], part), wanted)
    sequences, training = whole(found, windows, np.arange(len(windows))[:-1], np.arange(len(windows))[-1:])
    assert 0 < training < len(sequences)
    who = identities(["alice", "bob"], sequences.videos)
    assert who is not None and who.tolist() == [int(video.startswith("bob/")) for video in sequences.videos.tolist()]
    assert read(tmp_path / "all", "test", "left").stretches[0].recording == "alice/third"


def test_windows_from_elsewhere_have_none_and_leave_none_of_earlier_ones(
    person: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_chunks(tmp_path / "carl"), write_chunks(tmp_path / "carl", split="test")
    people = {"alice": (person, "left"), "carl": (tmp_path / "carl", "left")}
    with caplog.at_level("WARNING"):
        gather(people, tmp_path / "all")
    assert "no whole conversations of carl, so everybody is known by windows alone" in caplog.text
    assert load_conversations(tmp_path / "all", "train", "left") is None
    gather({"alice": (tmp_path / "all", "left")}, person)
    assert load_conversations(person, "train", "left") is None
