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

from l2l.errors import TemporaryError, UserError
from l2l.files import room_at, save_json, sha256_of

log = logging.getLogger(__name__)

_PIECE = 1 << 16  # bytes; what of a piece has come when the connection ends is lost
_TIMEOUT = (15, 60)  # seconds to connect, seconds without a byte
_ATTEMPTS = 5  # in a row that do not get further
_MAX_BYTES = 100 << 30


def download(url: str, target: Path, sha256: str | None = None, pause: float = 1.0) -> None:
    """Fetch `url` to `target`, which must not exist. Raises UserError; a second call goes on where this one stopped.

    `pause` is the seconds between two attempts of one call.
    """
    partial = target.with_name(f".{target.name}.partial")
    note = partial.with_name(f"{partial.name}.json")
    target.parent.mkdir(parents=True, exist_ok=True)
    failures, most = 0, _size(partial)
    while True:
        try:
            _attempt(url, partial, note)
            break
        except requests.RequestException as error:
            have = _size(partial)
            failures, most = (0, have) if have > most else (failures + 1, most)
            if failures >= _ATTEMPTS or not partial.exists():
                kept = f"{have} bytes are kept and the next run goes on from there" if have else "nothing came"
                raise UserError(f"{url} cannot be downloaded ({_reason(error)}); {kept}.") from None
            time.sleep(pause)
    wrong = sha256 and sha256_of(partial) != sha256
    note.unlink(missing_ok=True)  # first: where the target is there, nobody looks for it again
    if wrong:
        partial.unlink()
        raise UserError(f"{url} gave a file whose sha256 is not {sha256}; it was deleted.")
    partial.replace(target)


def _attempt(url: str, partial: Path, note: Path) -> None:
    """One connection: from the bytes there are to the end. Raises RequestException when it ends before."""
    have, known = _size(partial), _read(note)
    headers = {"Accept-Encoding": "identity"}
    if have and known.get("version") and known.get("url") == url:
        if have == known.get("size"):
            return  # it was stopped after its last byte
        headers |= {"Range": f"bytes={have}-", "If-Range": known["version"]}
    with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as answer:
        length = answer.headers.get("Content-Length", "")
        size = int(length) if length.isdigit() else None
        if answer.status_code in (206, 416) and "Range" in headers:
            part = re.match(r"bytes (\d+)-\d+/(\d+)", answer.headers.get("Content-Range", ""))
            if not part or (int(part[1]), int(part[2])) != (have, known.get("size")):
                _forget(partial, note)  # the file on the server has changed
                return _attempt(url, partial, note)
            size = known["size"]
        elif answer.status_code == 200:
            have = 0
        else:
            raise UserError(f"{url} cannot be downloaded (HTTP {answer.status_code}).")
        if (size or 0) > _MAX_BYTES:
            raise UserError(f"{url} has {size} bytes, more than {_MAX_BYTES}; it is not a published archive.")
        if (needed := (size or 0) - have) > (free := shutil.disk_usage(partial.parent).free):
            raise TemporaryError(
                f"{url} needs {needed >> 20} MiB but {partial.parent} has {free >> 20} MiB free; make room."
            )
        if not have:
            etag = answer.headers.get("ETag", "")  # a weak one does not promise the same bytes
            version = etag if etag.startswith('"') else answer.headers.get("Last-Modified")
            save_json(note, {"url": url, "version": version, "size": size})
        _receive(answer, partial, have, size)


def _receive(answer: requests.Response, partial: Path, have: int, size: int | None) -> None:
    name = partial.stem[1:]
    whole = f"{tqdm.format_sizeof(size, 'B')}, " if size else ""
    log.info("%s: %sfrom %s%s", name, whole, answer.url, f", of which {have} bytes are there" if have else "")
    # Without a terminal, as in the workflow's logs, seldom.
    seconds = 0.1 if sys.stderr.isatty() else 10
    bar = tqdm(total=size, initial=have, unit="B", unit_scale=True, desc=name, mininterval=seconds)
    with room_at(partial), bar, open(partial, "ab" if have else "wb") as file:
        for piece in answer.iter_content(_PIECE):
            if (have := have + len(piece)) > (size if size is not None else _MAX_BYTES):
                raise UserError(f"{answer.url} sends more than it said; delete {partial} and try again.")
            file.write(piece)
            bar.update(len(piece))
    if size is not None and have < size:
        raise requests.ConnectionError(f"the connection ended after {have} of {size} bytes")


def _read(note: Path) -> dict[str, Any]:
    try:
        return json.loads(note.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}


def _forget(*files: Path) -> None:
    for file in files:
        file.unlink(missing_ok=True)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _reason(error: Exception) -> str:
    """The end of a chain of wrapped errors, which is the part that says what happened."""
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection ended early"
    text = " ".join(str(error).split())
    return re.split(r": |\] ", text)[-1].strip("')(\"") or type(error).__name__
