"""Archives that others made: the whole .tar is checked before anything of it is written.

- Refused as a whole: paths that leave the folder, links, devices, sparse files, two members of one name, too many
  members, too many bytes, far more bytes than the archive itself has. tarfile's own data filter accepts the last four.
- Only members that are asked for are written, as new files, with the rights of any other new file.
"""

import contextlib
import gzip
import os
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

from l2l.errors import TemporaryError, UserError, temporary_cause
from l2l.files import room_at

# What a published archive stays under.
_MEMBERS = 2000
_BYTES = 100 << 30
_EXPANSION = 100  # bytes unpacked per byte of the archive
_FREE = 1 << 26  # bytes that are never too much, however small the archive
_PIECE = 1 << 16  # bytes read at a time


class DamagedArchive(UserError):
    """The file cannot be read as a .tar."""


class _Pieces:
    """A file for tarfile, which would read a header into memory however long it says it is."""

    def __init__(self, file: IO[bytes], path: Path) -> None:
        self._read, self._path = file.read, path
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int) -> bytes:
        if not 0 <= size <= _PIECE:
            raise UserError(f"{self._path} has a header of {size} bytes, which is too long; get it again.")
        return self._read(size)


@dataclass(frozen=True)
class Archive:
    """The regular files of a checked .tar."""

    path: Path
    tar: tarfile.TarFile
    files: dict[PurePosixPath, tarfile.TarInfo]

    def extract(self, chosen: dict[PurePosixPath, Path]) -> Iterator[tuple[PurePosixPath, Path]]:
        """Write members to new files, in the order they are stored; yields each after it is written."""
        needed = sum(self.files[name].size for name in chosen)
        for name, target in sorted(chosen.items(), key=lambda item: self.files[item[0]].offset):
            target.parent.mkdir(parents=True, exist_ok=True)
            if needed > (free := shutil.disk_usage(target.parent).free):
                raise TemporaryError(
                    f"{self.path} needs {needed >> 20} MiB but {target.parent} has {free >> 20} MiB free; make room."
                )
            with _readable(self.path), cast(IO[bytes], self.tar.extractfile(self.files[name])) as source:
                with room_at(target), open(target, "xb") as file:
                    shutil.copyfileobj(source, file)
                    os.fsync(file.fileno())
            needed -= self.files[name].size
            yield name, target


@contextlib.contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Open and check a .tar, plain or gzip (other compressions need much memory). Raises UserError."""
    with contextlib.ExitStack() as stack:
        with _readable(path):
            with open(path, "rb") as file:
                opener: Any = gzip.open if file.read(2) == b"\x1f\x8b" else open
            pieces = _Pieces(stack.enter_context(opener(path, "rb")), path)
            tar = stack.enter_context(tarfile.open(fileobj=cast(IO[bytes], pieces), mode="r:"))
            files = _check(path, tar)
        yield Archive(path, tar, files)


def _check(path: Path, tar: tarfile.TarFile) -> dict[PurePosixPath, tarfile.TarInfo]:
    """The regular files by name. Each member is checked before tarfile looks for the next."""
    allowed = min(_BYTES, max(_FREE, _EXPANSION * path.stat().st_size))
    files: dict[PurePosixPath, tarfile.TarInfo] = {}
    seen, total = set(), 0
    for number, member in enumerate(tar):
        name, shown = PurePosixPath(member.name), ascii(member.name[:100])
        total += member.size
        if number >= _MEMBERS:
            raise UserError(f"{path} has more than {_MEMBERS} members; it is not a published archive.")
        if member.size < 0 or total > allowed:
            raise UserError(f"{path} would unpack to more than {allowed >> 20} MiB; it is refused.")
        if not (member.isreg() or member.isdir()) or member.issparse():
            raise UserError(f"{path} holds {shown}, a link, a device or not a plain file; only files are unpacked.")
        if name.is_absolute() or ".." in name.parts or not member.name.isprintable() or set("\\:") & set(member.name):
            raise UserError(f"{path} holds {shown}, a path that could leave its folder; it is refused.")
        if member.isreg():
            if (folded := str(name).casefold()) in seen:
                raise UserError(f"{path} holds {str(name)!r} twice; it is refused.")
            seen.add(folded)
            files[name] = member
    return files


@contextlib.contextmanager
def _readable(path: Path) -> Iterator[None]:
    """What the readers raise on a broken archive, as one sentence."""
    try:
        yield
    except FileNotFoundError:
        raise UserError(f"{path} does not exist; give the path of a .tar.") from None
    except (tarfile.TarError, EOFError, OSError, zlib.error, ValueError, RecursionError) as error:
        if temporary_cause(error):  # also of the files that are written meanwhile: a full disk
            raise
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DamagedArchive(f"{path} is damaged or is not a .tar ({reason}); get it again.") from None
