"""fetch: the authors' archive becomes data/<person>, or data/ stays as it was."""

import errno
import gzip
import hashlib
import io
import os
import tarfile
from pathlib import Path

import numpy as np
import pytest

from l2l.cli import main as cli
from l2l.dataset import published
from l2l.dataset.layout import load_chunks
from l2l.errors import UserError
from l2l.sides import Side
from l2l.sides import published as p
from l2l.weights import archives
from tests.dataset.archives import Arrays, add, npy, person_arrays, write_tar

N = 40
FACES = "train/p0_list_faces_clean_deca.npy"
AUDIO = "train/p1_speak_audio_clean_deca.npy"
FILES = "test/p1_speak_files_clean_deca.npy"


@pytest.fixture(scope="module")
def arrays(tmp_path_factory: pytest.TempPathFactory) -> Arrays:
    return person_arrays(tmp_path_factory.mktemp("person"), windows=N // 2, videos=2)


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Arrays:
    """One window in every array: for archives that are refused."""
    return person_arrays(tmp_path_factory.mktemp("few"), windows=1, videos=1)


def listing(folder: Path) -> dict[str, str]:
    """Every path below a folder, hidden ones too, with the sha256 of its content."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        for path in sorted(folder.rglob("*"))
    }


@pytest.mark.parametrize(("person", "side"), [("conan", "left"), ("fallon", "right")])
def test_an_archive_in_data_becomes_a_dataset_that_loads(
    arrays: Arrays, tmp_path: Path, person: str, side: Side, capsys: pytest.CaptureFixture[str]
) -> None:
    write_tar(tmp_path / f"{person}_data.tar", arrays, person)
    assert cli.main(["fetch", person, "--data", str(tmp_path)]) == 0
    for split in ("train", "test"):
        chunks = load_chunks(tmp_path / person, split, side)  # type: ignore[arg-type]
        assert len(chunks) == N
        np.testing.assert_array_equal(chunks.listener, arrays[f"{split}/{p(side)}_list_faces_clean_deca.npy"])
    assert sorted(path.name for path in tmp_path.iterdir()) == [person, f"{person}_data.tar"]
    assert len(list((tmp_path / person).rglob("*.*"))) == 16
    assert cli.main(["fetch", person, "--data", str(tmp_path)]) == 0
    assert "there already" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "prefix", "mode"),
    [
        ("conan_data.tar", "data/conan", "w"),
        ("conan.tar", "./conan", "w"),
        ("conan.tar.gz", "conan", "w:gz"),
        ("conan_data.tgz", "data/conan", "w:gz"),
        ("conan_data.tar", "conan", "w:gz"),
    ],
)
def test_other_names_folders_and_compressions_are_taken(
    few: Arrays, tmp_path: Path, name: str, prefix: str, mode: str
) -> None:
    def clutter(tar: tarfile.TarFile) -> None:
        add(tar, f"{prefix}/train", type=tarfile.DIRTYPE)
        add(tar, f"{prefix}/train/._p0_list_faces_clean_deca.npy", b"a desktop's notes")
        add(tar, f"{prefix}/.DS_Store", b"more of them")

    write_tar(tmp_path / name, few, prefix, mode, clutter)
    assert published.fetch("conan", tmp_path)
    assert len(listing(tmp_path / "conan")) == 16 + 2


def test_arrays_that_are_not_float32_are_stored_as_float32_and_others_keep_their_bytes(
    few: Arrays, tmp_path: Path
) -> None:
    mixed = few | {AUDIO: few[AUDIO].astype(">f8"), FACES: np.asfortranarray(few[FACES])}
    write_tar(tmp_path / "conan_data.tar", mixed)
    published.fetch("conan", tmp_path)
    for name in (AUDIO, FACES):
        stored = np.load(tmp_path / "conan" / name)
        assert stored.dtype.str == "<f4" and stored.flags.c_contiguous
        np.testing.assert_array_equal(stored, few[name])
    other = "test/p1_list_faces_clean_deca.npy"
    assert (tmp_path / "conan" / other).read_bytes() == npy(few[other])


def link(kind: bytes):
    return lambda tar: add(tar, "conan/train/notes", type=kind, linkname="../../../../etc/passwd")


def huge_header(shape: tuple[int, ...]) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
    return file.getvalue() + bytes(1000)


def without(arrays: Arrays, name: str) -> Arrays:
    return {key: value for key, value in arrays.items() if key != name}


def with_nan(array: np.ndarray) -> np.ndarray:
    array = array.copy()
    array[0, 3, 100] = np.nan
    return array


HOSTILE = {
    # name: (arrays -> arrays, extra members, words of the sentence)
    "absolute path": (None, lambda tar: add(tar, "/tmp/x.npy", b"x"), "could leave its folder"),
    "path upwards": (None, lambda tar: add(tar, "conan/../../x.npy", b"x"), "could leave its folder"),
    "backslashes": (None, lambda tar: add(tar, "conan\\..\\x.npy", b"x"), "could leave its folder"),
    "control characters": (None, lambda tar: add(tar, "conan/\x1b[2Jx.npy", b"x"), "could leave its folder"),
    "symlink": (None, link(tarfile.SYMTYPE), "a link"),
    "hard link": (None, link(tarfile.LNKTYPE), "a link"),
    "device": (None, lambda tar: add(tar, "conan/train/null", type=tarfile.CHRTYPE), "a device"),
    "pipe": (None, lambda tar: add(tar, "conan/train/pipe", type=tarfile.FIFOTYPE), "a device"),
    "duplicate member": (None, lambda tar: add(tar, f"conan/{FACES}", b"x"), "twice"),
    "duplicate but for case": (None, lambda tar: add(tar, f"conan/{FACES.upper()}", b"x"), "twice"),
    "two places": (None, lambda tar: add(tar, f"data/conan/{FACES}", b"x"), "in two places"),
    "too many members": (None, lambda tar: [add(tar, f"conan/{k}") for k in range(2001)], "more than 2000 members"),
    "missing file": (lambda a: without(a, FILES), None, f"has no conan/{FILES}"),
    "empty archive": (lambda a: {}, None, "16 of 16 files are missing"),
    "wrong shape": (lambda a: a | {FACES: a[FACES][:, :60]}, None, "has shape (1, 60, 184), expected (1, 64, 184)"),
    "no axes": (lambda a: a | {FACES: np.float32(0)}, None, "has shape ()"),
    "different N": (lambda a: a | {AUDIO: np.repeat(a[AUDIO], 2, 0)}, None, "expected (1, 256, 128)"),
    "no windows": (
        lambda a: {name: array[:0] if name.startswith("train") else array for name, array in a.items()},
        None,
        "has no windows",
    ),
    "NaN": (lambda a: a | {FACES: with_nan(a[FACES])}, None, "NaN, infinity"),
    "too large for float32": (lambda a: a | {AUDIO: a[AUDIO].astype(np.float64) * 1e300}, None, "NaN, infinity"),
    "whole numbers": (lambda a: a | {AUDIO: a[AUDIO].astype(int)}, None, "expected floating-point"),
    "pickle": (lambda a: a | {FILES: npy(np.array([[{}]]), allow_pickle=True)}, None, "Python objects"),
    "bytes for text": (lambda a: a | {FILES: a[FILES].astype("S")}, None, "expected text"),
    "not an array": (lambda a: a | {FACES: b"not an array"}, None, "is not a whole .npy array"),
    "header bomb": (lambda a: a | {FACES: huge_header((10**12, 64, 184))}, None, "is not a whole .npy array"),
    "header overflow": (lambda a: a | {FACES: huge_header((2**62, 64, 184))}, None, "is not a whole .npy array"),
    "truncated array": (lambda a: a | {FACES: npy(a[FACES])[:-9]}, None, "is not a whole .npy array"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_archive_is_refused_in_one_sentence_and_data_stays_as_it_was(
    few: Arrays, tmp_path: Path, case: str, capsys: pytest.CaptureFixture[str]
) -> None:
    change, extra, words = HOSTILE[case]
    data = tmp_path / "data"
    write_tar(data / "conan_data.tar", change(few) if change else few, extra=extra)
    refused(data, words, capsys)


def refused(data: Path, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    (data / "fallon" / "train").mkdir(parents=True)
    (data / "fallon" / "train" / "mine.npy").write_bytes(b"precious")
    before = listing(data.parent)
    assert cli.main(["fetch", "conan", "--data", str(data)]) == 1
    message = capsys.readouterr().err.strip()
    assert words in message and "\n" not in message and "conan_data.tar" in message, message
    assert listing(data.parent) == before


def test_the_wrong_person_is_refused_by_name(few: Arrays, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_tar(tmp_path / "data" / "conan_data.tar", few, "data/fallon")
    refused(tmp_path / "data", "holds the data of 'fallon', not of conan", capsys)


@pytest.mark.parametrize("share", [0.01, 0.5, 0.999])
@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_a_truncated_archive_is_refused(
    few: Arrays, tmp_path: Path, share: float, mode: str, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = write_tar(tmp_path / "data" / "conan_data.tar", few, mode=mode)
    content = archive.read_bytes()
    # 0.999 of a plain archive would only cut the zeros after the last member.
    end = len(content) if mode == "w:gz" else content.rstrip(b"\0").__len__()
    archive.write_bytes(content[: int(share * end)])
    refused(tmp_path / "data", "get ", capsys)


def test_a_file_that_is_no_archive_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "conan_data.tar").write_text("<html>404</html>" * 100)
    refused(tmp_path / "data", "is not a .tar", capsys)


def test_a_web_page_for_an_archive_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def dead_link(url: str, target: Path, sha256: str | None) -> None:
        target.write_text("<html>This domain is for sale.</html>" * 100)

    monkeypatch.setattr(published, "download", dead_link)
    with pytest.raises(
        UserError, match=r"gave no whole \.tar, so it was deleted; put the archive at .*conan_data\.tar"
    ):
        published.fetch("conan", tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_not_damage_of_the_archive(
    few: Arrays, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(file: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    write_tar(tmp_path / "conan_data.tar", few)
    assert cli.main(["fetch", "conan", "--data", str(tmp_path)]) == 75
    message = capsys.readouterr().err.strip().splitlines()[-1]
    assert ".npy (" in message and "free there): No space left on device; make room" in message
    assert [path.name for path in tmp_path.iterdir()] == ["conan_data.tar"]


def test_a_compression_bomb_is_refused_before_it_is_unpacked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    header = tarfile.TarInfo(f"conan/{FACES}")
    header.size = 200 << 20
    with gzip.open(data / "conan_data.tar.gz", "wb", compresslevel=1) as file:
        file.write(header.tobuf())
        for _ in range(200):
            file.write(bytes(1 << 20))
    (data / "conan_data.tar.gz").rename(data / "conan_data.tar")
    refused(data, "would unpack to more than", capsys)


@pytest.mark.parametrize("size", [1 << 62, -512])
def test_a_member_that_lies_about_its_size_is_refused(
    few: Arrays, tmp_path: Path, size: int, capsys: pytest.CaptureFixture[str]
) -> None:
    header = tarfile.TarInfo("conan/big.npy")
    header.size = size
    data = tmp_path / "data"
    archive = write_tar(data / "conan_data.tar", few)
    archive.write_bytes(header.tobuf(tarfile.GNU_FORMAT) + archive.read_bytes())
    refused(data, "would unpack to more than", capsys)


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_header_that_says_it_is_long_is_not_read_into_memory(
    few: Arrays, tmp_path: Path, kind: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    header = tarfile.TarInfo("conan/big.npy")
    header.type, header.size = kind, 1 << 40
    data = tmp_path / "data"
    archive = write_tar(data / "conan_data.tar", few)
    archive.write_bytes(header.tobuf(tarfile.GNU_FORMAT) + archive.read_bytes())
    refused(data, "is too long", capsys)


def test_a_sparse_member_is_refused(few: Arrays, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def sparse(tar: tarfile.TarFile) -> None:
        add(tar, "conan/big.npy", b"x", pax_headers={"GNU.sparse.map": "0,1", "GNU.sparse.size": "1000"})

    write_tar(tmp_path / "data" / "conan_data.tar", few, extra=sparse)
    refused(tmp_path / "data", "not a plain file", capsys)


def test_limits_count_every_byte(few: Arrays, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "_BYTES", 1000)
    archive = write_tar(tmp_path / "conan_data.tar", few)
    with pytest.raises(UserError, match="would unpack to more than 0 MiB"):
        published.unpack(archive, "conan", tmp_path / "conan")
    assert [path.name for path in tmp_path.iterdir()] == ["conan_data.tar"]


def test_files_that_are_there_are_never_overwritten(
    few: Arrays, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    write_tar(data / "conan_data.tar", few)
    (data / "conan" / "train").mkdir(parents=True)
    (data / "conan" / FACES).write_bytes(b"mine")
    before = listing(data)
    assert cli.main(["fetch", "conan", "--data", str(data)]) == 1
    assert "holds files already" in capsys.readouterr().err
    assert listing(data) == before


def test_empty_folders_that_a_workflow_made_are_no_obstacle(few: Arrays, tmp_path: Path) -> None:
    write_tar(tmp_path / "conan_data.tar", few)
    (tmp_path / "conan" / "train").mkdir(parents=True)
    (tmp_path / "conan" / "test").mkdir(parents=True)
    assert published.fetch("conan", tmp_path)


def test_all_goes_on_after_a_refusal_and_names_it(
    few: Arrays, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_network(*_: object) -> None:
        raise UserError("the host does not answer.")

    monkeypatch.setattr(published, "download", no_network)
    write_tar(tmp_path / "fallon_data.tar", few, "fallon")
    assert cli.main(["fetch", "all", "--data", str(tmp_path)]) == 1
    printed = capsys.readouterr()
    assert "5 of 6 could not be had (conan, devi2, kimmel, stephen, trevor)" in printed.err
    assert f"put the archive at {tmp_path / 'trevor_data.tar'}" in printed.out
    assert len(load_chunks(tmp_path / "fallon", "test", "right")) == 1


def test_a_person_who_was_not_published_is_told_who_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["fetch", "letterman", "--data", str(tmp_path)]) == 1
    assert "conan, devi2, fallon" in capsys.readouterr().err
