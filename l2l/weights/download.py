"""Downloads that go on where they stopped, and never end as half a file.

- What has come so far lies beside the target as `.<name>.partial`, with the server's word for the version of the file.
- If the file on the server is another one by now, the download starts again.
"""

import hashlib
import json
import shutil
import time
from pathlib import Path
from typing import Any

import requests
from tqdm import tqdm

from l2l.errors import UserError
from l2l.files import save_json

_PIECE = 1 << 16  # bytes; what of a piece has come when the connection ends is lost
_TIMEOUT = (15, 60)  # seconds to connect, seconds without a byte
_ATTEMPTS = 5  # in a row that do not get further
_MAX_BYTES = 100 << 30


class _Stopped(Exception):
    """The connection ended early; what came is kept."""


def download(
    url: str, target: Path, sha256: str | None = None, pause: float = 1.0, max_bytes: int = _MAX_BYTES
) -> None:
    """Fetch `url` to `target`, which must not exist. Raises UserError; a second call goes on where this one stopped.

    `pause` is the seconds between two attempts of one call.
    """
    partial = target.with_name(f".{target.name}.partial")
    target.parent.mkdir(parents=True, exist_ok=True)
    failures, most = 0, _size(partial)
    while True:
        try:
            _attempt(url, partial, max_bytes)
            break
        except (
            _Stopped,
            requests.ConnectionError,
            requests.Timeout,
            requests.exceptions.ChunkedEncodingError,
        ) as error:
            failures = 0 if _size(partial) > most else failures + 1
            most = max(most, _size(partial))
            dead = not partial.exists() and not isinstance(error, _Stopped)
            if dead or failures >= _ATTEMPTS:
                kept = f"{_size(partial)} bytes are kept and the next run goes on from there" if _size(partial) else ""
                raise UserError(f"{url} cannot be downloaded ({_reason(error)}); {kept or 'nothing came'}.") from None
            time.sleep(pause)
        except requests.RequestException as error:
            raise UserError(f"{url} cannot be downloaded ({_reason(error)}); nothing came.") from None
    if sha256 and _sha256(partial) != sha256:
        _forget(partial)
        raise UserError(f"{url} gave a file whose sha256 is not {sha256}; it was deleted.")
    partial.replace(target)
    _forget(partial)


def _attempt(url: str, partial: Path, max_bytes: int) -> None:
    """One connection: from the bytes there are to the end, or _Stopped."""
    have, version = _size(partial), _version(partial)
    validator = version.get("etag") or version.get("modified")
    headers = {"Accept-Encoding": "identity"}
    if have and validator and version.get("url") == url:
        headers |= {"Range": f"bytes={have}-", "If-Range": validator}
    with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as answer:
        if answer.status_code == 416:  # the file there is not longer than what we have: it is another one, or all here
            if answer.headers.get("Content-Range") == f"bytes */{have}" and version.get("size") == have:
                return
            _forget(partial)
            raise _Stopped("the file on the server has changed")
        if answer.status_code not in (200, 206):
            raise UserError(f"{url} cannot be downloaded (HTTP {answer.status_code}).")
        start, size = _place(answer, have)
        if answer.status_code == 206 and (start != have or (size or 0) != version.get("size")):
            _forget(partial)
            raise _Stopped("the file on the server has changed")
        _check_room(url, partial, start, size, max_bytes)
        if start == 0:
            _remember(partial, url, answer, size)
        _receive(answer, partial, start, size, max_bytes)


def _place(answer: requests.Response, have: int) -> tuple[int, int | None]:
    """(first byte of this answer, bytes of the whole file or None)."""
    if answer.status_code == 200:
        length = answer.headers.get("Content-Length", "")
        return 0, int(length) if length.isdigit() else None
    span, _, total = answer.headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
    first = span.partition("-")[0]
    return (int(first) if first.isdigit() else -1), (int(total) if total.isdigit() else None)


def _receive(answer: requests.Response, partial: Path, start: int, size: int | None, max_bytes: int) -> None:
    have = start
    with open(partial, "ab" if start else "wb") as file:
        with tqdm(total=size, initial=start, unit="B", unit_scale=True, desc=partial.stem[1:], disable=None) as bar:
            for piece in answer.iter_content(_PIECE):
                if (have := have + len(piece)) > (size if size is not None else max_bytes):
                    raise UserError(f"{answer.url} sends more than it said; delete {partial} and try again.")
                file.write(piece)
                bar.update(len(piece))
    if size is not None and have < size:
        raise _Stopped(f"the connection ended after {have} of {size} bytes")


def _check_room(url: str, partial: Path, start: int, size: int | None, max_bytes: int) -> None:
    if (size or 0) > max_bytes:
        raise UserError(f"{url} has {size} bytes, more than {max_bytes}; it is not a published archive.")
    free = shutil.disk_usage(partial.parent).free
    if (size or 0) - start > free:
        raise UserError(
            f"{url} needs {((size or 0) - start) >> 20} MiB but {partial.parent} has {free >> 20} MiB free."
        )


def _remember(partial: Path, url: str, answer: requests.Response, size: int | None) -> None:
    etag = answer.headers.get("ETag", "")
    strong = etag if etag.startswith('"') else None  # a weak one does not promise the same bytes
    _forget(partial)
    modified = answer.headers.get("Last-Modified")
    save_json(_notes(partial), {"url": url, "etag": strong, "modified": modified, "size": size})


def _version(partial: Path) -> dict[str, Any]:
    try:
        return json.loads(_notes(partial).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}


def _notes(partial: Path) -> Path:
    return partial.with_name(partial.name + ".json")


def _forget(partial: Path) -> None:
    partial.unlink(missing_ok=True)
    _notes(partial).unlink(missing_ok=True)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _reason(error: Exception) -> str:
    """The end of a chain of wrapped errors, which is the part a person understands."""
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection ended early"
    return " ".join(str(error).split()).rsplit(": ", 1)[-1].strip("')(") or type(error).__name__
