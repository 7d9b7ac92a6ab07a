from pathlib import Path

import numpy as np
import pytest

from l2l.dataset.layout import load_chunks
from l2l.dataset.together import gather, identities
from l2l.errors import UserError
from tests.synthetic import write_chunks


@pytest.fixture
def people(tmp_path: Path) -> dict:
    for name, videos in (("ann", 2), ("bob", 1)):
        for split in ("train", "test"):
            write_chunks(tmp_path / name, windows=3, videos=videos, split=split)
    return {name: (tmp_path / name, "left") for name in ("ann", "bob")}


def test_the_windows_of_all_come_one_after_another_under_their_persons_name(people: dict, tmp_path: Path) -> None:
    assert gather(people, tmp_path / "all") == {"train": 9, "test": 9}
    parts = [load_chunks(folder, "test", side) for folder, side in people.values()]
    found = load_chunks(tmp_path / "all", "test", "left")
    for part in ("listener", "speaker", "audio"):
        np.testing.assert_array_equal(getattr(found, part), np.concatenate([getattr(chunks, part) for chunks in parts]))
    expected = [f"ann/{video}" for video in parts[0].videos] + [f"bob/{video}" for video in parts[1].videos]
    assert found.videos.tolist() == expected
    np.testing.assert_array_equal(found.files[:6, :, 1:], parts[0].files[:, :, 1:])
    assert len(load_chunks(tmp_path / "all", "test", "right")) == 0


def test_who_listens_follows_from_the_recordings_name() -> None:
    videos = np.array(["bob/1", "ann/a/b", "bob/2"])
    assert identities(["ann", "bob"], videos).tolist() == [1, 0, 1]
    assert identities([], videos) is None


@pytest.mark.parametrize("video", ["eve/1", "1"])
def test_somebody_unknown_is_named(video: str) -> None:
    with pytest.raises(UserError, match=f"'{video}' is of none of ann, bob"):
        identities(["ann", "bob"], np.array(["ann/1", video]))


def test_nothing_is_written_when_somebodys_file_is_missing(people: dict, tmp_path: Path) -> None:
    (tmp_path / "bob/test/p0_list_faces_clean_deca.npy").unlink()
    with pytest.raises(UserError, match=r"bob/test/p0_list_faces_clean_deca\.npy is missing"):
        gather(people, tmp_path / "all")
    assert not (tmp_path / "all").exists() or not list((tmp_path / "all").rglob("*.npy"))
