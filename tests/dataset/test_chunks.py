"""chunk: files in the published layout, every row the same moment in all four."""

import numpy as np
import pytest

from l2l import config
from l2l.dataset.chunks import chunk
from l2l.dataset.layout import chunk_paths, load_chunks
from l2l.errors import UserError
from l2l.faces.store import write_faces
from l2l.sides import SIDES, other, published
from l2l.speech.speaking import write_speaking


def preprocessed(folder, seed, p0_valid=True, frames=600):
    """One recording: p0 speaks in frames 0-250, p1 from 260 to 40 before the end; every value names its frame."""
    folder.mkdir(parents=True)
    probability = np.zeros((frames, 2), np.float32)
    probability[:250, 0], probability[260:-40, 1] = 1, 1
    write_speaking(folder / "speaking.npz", folder / "speaking.rttm", probability, np.ones(frames), folder.name)
    for person in range(2):
        faces = np.arange(frames)[:, None] + np.full((1, 56), 1000.0 * person + 10000 * seed)
        valid = np.full(frames, p0_valid or person == 1)
        write_faces(folder / f"faces_{SIDES[person]}.npz", faces, valid, np.zeros(frames), np.zeros((468, 3)))
        rows = np.arange(4 * frames)[:, None] + np.full((1, 128), 1e5 * person)
        np.save(folder / f"mel_{SIDES[person]}.npy", rows.astype(np.float32))


@pytest.fixture
def videos(tmp_path):
    for seed, name in enumerate(("first", "a name with spaces", "third")):
        preprocessed(tmp_path / "videos" / name, seed)
    return tmp_path / "videos"


def run(videos, out, listener="left", **settings):
    split = {"train": ["first", "a name with spaces"], "test": ["third"]}
    return chunk(videos, split, out, listener, config.ChunkingSettings(**settings), "alice")


@pytest.mark.parametrize("listener", ["left", "right"])
def test_row_i_of_all_four_files_is_the_same_moment(videos, tmp_path, listener):
    counts = run(videos, tmp_path / "alice", listener)
    for part in ("train", "test"):
        chunks = load_chunks(tmp_path / "alice", part, listener)
        assert len(chunks) == counts[part] > 0
        assert chunks.listener.shape[1:] == (64, 184) and chunks.audio.shape[1:] == (256, 128)
        start = chunks.files[:, 0, 2].astype(int)
        seed = np.array([["first", "a name with spaces", "third"].index(v) for v in chunks.videos])
        frames = start[:, None] + np.arange(64)
        own, theirs = SIDES.index(listener), 1 - SIDES.index(listener)
        np.testing.assert_array_equal(chunks.listener[:, :, 0], frames + 1000 * own + 10000 * seed[:, None])
        np.testing.assert_array_equal(chunks.speaker[:, :, 0], frames + 1000 * theirs + 10000 * seed[:, None])
        np.testing.assert_array_equal(chunks.audio[:, ::4, 0], 4 * frames + 1e5 * theirs)
        np.testing.assert_array_equal(chunks.files[:, :, 2].astype(int), frames)
        assert set(chunks.files[:, 0, 1]) == {("left", "right")[theirs]}


def test_the_files_are_those_of_the_published_format(videos, tmp_path):
    run(videos, tmp_path / "alice")
    for part in ("train", "test"):
        for side in ("left", "right"):
            speaker = other(side)
            names = {path.name for path in chunk_paths(tmp_path / "alice", part, side).values()}
            assert names == {
                f"{published(side)}_list_faces_clean_deca.npy",
                *(f"{published(speaker)}_speak_{kind}_clean_deca.npy" for kind in ("faces", "audio", "files")),
            }
    faces = np.load(tmp_path / "alice/train/p0_list_faces_clean_deca.npy", allow_pickle=False)
    files = np.load(tmp_path / "alice/train/p1_speak_files_clean_deca.npy", allow_pickle=False)
    assert faces.dtype == np.float32 and files.dtype.kind == "U"


def test_no_test_recording_leaves_an_empty_but_readable_test_set(videos, tmp_path):
    settings = config.ChunkingSettings(test_share=0)
    chunk(videos, {"train": ["first"], "test": []}, tmp_path / "alice", "left", settings, "alice")
    assert len(load_chunks(tmp_path / "alice", "test", "left")) == 0


def test_nothing_usable_is_refused_by_person_with_the_reason_and_writes_nothing(tmp_path):
    preprocessed(tmp_path / "videos" / "first", 0, p0_valid=False)
    split = {"train": ["first"], "test": []}
    with pytest.raises(UserError, match=r"alice: no usable chunk in 1 recording.*0% of 600 frames"):
        chunk(tmp_path / "videos", split, tmp_path / "alice", "left", config.ChunkingSettings(), "alice")
    assert not list(tmp_path.glob("alice/**/*.npy"))


def test_a_missing_or_misshapen_file_is_named(videos, tmp_path):
    run(videos, tmp_path / "alice")
    audio = tmp_path / "alice/train/p1_speak_audio_clean_deca.npy"
    np.save(audio, np.zeros((3, 100, 128), np.float32))
    with pytest.raises(UserError, match=r"p1_speak_audio_clean_deca\.npy has shape"):
        load_chunks(tmp_path / "alice", "train", "left")
    audio.unlink()
    with pytest.raises(UserError, match=r"p1_speak_audio_clean_deca\.npy is missing"):
        load_chunks(tmp_path / "alice", "train", "left")


@pytest.mark.parametrize("listener", ["left", "right"])
def test_a_recording_that_is_alone_is_divided_by_time_with_a_gap(tmp_path, listener):
    """Of the listener alone: the other one, who listens less, need not have enough."""
    preprocessed(tmp_path / "first", 0, frames=1500)
    split, settings = {"train": ["first"], "test": []}, config.ChunkingSettings(test_share=0.5)
    if listener == "right":
        with pytest.raises(UserError, match=r"first is the only recording, and has too few windows .*\(3\); give a lo"):
            chunk(tmp_path, split, tmp_path / "alice", listener, settings, "alice")
        return
    counts = chunk(tmp_path, split, tmp_path / "alice", listener, settings, "alice")
    train, test = (load_chunks(tmp_path / "alice", part, listener) for part in ("train", "test"))
    starts = [chunks.files[:, 0, 2].astype(int).tolist() for chunks in (train, test)]
    every = [range(260, 1460 - 63, stride) for stride in (32, 64)]
    assert starts[1] == list(every[1][-9:]) and len(every[1]) == 18
    assert starts[0] == [start for start in every[0] if start + 64 + 150 <= starts[1][0]]
    assert counts == {"train": len(train), "test": len(test)}
    assert len(load_chunks(tmp_path / "alice", "train", "right")) and not len(
        load_chunks(tmp_path / "alice", "test", "right")
    )
