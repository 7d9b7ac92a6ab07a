"""compare: several eval.json side by side: Markdown for a person and a page, CSV for a spreadsheet.

- Only rows measured on the same test data stand in one table: numbers on other data are not comparable.
- The best number of a column is bold; `=` marks those that cannot be told from it (one lies in the other's interval).
- Controls are shown and never the best: the truth is not a competitor.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markdown import Markdown

from l2l.errors import UserError
from l2l.evaluation.bootstrap import Number, absent
from l2l.evaluation.definitions import HEADLINE, METRICS
from l2l.evaluation.report import distance_from_best, read_report, tied
from l2l.files import atomic

CONTROLS = ("truth", "truth_other_recording", "model_shuffled_speaker")
_SIGNS = {"lower": "↓", "higher": "↑", "truth": "→ truth"}
_NOTE = "Best in bold; `=` cannot be told from the best (95 % intervals); controls in italics do not compete."


@dataclass(frozen=True)
class Line:
    """One row of one file."""

    name: str
    row: str
    samples: int
    numbers: dict[str, Number]  # by column
    marks: dict[str, str] = field(default_factory=dict)  # by column: "best" or "tied"


@dataclass(frozen=True)
class Table:
    """All rows that were measured on the same data."""

    title: str
    columns: list[str]
    lines: list[Line]


def columns_of(wanted: Sequence[str]) -> list[str]:
    """("l2.all", "fd_pooled", ...) as columns of one number each. Raises UserError for one that is not there."""
    found = []
    for word in wanted:
        name, _, part = word.partition(".")
        if name not in METRICS or (part and part not in METRICS[name].parts):
            raise UserError(f"--metrics {word}: there is no such number; docs/metrics.md lists them (as l2 or l2.all).")
        found += [word] if part else [f"{name}.{each}" for each in METRICS[name].parts]
    return found


def tables(paths: Sequence[Path], wanted: Sequence[str] = ()) -> list[Table]:
    """One table for each set of test data. Raises UserError for a file that cannot be read."""
    columns = columns_of(wanted) or [".".join(column) for column in HEADLINE]
    short = [path.parent.name if path.name == "eval.json" else path.stem for path in paths]
    names = short if len(set(short)) == len(short) and all(short) else [str(path) for path in paths]
    by_data: dict[str, dict[str, dict[str, Any]]] = {}
    for name, path in zip(names, paths, strict=True):
        report = read_report(path)
        by_data.setdefault(report["data"]["sha256"], {})[name] = report
    return [_table(reports, columns) for reports in by_data.values()]


def _table(reports: dict[str, dict[str, Any]], columns: list[str]) -> Table:
    lines: list[Line] = []
    seen: list[tuple[str, dict[str, Any]]] = []
    for file, report in reports.items():
        for row, content in report["results"].items():
            if (row, content) in seen:
                continue  # a baseline that several files share
            seen.append((row, content))
            numbers = {}
            for column in columns:
                name, _, part = column.partition(".")
                if number := content.get(name, {}).get(part):
                    numbers[column] = number
            lines.append(Line(f"{file}: {row}" if len(reports) > 1 else row, row, content["samples"], numbers))
    columns = [column for column in columns if any(column in line.numbers for line in lines)]
    for column in columns:
        _mark(lines, column)
    n = next(iter(reports.values()))["n"]
    return Table(f"{', '.join(reports)}: {n['clips']} clips of {n['recordings']} recordings", columns, lines)


def _mark(lines: list[Line], column: str) -> None:
    """Mark the best number of a column, and those that tie with it; a number alone is not the best."""
    name = column.partition(".")[0]
    known = [line for line in lines if line.numbers.get(column, {}).get("value") is not None]
    truth = next((line.numbers[column]["value"] for line in known if line.row == "truth"), None)
    rivals = [line for line in known if line.row not in CONTROLS]
    if name.endswith("_best"):  # the best of more samples is better by luck alone
        most = max((line.samples for line in lines if line.row not in CONTROLS), default=1)
        rivals = [line for line in rivals if line.samples == most]
    distances = [distance_from_best(name, line.numbers[column]["value"], truth) for line in rivals]
    ranked = [(distance, line) for distance, line in zip(distances, rivals, strict=True) if distance is not None]
    if len(ranked) < 2:
        return
    smallest, best = min(ranked, key=lambda pair: pair[0])
    for distance, line in ranked:
        if distance == smallest:
            line.marks[column] = "best"
        elif tied(line.numbers[column], best.numbers[column]):
            line.marks[column] = "tied"


def _cell(line: Line, column: str) -> str:
    value = line.numbers.get(column, {}).get("value")
    text = "-" if value is None else f"{value:.4g}"
    return {"best": f"**{text}**", "tied": f"{text} ="}.get(line.marks.get(column, ""), text)


def as_markdown(found: Sequence[Table]) -> str:
    """All tables as Markdown."""
    parts = []
    for table in found:
        heads = [f"{column} {_SIGNS[METRICS[column.partition('.')[0]].better]}" for column in table.columns]
        rows = [["row", "S", *heads], ["---", *["--:"] * (1 + len(heads))]]
        for line in table.lines:
            name = f"*{line.name}*" if line.row in CONTROLS else line.name
            rows.append([name, str(line.samples), *(_cell(line, column) for column in table.columns)])
        parts.append(f"## {table.title}\n\n" + "\n".join(f"| {' | '.join(row)} |" for row in rows))
    return "\n\n".join([*parts, _NOTE]) + "\n"


def as_csv(found: Sequence[Table]) -> str:
    """All tables as CSV, one line for each number."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["data", "row", "control", "samples", "number", "value", "low_95", "high_95", "mark", "reason"])
    for table in found:
        for line in table.lines:
            for column in table.columns:
                number = line.numbers.get(column) or absent("not measured")
                about = [table.title, line.name, int(line.row in CONTROLS), line.samples, column]
                interval = number["interval_95"] or ["", ""]
                mark, reason = line.marks.get(column, ""), number.get("reason", "")
                writer.writerow([*about, number["value"], *interval, mark, reason])
    return text.getvalue()


def compare(paths: Sequence[Path], out: Path, wanted: Sequence[str] = ()) -> None:
    """Print the tables, and write `out`.csv and `out`.md."""
    found = tables(paths, wanted)
    text, console = as_markdown(found), Console()
    # A file has no width, and nothing in it should be cut.
    console.print(Markdown(text)) if console.is_terminal else print(text, end="")
    for suffix, content in ((".csv", as_csv(found)), (".md", text)):
        with atomic(out.with_name(out.name + suffix)) as partial:
            partial.write_text(content, encoding="utf-8")
