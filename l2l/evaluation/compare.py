"""compare: several eval.json side by side, for a person (rich), for a spreadsheet (CSV) and for a page (Markdown).

- Only rows measured on the same test data stand in one table: numbers on other data are not comparable.
- The best number of a column is bold; `=` marks those that cannot be told from it (one lies in the other's interval).
- Controls are shown and never the best: the truth is not a competitor.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from l2l.errors import UserError
from l2l.evaluation.definitions import HEADLINE, METRICS
from l2l.evaluation.report import distance_from_best, read_report, tied
from l2l.files import atomic

CONTROLS = ("truth", "truth_other_recording", "model_shuffled_speaker")
_SIGNS = {"lower": "↓", "higher": "↑", "truth": "→ truth"}


@dataclass(frozen=True)
class Line:
    """One row of one file."""

    name: str
    control: bool
    samples: int
    numbers: dict[str, dict[str, Any] | None]  # by column


@dataclass(frozen=True)
class Table:
    """All rows that were measured on the same data; marks are "best", "tied" or ""."""

    title: str
    columns: list[str]
    lines: list[Line]
    marks: list[dict[str, str]]


def columns_of(wanted: Sequence[str]) -> list[tuple[str, str]]:
    """("l2.all", "fd_pooled", ...) as pairs of metric and part. Raises UserError for one that is not there."""
    found = []
    for word in wanted:
        name, _, part = word.partition(".")
        if name not in METRICS or (part and part not in METRICS[name].parts):
            raise UserError(f"--metrics {word}: there is no such number; docs/metrics.md lists them (as l2 or l2.all).")
        found += [(name, part)] if part else [(name, each) for each in METRICS[name].parts]
    return found


def tables(paths: Sequence[Path], wanted: Sequence[str] = ()) -> list[Table]:
    """One table for each set of test data. Raises UserError for a file that cannot be read."""
    chosen = columns_of(wanted) or list(HEADLINE)
    names = _names(paths)
    by_data: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    for name, path in zip(names, paths, strict=True):
        report = read_report(path)
        by_data.setdefault(report["data"]["sha256"], []).append((name, report))
    return [_table(reports, chosen) for reports in by_data.values()]


def _names(paths: Sequence[Path]) -> list[str]:
    """What tells the files apart: the folder's name, or the path where that is not enough."""
    short = [path.parent.name if path.name == "eval.json" else path.stem for path in paths]
    return short if len(set(short)) == len(short) and all(short) else [str(path) for path in paths]


def _table(reports: list[tuple[str, dict[str, Any]]], chosen: list[tuple[str, str]]) -> Table:
    lines: list[Line] = []
    seen: dict[str, list[dict[str, Any]]] = {}
    for file, report in reports:
        for row, content in report["results"].items():
            if content in seen.setdefault(row, []):
                continue  # a baseline that several files share
            seen[row].append(content)
            numbers = {f"{name}.{part}": content.get(name, {}).get(part) for name, part in chosen}
            label = f"{file}: {row}" if len(reports) > 1 else row
            lines.append(Line(label, row in CONTROLS, content["samples"], numbers))
    columns = [f"{name}.{part}" for name, part in chosen]
    columns = [column for column in columns if any(line.numbers[column] for line in lines)]
    first = reports[0][1]
    files = ", ".join(name for name, _ in reports)
    title = f"{files}: {first['n']['clips']} clips of {first['n']['recordings']} recordings"
    return Table(title, columns, lines, _marks(lines, columns))


def _marks(lines: list[Line], columns: list[str]) -> list[dict[str, str]]:
    marks: list[dict[str, str]] = [{} for _ in lines]
    most = max((line.samples for line in lines if not line.control), default=1)
    for column in columns:
        name = column.partition(".")[0]
        truths = [line.numbers[column] for line in lines if line.name.split(": ")[-1] == "truth"]
        truth = truths[0]["value"] if truths and truths[0] else None
        places = []
        for at, line in enumerate(lines):
            number = line.numbers[column]
            if line.control or number is None or number["value"] is None:
                continue
            if name.endswith("_best") and line.samples < most:
                continue  # the best of more samples is better by chance alone
            if (distance := distance_from_best(name, number["value"], truth)) is not None:
                places.append((distance, at, number))
        if len(places) < 2:
            continue
        smallest, _, best = min(places, key=lambda place: place[:2])
        for distance, at, number in places:
            marks[at][column] = "best" if distance == smallest else "tied" if tied(number, best) else ""
    return marks


def _head(column: str) -> str:
    name = column.partition(".")[0]
    return f"{column} {_SIGNS[METRICS[name].better]}"


def _narrow(column: str) -> str:
    """The same in words that a narrow column can wrap."""
    return _head(column).replace(".", "\n").replace("_", " ")


def _text(number: dict[str, Any] | None) -> str:
    return "-" if number is None or number["value"] is None else f"{number['value']:.4g}"


def as_markdown(found: Sequence[Table]) -> str:
    """All tables as Markdown."""
    parts = []
    for table in found:
        rows = [["row", "S", *map(_head, table.columns)], ["---", "--:", *(["--:"] * len(table.columns))]]
        for line, marks in zip(table.lines, table.marks, strict=True):
            cells = []
            for column in table.columns:
                text, mark = _text(line.numbers[column]), marks.get(column, "")
                cells.append(f"**{text}**" if mark == "best" else f"{text} =" if mark == "tied" else text)
            rows.append([f"*{line.name}*" if line.control else line.name, str(line.samples), *cells])
        parts.append(f"## {table.title}\n\n" + "\n".join(f"| {' | '.join(row)} |" for row in rows))
    note = "Best in bold; `=` cannot be told from the best (95 % intervals); controls in italics do not compete."
    return "\n\n".join([*parts, note]) + "\n"


def as_csv(found: Sequence[Table]) -> str:
    """All tables as CSV, one line for each number."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["data", "row", "control", "samples", "number", "value", "low_95", "high_95", "mark", "reason"])
    for table in found:
        for line, marks in zip(table.lines, table.marks, strict=True):
            for column in table.columns:
                number = line.numbers[column] or {"value": None, "interval_95": None, "reason": "not measured"}
                interval = number["interval_95"] or ["", ""]
                value = "" if number["value"] is None else number["value"]
                about = [table.title, line.name, int(line.control), line.samples, column]
                writer.writerow([*about, value, *interval, marks.get(column, ""), number.get("reason", "")])
    return text.getvalue()


def show(found: Sequence[Table]) -> None:
    """All tables on the terminal."""
    from rich.console import Console
    from rich.table import Table as RichTable

    console = Console()
    if not console.is_terminal:
        console = Console(width=200)  # a file has no width, and nothing should be cut
    for table in found:
        shown = RichTable(title=table.title, caption="bold: best; =: cannot be told from it; dim: controls")
        shown.add_column("row", no_wrap=True)
        shown.add_column("S", justify="right")
        for column in table.columns:
            shown.add_column(_narrow(column), justify="right")
        for line, marks in zip(table.lines, table.marks, strict=True):
            cells = []
            for column in table.columns:
                text, mark = _text(line.numbers[column]), marks.get(column, "")
                cells.append(f"[bold]{text}[/bold]" if mark == "best" else f"{text} =" if mark == "tied" else text)
            shown.add_row(line.name, str(line.samples), *cells, style="dim" if line.control else None)
        console.print(shown)


def compare(paths: Sequence[Path], out: Path, wanted: Sequence[str] = ()) -> None:
    """Print the tables, and write `out`.csv and `out`.md."""
    found = tables(paths, wanted)
    show(found)
    for suffix, text in ((".csv", as_csv(found)), (".md", as_markdown(found))):
        with atomic(out.with_name(out.name + suffix)) as partial:
            partial.write_text(text, encoding="utf-8")
