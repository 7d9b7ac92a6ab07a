"""Archives from strangers: a .tar is looked through to its end before one byte of it is written.

- Refused as a whole: paths that leave the folder, links, devices, sparse files, two members of one name, too many
  members, too many bytes, far more bytes than the archive itself has.
- The reader hands tarfile at most 64 KiB at a time, so that no header, however long it says it is, fills the memory.
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

from l2l.errors import UserError

_PIECE = 1 << 16  # bytes read at a time
_FREE = 1 << 26  # bytes that are never too much, however small the archive


@dataclass(frozen=True)
class Limits:
    """What an honest archive stays under."""

    members: int = 2000
    bytes: int = 100 << 30
    expansion: int = 100  # bytes unpacked per byte of the archive

    def allowed(self, archive: Path) -> int:
        """Bytes that this archive may unpack to."""
        return min(self.bytes, max(_FREE, self.expansion * archive.stat().st_size))


class _Bounded:
    """A file for tarfile to read: short reads only, and none beyond `end`."""

    def __init__(self, file: IO[bytes], end: int, name: str) -> None:
        self._file, self._end, self._name = file, end, name

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _PIECE:
            raise UserError(f"{self._name} has a header of {size} bytes, which no honest archive has; get it again.")
        return self._file.read(size)

    def seek(self, position: int, whence: int = os.SEEK_SET) -> int:
        if whence != os.SEEK_SET or not 0 <= position <= self._end:
            raise UserError(f"{self._name} says that it holds more than {self._end} bytes; it is refused.")
        return self._file.seek(position)

    def tell(self) -> int:
        return self._file.tell()


class Archive:
    """The regular files of a .tar that has been looked through."""

    def __init__(self, path: Path, tar: tarfile.TarFile, files: dict[PurePosixPath, tarfile.TarInfo]) -> None:
        self.path, self._tar, self._files = path, tar, files

    @property
    def names(self) -> list[PurePosixPath]:
        return list(self._files)

    def size(self, name: PurePosixPath) -> int:
        return self._files[name].size

    def extract(self, chosen: dict[PurePosixPath, Path]) -> Iterator[tuple[PurePosixPath, Path]]:
        """Write members to new files, in the order they are stored; yields each after it is written."""
        needed = sum(self.size(name) for name in chosen)
        for target in chosen.values():
            target.parent.mkdir(parents=True, exist_ok=True)
            if needed > (free := shutil.disk_usage(target.parent).free):
                raise UserError(
                    f"{self.path} needs {needed >> 20} MiB but {target.parent} has {free >> 20} MiB free; make room."
                )
        for name, target in sorted(chosen.items(), key=lambda item: self._files[item[0]].offset):
            self._write(self._files[name], target)
            yield name, target

    def _write(self, member: tarfile.TarInfo, target: Path) -> None:
        with _readable(self.path):
            source = self._tar.extractfile(member)
        assert source is not None  # only regular files are kept
        with source, open(target, "xb") as file:
            left = member.size
            while left:
                with _readable(self.path):
                    piece = source.read(min(_PIECE, left))
                if not piece:
                    raise UserError(f"{self.path} ends in the middle of {member.name}; get it again.")
                file.write(piece)
                left -= len(piece)
            file.flush()
            os.fsync(file.fileno())


@contextlib.contextmanager
def open_archive(path: Path, limits: Limits | None = None) -> Iterator[Archive]:
    """Open a .tar, plain or gzip (their readers need little memory), and look through it.

    Raises UserError on anything that is not in order.
    """
    limits = limits or Limits()
    allowed = limits.allowed(path)
    with contextlib.ExitStack() as stack:
        with _readable(path):
            file = stack.enter_context(_decompressed(path))
            # Headers and padding: at most 10 blocks of 512 bytes per member on top of its bytes.
            bounded = _Bounded(file, allowed + 5120 * limits.members, str(path))
            tar = stack.enter_context(tarfile.open(fileobj=cast(Any, bounded), mode="r:"))
            files = _look_through(path, tar, limits.members, allowed)
        yield Archive(path, tar, files)


def _look_through(path: Path, tar: tarfile.TarFile, members: int, allowed: int) -> dict[PurePosixPath, tarfile.TarInfo]:
    files: dict[PurePosixPath, tarfile.TarInfo] = {}
    seen: set[str] = set()
    total = 0
    for number, member in enumerate(tar):
        if number >= members:
            raise UserError(f"{path} has more than {members} members; it is not a published archive.")
        if member.size < 0 or (total := total + member.size) > allowed:
            raise UserError(f"{path} would unpack to more than {allowed >> 20} MiB; it is refused.")
        name = _safe_name(path, member)
        if member.isdir():
            continue
        if str(name).casefold() in seen:
            raise UserError(f"{path} holds {str(name)!r} twice; it is refused.")
        seen.add(str(name).casefold())
        files[name] = member
    return files


def _safe_name(path: Path, member: tarfile.TarInfo) -> PurePosixPath:
    shown = ascii(member.name[:100])
    if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.DIRTYPE) or member.issparse():
        kind = "a link" if member.issym() or member.islnk() else "a device" if member.isdev() else "not a plain file"
        raise UserError(f"{path} holds {shown}, which is {kind}; only files and folders are unpacked.")
    name = PurePosixPath(member.name)
    if name.is_absolute() or ".." in name.parts or not member.name.isprintable() or set("\\:") & set(member.name):
        raise UserError(f"{path} holds {shown}, a path that could leave its folder; it is refused.")
    return name


def _decompressed(path: Path) -> IO[bytes]:
    with open(path, "rb") as file:
        compressed = file.read(2) == b"\x1f\x8b"
    return cast(IO[bytes], gzip.open(path)) if compressed else open(path, "rb")


@contextlib.contextmanager
def _readable(path: Path) -> Iterator[None]:
    """What the readers below raise on a broken archive, as one sentence."""
    try:
        yield
    except FileNotFoundError:
        raise UserError(f"{path} does not exist; give the path of a .tar.") from None
    except (tarfile.TarError, EOFError, OSError, zlib.error, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{path} is damaged or is not a .tar ({reason}); get it again.") from None
