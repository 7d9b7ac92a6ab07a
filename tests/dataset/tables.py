"""CSV files of faces, as phones and other tools write them."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from l2l.faces import livelink

Curve = Callable[[np.ndarray], np.ndarray]  # seconds (R,) -> values (R,)


def write_table(path: Path, columns: dict[str, Sequence], first: str = "") -> Path:
    """A CSV with these columns, of one length; `first` stands before the header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = zip(*columns.values(), strict=True)
    lines = [",".join(columns), *(",".join(str(cell) for cell in row) for row in rows)]
    path.write_text(first + "\n".join(lines) + "\n")
    return path


def write_livelink(path: Path, seconds: float, begin: float = 45296.2, rate: float = 60, **curves: Curve) -> Path:
    """A take of Live Link Face that begins at second `begin` of the day; curves that are not given are 0."""
    times = np.arange(round(seconds * rate)) / rate
    columns: dict[str, Sequence] = {livelink.TIMECODE: [livelink.timecode(begin + t) for t in times.tolist()]}
    columns[livelink.COUNT] = [len(livelink.CURVES)] * len(times)
    for name in livelink.CURVES:
        columns[name] = [f"{value:.10f}" for value in (curves[name](times) if name in curves else 0 * times)]
    return write_table(path, columns)
