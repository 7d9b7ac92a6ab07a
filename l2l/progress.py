"""Progress of long work: a bar when a person watches, nothing but the log lines when not."""

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")


def progress(items: Iterable[Item], what: str, unit: str = "it", total: int | None = None) -> Iterator[Item]:
    """`items`, counted on the terminal."""
    yield from tqdm(items, desc=what, unit=unit, total=total, disable=not sys.stderr.isatty(), leave=False)
