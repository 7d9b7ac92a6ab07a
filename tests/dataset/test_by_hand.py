"""chunk-arrays: arrays made by hand become windows; what is wrong with them is said by file."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from l2l import config
from l2l.cli import main as cli
from l2l.dataset.by_hand import chunk_arrays, split_recordings
from l2l.dataset.layout import load_chunks
from l2l.errors import UserError
from l2l.sides import SIDES, Side, other, published
from tests.dataset.tables import write_livelink


def recording(folder: Path, frames: int = 200, listener: Side = "left", columns: int = 56, batch: bool = True) -> Path:
    """One recording: every value names its frame and its person."""
    folder.mkdir(parents=True)
    speaker = other(listener)
    for side in (listener, speaker):
        save(folder / f"{published(side)}_faces.npy", values(frames, columns, SIDES.index(side)), batch)
    save(folder / f"{published(speaker)}_audio.npy", values(4 * frames, 128, 5), batch)
    return folder


def values(rows: int, columns: int, person: int) -> np.ndarray:
    return (np.arange(rows)[:, None] + np.full((1, columns), 10000.0 * person)).astype(np.float32)


def save(path: Path, array: np.ndarray, batch: bool = False) -> None:
    np.save(path, array[None] if batch else array)


def run(folder: Path, out: Path, listener: Side = "left", **settings: Any) -> dict:
    return chunk_arrays(folder, {"train": ["a"], "test": ["b"]}, out, listener, config.ChunkingSettings(**settings))


@pytest.mark.parametrize("listener", ["left", "right"])
@pytest.mark.parametrize(("columns", "batch"), [(56, True), (56, False), (184, True)])
@pytest.mark.parametrize("frames", [64, 65, 200])
def test_any_length_is_cut_into_windows_of_the_same_moment(
    tmp_path: Path, listener: Side, columns: int, batch: bool, frames: int
) -> None:
    for name in ("a", "b"):
        recording(tmp_path / "raw" / name, frames, listener, columns, batch)
    counts = run(tmp_path / "raw", tmp_path / "out", listener, stride_train=32)
    assert counts == {"train": (frames - 64) // 32 + 1, "test": (frames - 64) // 64 + 1}
    for split in ("train", "test"):
        chunks = load_chunks(tmp_path / "out", split, listener)
        start = chunks.files[:, 0, 2].astype(int)
        moments = start[:, None] + np.arange(64)
        own = 10000 * SIDES.index(listener)
        np.testing.assert_array_equal(chunks.listener[:, :, 0], moments + own)
        np.testing.assert_array_equal(chunks.listener[:, :, 55], moments + own)
        np.testing.assert_array_equal(chunks.speaker[:, :, 0], moments + 10000 - own)
        np.testing.assert_array_equal(chunks.audio[:, ::4, 0], 4 * moments + 50000)
        assert set(chunks.videos) == {"a" if split == "train" else "b"}
        assert (chunks.listener[:, :, 56:] == 0).all() == (columns == 56)
        assert len(load_chunks(tmp_path / "out", split, other(listener))) == 0


def test_the_names_of_the_authors_page_are_taken(tmp_path: Path) -> None:
    theirs = {"p0_faces": "p0_list_faces", "p1_faces": "p1_speak_faces", "p1_audio": "p1_speak_audio"}
    for name in ("a", "b"):
        folder = recording(tmp_path / "raw" / name)
        for ours, other_name in theirs.items():
            (folder / f"{ours}.npy").rename(folder / f"{other_name}_clean_deca.npy")
    assert run(tmp_path / "raw", tmp_path / "out")["test"] == 3
    save(tmp_path / "raw/a/p0_faces.npy", values(200, 56, 0))
    with pytest.raises(UserError, match=r"holds both p0_faces\.npy and p0_list_faces"):
        run(tmp_path / "raw", tmp_path / "out2")


def test_double_precision_is_stored_as_float32(tmp_path: Path) -> None:
    for name in ("a", "b"):
        recording(tmp_path / "raw" / name)
        save(tmp_path / "raw" / name / "p1_audio.npy", values(800, 128, 5).astype(np.float64))
    run(tmp_path / "raw", tmp_path / "out")
    assert load_chunks(tmp_path / "out", "train", "left").audio.dtype == np.float32


def nan_at_the_end() -> np.ndarray:
    faces = values(200, 56, 0)
    faces[-1, -1] = np.nan  # in no window, and refused all the same
    return faces


@pytest.mark.parametrize(
    ("file", "array", "words"),
    [
        ("p0_faces.npy", values(63, 56, 0), "has 63 frames; a window needs 64"),
        ("p1_faces.npy", values(197, 56, 0), "has 197 frames but"),
        ("p0_faces.npy", values(200, 50, 0), "has 50 columns, expected 56"),
        ("p0_faces.npy", nan_at_the_end(), "NaN, infinity"),
        ("p1_audio.npy", values(809, 128, 0), "has shape (809, 128), expected (800, 128)"),
        ("p1_audio.npy", values(800, 80, 0), "has shape (800, 80), expected (800, 128)"),
        ("p1_audio.npy", np.full((800, 128), np.inf), "NaN, infinity"),
        ("p1_faces.npy", np.zeros((2, 200, 56)), "expected (T, columns) or (1, T, columns)"),
        ("p1_faces.npy", np.zeros((200, 56), int), "expected floating-point numbers"),
        ("p1_faces.npy", None, "is missing"),
    ],
)
def test_what_is_wrong_is_said_by_file_and_nothing_is_written(
    tmp_path: Path, file: str, array: np.ndarray | None, words: str
) -> None:
    for name in ("a", "b"):
        recording(tmp_path / "raw" / name)
    path = tmp_path / "raw/b" / file
    path.unlink()
    if array is not None:
        save(path, array)
    with pytest.raises(UserError) as error:
        run(tmp_path / "raw", tmp_path / "out")
    assert words in str(error.value) and str(path) in str(error.value) and "\n" not in str(error.value)
    assert not list(tmp_path.glob("out/**/*.npy"))


def test_objects_are_never_loaded(tmp_path: Path) -> None:
    for name in ("a", "b"):
        recording(tmp_path / "raw" / name)
    np.save(tmp_path / "raw/a/p0_faces.npy", np.array([[{}]]), allow_pickle=True)
    with pytest.raises(UserError, match="Python objects"):
        run(tmp_path / "raw", tmp_path / "out")


def test_recordings_are_split_whole_or_as_their_folders_say(tmp_path: Path) -> None:
    for name in ("a", "b", "c", "d", "e", ".hidden"):
        recording(tmp_path / "one" / name)
    split = split_recordings(tmp_path / "one", (), 0.4)
    assert sorted(split["train"] + split["test"]) == ["a", "b", "c", "d", "e"] and len(split["test"]) == 2
    assert split_recordings(tmp_path / "one", ("c",), 0.4)["test"] == ["c"]
    for name in ("train/a", "train/b", "test/a"):
        recording(tmp_path / "two" / name)
    assert split_recordings(tmp_path / "two", (), 0.4) == {"train": ["train/a", "train/b"], "test": ["test/a"]}
    with pytest.raises(UserError, match="test_videos decides nothing"):
        split_recordings(tmp_path / "two", ("a",), 0.4)
    recording(tmp_path / "two" / "stray")
    with pytest.raises(UserError, match="'stray'"):
        split_recordings(tmp_path / "two", (), 0.4)
    with pytest.raises(UserError, match="holds no recordings"):
        split_recordings(tmp_path / "none", (), 0.4)


def test_the_command_splits_by_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("train/a", "test/b"):
        recording(tmp_path / "raw" / name)
    out = tmp_path / "out"
    assert cli.main(["chunk-arrays", str(tmp_path / "raw"), "--listener", "left", "--out", str(out)]) == 0
    assert "5 training and 3 test windows" in capsys.readouterr().out
    assert load_chunks(out, "test", "left").videos[0] == "test/b"


def test_one_alone_is_divided_by_time(tmp_path: Path) -> None:
    recording(tmp_path / "raw/a", frames=900)
    settings = config.ChunkingSettings()
    counts = chunk_arrays(tmp_path / "raw", {"train": ["a"], "test": []}, tmp_path / "out", "left", settings)
    train, test = (
        load_chunks(tmp_path / "out", split, "left").files[:, 0, 2].astype(int) for split in ("train", "test")
    )
    assert counts == {"train": len(train), "test": len(test)} and test.tolist() == [768, 832]
    assert train.tolist() == list(range(0, 768 - 150 - 64 + 1, 32))


def test_ends_that_differ_by_two_frames_are_cut(tmp_path: Path) -> None:
    for name in ("a", "b"):
        folder = recording(tmp_path / "raw" / name)
        save(folder / "p0_faces.npy", values(194, 56, 0))
        save(folder / "p1_faces.npy", values(192, 56, 1))
        save(folder / "p1_audio.npy", values(4 * 193 + 1, 128, 5))  # librosa adds a row
    assert run(tmp_path / "raw", tmp_path / "out")["test"] == 3
    test = load_chunks(tmp_path / "out", "test", "left")
    np.testing.assert_array_equal(test.listener[-1, :, 0], np.arange(128, 192))
    np.testing.assert_array_equal(test.audio[-1, :, 0], 50000 + np.arange(512, 768))


def nods(times: np.ndarray) -> np.ndarray:
    return 0.1 * np.sin(2 * np.pi * times)


def test_a_phone_listens_to_arrays_and_no_window_crosses_a_gap(tmp_path: Path) -> None:
    for name in ("a", "b"):
        folder = recording(tmp_path / "raw" / name, frames=600)
        (folder / "p0_faces.npy").unlink()
        take = write_livelink(folder / "p0_faces.csv", 20.0, HeadPitch=nods)
        lines = take.read_text().splitlines(keepends=True)
        take.write_text("".join(lines[:601] + lines[661:]))  # nothing from second 10 to 11
    run(tmp_path / "raw", tmp_path / "out", stride_train=32)
    train = load_chunks(tmp_path / "out", "train", "left")
    moments = train.files[:, :, 2].astype(int)
    assert len(train) > 12 and not ((moments > 301) & (moments < 329)).any()
    np.testing.assert_allclose(train.listener[:, :, 50], nods(moments / 30), atol=0.01)
    np.testing.assert_array_equal(train.speaker[:, :, 0], moments + 10000)
    save(tmp_path / "raw/a/p0_faces.npy", values(600, 56, 0))
    with pytest.raises(UserError, match=r"holds both p0_faces\.npy and p0_faces\.csv; keep one"):
        run(tmp_path / "raw", tmp_path / "out2")
