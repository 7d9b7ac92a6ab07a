"""`python -m tests.fuzz.bombs`: small files that would become large ones; a table of the memory and time they take.

Each is read in a process of its own, as `tests.fuzz.formats` reads a good one. Of media: `python -m benchmarks.bombs`.
"""

import gzip
import io
import os
import pickle
import resource
import struct
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from l2l.errors import UserError
from tests.fuzz.attack import MEGABYTES, SECONDS, _at_most
from tests.fuzz.formats import FORMATS

HUGE = 3 << 30  # bytes
CLAIMED = 1 << 40


def _zeros(file: io.BufferedIOBase, count: int) -> None:
    piece = bytes(1 << 24)
    for _ in range(count >> 24):
        file.write(piece)


def _npy(count: int) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": (count // 4,)})
    return file.getvalue()


def packed_arrays(path: Path) -> None:
    """Every member of an .npz becomes 3 GB of zeros, packed."""
    with zipfile.ZipFile(path) as file:
        names = file.namelist()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        with file.open(names[0], "w", force_zip64=True) as member:
            member.write(_npy(HUGE))
            _zeros(member, HUGE)
        for name in names[1:]:  # the same bytes again
            file.filelist.append(_another(file.filelist[0], name))


def _another(member: zipfile.ZipInfo, name: str) -> zipfile.ZipInfo:
    copy = zipfile.ZipInfo(name)
    for field in ("compress_type", "CRC", "compress_size", "file_size", "header_offset", "create_version"):
        setattr(copy, field, getattr(member, field))
    return copy


def claimed_array(path: Path) -> None:
    path.write_bytes(_npy(CLAIMED) + bytes(1000))


def packed_weights(path: Path) -> None:
    """A torch file whose first storage is 3 GB of zeros, packed."""
    with zipfile.ZipFile(path) as file:
        content = {name: file.read(name) for name in file.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        for name, value in content.items():
            with file.open(name, "w", force_zip64=True) as member:
                member.write(value)
                if name.endswith("/data/0"):
                    _zeros(member, HUGE)


def packed_tar(path: Path) -> None:
    with gzip.open(path, "wb", compresslevel=1) as packed, tarfile.open(fileobj=packed, mode="w") as tar:
        info = tarfile.TarInfo("conan/train/p0_list_faces_clean_deca.npy")
        info.size = HUGE
        packed.write(info.tobuf())
        _zeros(packed, HUGE)
        assert tar


def claimed_pickle(path: Path) -> None:
    path.write_bytes(b"\x80\x04\x8e" + struct.pack("<Q", CLAIMED) + b"x.")


def claimed_pickled_array(path: Path) -> None:
    array = pickle.dumps({"f": np.zeros((3, 3))}, 2)
    path.write_bytes(array.replace(b"K\x03K\x03\x86", b"J\xff\xff\xff\x7fK\x7f\x86"))


def deep_text(path: Path) -> None:
    path.write_text("[" * 1_000_000)


def long_text(path: Path) -> None:
    path.write_text("a: " + "9" * 100_000_000)


def laughs(path: Path) -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    path.write_text("\n".join(lines))


BOMBS: dict[Callable[[Path], None], tuple[str, ...]] = {
    packed_arrays: tuple(name for name in FORMATS if name.endswith("npz")),
    claimed_array: tuple(name for name in FORMATS if name.endswith("npy") or name == "audio by hand"),
    packed_weights: ("codebook.pt", "resume.pt", "weights.pth"),
    packed_tar: ("tar",),
    claimed_pickle: ("pickle", "weights.pth", "codebook.pt"),
    claimed_pickled_array: ("pickle",),
    deep_text: ("config.yaml", "eval.json", "preprocess.tsv", "sheet.tsv", "livelink.csv"),
    long_text: ("config.yaml", "eval.json", "preprocess.tsv", "sheet.tsv", "livelink.csv"),
    laughs: ("config.yaml",),
}


def read_apart(read: Callable[[], object]) -> tuple[str, float, float]:
    """(what came of it, MB, seconds) of a call in a process of its own."""
    begin, (answer, said) = time.time(), os.pipe()
    if (process := os.fork()) == 0:
        word = "read"
        try:
            with _at_most(2 * SECONDS):
                read()
        except UserError as error:
            word = f"sentence: {error}"
        except BaseException as error:
            word = f"{type(error).__name__}: {error}"
        peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        os.write(said, f"{peak} {word}"[:4000].encode(errors="replace"))
        os._exit(0)
    os.close(said)
    with open(answer, errors="replace") as file:
        peak, _, word = file.read().partition(" ")
    os.waitpid(process, 0)
    return word or "killed", int(peak or 0) / 1024, time.time() - begin


def tried() -> Iterator[tuple[str, str, str, float, float]]:
    for bomb, names in BOMBS.items():
        for name in names:
            with tempfile.TemporaryDirectory() as folder:
                path = FORMATS[name].make(Path(folder))
                bomb(path)
                yield bomb.__name__, name, *read_apart(lambda path=path, name=name: FORMATS[name].read(path))


def main() -> int:
    least = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"this process alone: {least:.0f} MB\n| bomb | format | MB | s | answer |\n| --- | --- | --- | --- | --- |")
    wrong = 0
    for bomb, name, word, megabytes, seconds in tried():
        wrong += megabytes > MEGABYTES or seconds > SECONDS or not word.startswith(("sentence", "read"))
        print(f"| {bomb} | {name} | {megabytes:.0f} | {seconds:.1f} | {word[:120]} |", flush=True)
    print(f"{wrong} wrong")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
