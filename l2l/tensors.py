"""Reading torch files that may be cut off, altered, or made to do harm.

- Nothing in a file is run: torch's restricted reader (`weights_only`) refuses classes and commands.
- torch packs nothing, so a file that is packed, or claims more than it holds, is refused before memory is taken.
- A full disk, a missing permission or SIGTERM is not taken for damage (`l2l.errors.temporary_cause`).

The only module that opens such files.
"""

import os
import warnings
import zipfile
from pathlib import Path
from typing import Any

import torch

from l2l.errors import temporary_cause


def load_tensors(path: Path) -> Any:
    """The content of a torch file, on the CPU. Raises ValueError when it is no such file, and OSError."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as file:
                _check(file, os.stat(path).st_size)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns in many lines of what it then refuses
            return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise
    except Exception as error:  # what the unpickler raises for a file that it refuses has no common type
        cause = temporary_cause(error)
        # A size that is only claimed needs too much memory as well.
        if cause is not None and not isinstance(cause, MemoryError) and type(cause) is not RuntimeError:
            raise
        raise ValueError("it is cut off, or holds something else than tensors and plain values") from None


def _check(file: zipfile.ZipFile, size: int) -> None:
    members = file.infolist()
    if any(member.compress_type != zipfile.ZIP_STORED for member in members):
        raise ValueError("it is packed")
    if sum(member.file_size for member in members) > size:
        raise ValueError("it claims more than it holds")
