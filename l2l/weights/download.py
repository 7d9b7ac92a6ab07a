"""Downloads that go on where they stopped, and never end as half a file.

What has come so far lies beside the target as `.<name>.partial`, with a note of the file's version on the server. When
that is another one by now, the download starts again.
"""

import json
import logging
import re
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import requests
from tqdm import tqdm

from l2l.errors import UserError
from l2l.files import save_json, sha256_of

log = logging.getLogger(__name__)

_PIECE = 1 << 16  # bytes; what of a piece has come when the connection ends is lost
_TIMEOUT = (15, 60)  # seconds to connect, seconds without a byte
_ATTEMPTS = 5  # in a row that do not get further
_MAX_BYTES = 100 << 30
_TEMPORARY = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)


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
        except (_Stopped, requests.RequestException) as error:
            have = _size(partial)
            failures, most = (0, have) if have > most else (failures + 1, most)
            again = isinstance(error, _Stopped) or (isinstance(error, _TEMPORARY) and partial.exists())
            if not again or failures >= _ATTEMPTS:
                kept = f"{have} bytes are kept and the next run goes on from there" if have else "nothing came"
                raise UserError(f"{url} cannot be downloaded ({_reason(error)}); {kept}.") from None
            time.sleep(pause)
    if sha256 and sha256_of(partial) != sha256:
        _forget(partial)
        raise UserError(f"{url} gave a file whose sha256 is not {sha256}; it was deleted.")
    partial.replace(target)
    _forget(partial)


def _attempt(url: str, partial: Path, max_bytes: int) -> None:
    """One connection: from the bytes there are to the end, or _Stopped."""
    have, note = _size(partial), _read_note(partial)
    headers = {"Accept-Encoding": "identity"}
    if have and note.get("version") and note.get("url") == url:
        if have == note.get("size"):
            return  # it was stopped after its last byte
        headers |= {"Range": f"bytes={have}-", "If-Range": note["version"]}
    with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as answer:
        part = re.match(r"bytes (\d+)-\d+/(\d+)", answer.headers.get("Content-Range", ""))
        goes_on = answer.status_code == 206 and part and (int(part[1]), int(part[2])) == (have, note.get("size"))
        if answer.status_code in (206, 416) and not goes_on:
            _forget(partial)
            raise _Stopped("the file on the server has changed")
        if answer.status_code not in (200, 206):
            raise UserError(f"{url} cannot be downloaded (HTTP {answer.status_code}).")
        length = answer.headers.get("Content-Length", "")
        size = note["size"] if goes_on else int(length) if length.isdigit() else None
        start = have if goes_on else 0
        if (size or 0) > max_bytes:
            raise UserError(f"{url} has {size} bytes, more than {max_bytes}; it is not a published archive.")
        if (needed := (size or 0) - start) > (free := shutil.disk_usage(partial.parent).free):
            raise UserError(f"{url} needs {needed >> 20} MiB but {partial.parent} has {free >> 20} MiB free.")
        if not goes_on:
            etag = answer.headers.get("ETag", "")  # a weak one does not promise the same bytes
            version = etag if etag.startswith('"') else answer.headers.get("Last-Modified")
            save_json(_note(partial), {"url": url, "version": version, "size": size})
        _receive(answer, partial, start, size, max_bytes)


def _receive(answer: requests.Response, partial: Path, start: int, size: int | None, max_bytes: int) -> None:
    name = partial.stem[1:]
    whole = f"{tqdm.format_sizeof(size, 'B')}, " if size else ""
    log.info("%s: %sfrom %s%s", name, whole, answer.url, f", of which {start} bytes are there" if start else "")
    # Without a terminal, as in the workflow's logs, seldom.
    bar = tqdm(
        total=size, initial=start, unit="B", unit_scale=True, desc=name, mininterval=0.1 if sys.stderr.isatty() else 10
    )
    have = start
    with bar, open(partial, "ab" if start else "wb") as file:
        for piece in answer.iter_content(_PIECE):
            if (have := have + len(piece)) > (size if size is not None else max_bytes):
                raise UserError(f"{answer.url} sends more than it said; delete {partial} and try again.")
            file.write(piece)
            bar.update(len(piece))
    if size is not None and have < size:
        raise _Stopped(f"the connection ended after {have} of {size} bytes")


def _note(partial: Path) -> Path:
    return partial.with_name(partial.name + ".json")


def _read_note(partial: Path) -> dict[str, Any]:
    try:
        return json.loads(_note(partial).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}


def _forget(partial: Path) -> None:
    partial.unlink(missing_ok=True)
    _note(partial).unlink(missing_ok=True)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _reason(error: Exception) -> str:
    """The end of a chain of wrapped errors, which is the part that says what happened."""
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection ended early"
    text = " ".join(str(error).split())
    return re.split(r": |\] ", text)[-1].strip("')(\"") or type(error).__name__
