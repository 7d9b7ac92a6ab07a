"""preprocess.tsv and preprocess.html: what became of every recording, and why.

One row per recording, written by each job for its own and put together afterwards. A recording that failed, or that the
settings exclude, stays in the summary and is left out of the chunks.
"""

import csv
import html
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from l2l.errors import UserError
from l2l.files import atomic


@dataclass(frozen=True)
class Row:
    """What became of one recording."""

    recording: str
    status: str  # ok, excluded (by a setting) or failed
    reason: str  # a sentence, empty when ok
    path: str
    split: str  # train or test
    listener: str  # left or right
    seconds: float  # length of the recording
    tracked: float  # share of frames in which both faces are found
    speech: float  # share of frames in which somebody speaks
    took: float  # seconds of work in this run; 0: all of it was there already


def write_rows(path: str | Path, rows: Iterable[Row]) -> None:
    """Write a table of rows, sorted by recording."""
    with atomic(path) as partial, open(partial, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [f.name for f in fields(Row)], delimiter="\t", lineterminator="\n")
        writer.writeheader()
        for row in sorted(rows, key=lambda row: row.recording):
            writer.writerow({k: f"{v:.4g}" if isinstance(v, float) else v for k, v in asdict(row).items()})


def read_rows(path: str | Path) -> list[Row]:
    """Raises UserError when the file is missing or not such a table."""
    try:
        with open(path, newline="", encoding="utf-8") as file:
            return [_row(line) for line in csv.DictReader(file, delimiter="\t")]
    except FileNotFoundError:
        raise UserError(f"{path} is missing; make it with `l2l preprocess`.") from None
    except (KeyError, TypeError, ValueError, UnicodeDecodeError):
        raise UserError(f"{path} is not a table of `l2l preprocess`; make it again.") from None


def _row(line: dict[str, str]) -> Row:
    values: dict[str, Any] = {f.name: float(line[f.name]) if f.type is float else line[f.name] for f in fields(Row)}
    return Row(**values)


def usable(rows: Sequence[Row], part: str) -> list[Row]:
    """The rows of one split that the chunks are made of."""
    return [row for row in rows if row.status == "ok" and row.split == part]


def write_html(path: str | Path, rows: Sequence[Row], person: str) -> None:
    """The same as a page: counts first, then what failed, what is excluded, what is fine."""
    counts = {status: sum(row.status == status for row in rows) for status in ("failed", "excluded", "ok")}
    hours = sum(row.seconds for row in rows if row.status == "ok") / 3600
    ordered = sorted(rows, key=lambda row: (list(counts).index(row.status), row.recording))
    names = [f.name for f in fields(Row)]
    body = "\n".join(
        f'<tr class="{row.status}">' + "".join(f"<td>{_cell(value)}</td>" for value in asdict(row).values()) + "</tr>"
        for row in ordered
    )
    with atomic(path) as partial:
        partial.write_text(
            f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{html.escape(person)}: recordings</title>
<style>
body {{ font: 14px/1.45 system-ui, sans-serif; margin: 2rem; color: #28282c; background: #faf9f6 }}
table {{ border-collapse: collapse }}
th, td {{ padding: .25rem .7rem; text-align: left; border-bottom: 1px solid #ddd }}
.failed td:nth-child(2) {{ color: #b3261e; font-weight: 600 }} .excluded td:nth-child(2) {{ color: #9a6700 }}
</style>
<h1>{html.escape(person)}</h1>
<p>{counts["ok"]} recordings usable ({hours:.1f} hours), {counts["excluded"]} excluded, {counts["failed"]} failed.</p>
<table><thead><tr>{"".join(f"<th>{name}</th>" for name in names)}</tr></thead><tbody>
{body}
</tbody></table></html>
""",
            encoding="utf-8",
        )


def _cell(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else html.escape(str(value))
