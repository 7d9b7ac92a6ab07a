"""People in the layout of the authors' archives, small, both directions; and archives of them, good and hostile."""

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from l2l.sides import SIDES, other
from tests.synthetic import write_chunks

Arrays = dict[str, np.ndarray]  # by path below the person's folder


def person_arrays(folder: Path, windows: int = 20, videos: int = 2) -> Arrays:
    """The 16 arrays of one person; N = windows * videos. Written below `folder` on the way."""
    for side in SIDES:
        for split in ("train", "test"):
            write_chunks(folder, windows, videos, side, split, seed=SIDES.index(other(side)))
    return {str(path.relative_to(folder)): np.load(path) for path in sorted(folder.rglob("*.npy"))}


def npy(array: np.ndarray, allow_pickle: bool = False) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=allow_pickle)
    return file.getvalue()


def write_tar(
    path: Path,
    arrays: Arrays,
    prefix: str = "conan",
    mode: str = "w",
    extra: Callable[[tarfile.TarFile], None] | None = None,
) -> Path:
    """Arrays (or raw bytes) as members <prefix>/<name>; `extra` may add whatever else."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for name, array in arrays.items():
            add(tar, f"{prefix}/{name}", array if isinstance(array, bytes) else npy(array))
        if extra:
            extra(tar)
    return path


def add(tar: tarfile.TarFile, name: str, content: bytes = b"", **attributes: object) -> None:
    """One member; attributes are those of tarfile.TarInfo."""
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for key, value in attributes.items():
        setattr(info, key, value)
    tar.addfile(info, io.BytesIO(content))
