"""compare: several eval.json side by side: Markdown for a person and a page, CSV for a spreadsheet.

- Only rows measured on the same test data stand in one table: numbers on other data are not comparable.
- The best number of a column is bold; `=` marks those that cannot be told from it (`l2l.evaluation.ranking`).
- Controls are shown and never the best: the truth is not a competitor.
- A column whose numbers were made with different parameters (block length, codebook, shifts) is shown, not ranked.
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
from l2l.evaluation.ranking import CONTROLS, rank
from l2l.evaluation.report import read_report
from l2l.files import atomic

_SIGNS = {"lower": "↓", "higher": "↑", "truth": "→ truth"}
_NOTE = "Best in bold; `=` cannot be told from the best (95 %, paired); controls in italics do not compete."


@dataclass(frozen=True)
class Line:
    """One row of one file."""

    file: str
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
    unranked: dict[str, str]  # columns that are not ranked, and a sentence that says why


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
            name = f"{file}: {row}" if len(reports) > 1 else row
            lines.append(Line(file, name, row, content["samples"], numbers))
    columns = [column for column in columns if any(column in line.numbers for line in lines)]
    unranked = {}
    for column in columns:
        files = {line.file for line in lines if column in line.numbers}
        if different := _differences({file: reports[file]["definitions"] for file in reports if file in files}, column):
            unranked[column] = f"`{column}` is not ranked: {'; '.join(different)}."
        else:
            _mark(lines, column)
    n = next(iter(reports.values()))["n"]
    return Table(f"{', '.join(reports)}: {n['clips']} clips of {n['recordings']} recordings", columns, lines, unranked)


def _differences(definitions: dict[str, dict[str, Any]], column: str) -> list[str]:
    """What files define differently about a column, as "block is 8 in a, b and 32 in c"."""
    name, _, part = column.partition(".")
    about: dict[str, dict[str, Any]] = {}
    for file, content in definitions.items():
        entry = content.get(name, {})
        # A parameter that is a dictionary has a value for each part.
        own = {
            key: value.get(part) if isinstance(value, dict) else value
            for key, value in entry.get("parameters", {}).items()
        }
        about[file] = {key: value for key, value in entry.items() if key != "parameters"} | own
    found = []
    for key in sorted({key for entry in about.values() for key in entry}):
        said: dict[str, list[str]] = {}
        for file, entry in about.items():
            said.setdefault(str(entry.get(key, "not said")), []).append(file)
        if len(said) > 1:
            found.append(f"{key} is " + " and ".join(f"{value} in {', '.join(files)}" for value, files in said.items()))
    return found


def _mark(lines: list[Line], column: str) -> None:
    """Mark the best number of a column, and those that tie with it; a number alone is not the best."""
    name = column.partition(".")[0]
    truth = next((line.numbers[column] for line in lines if line.row == "truth" and column in line.numbers), None)
    rivals = [line for line in lines if line.row not in CONTROLS]
    if name.endswith("_best"):  # the best of more samples is better by luck alone
        most = max((line.samples for line in rivals), default=1)
        rivals = [line for line in rivals if line.samples == most]
    ranks = [(own, line) for line in rivals if (own := rank(name, line.numbers.get(column), truth))]
    if len(ranks) < 2:
        return
    best = min((own for own, _ in ranks), key=lambda own: own.value)
    for own, line in ranks:
        if own.value == best.value:
            line.marks[column] = "best"
        elif own.tied(best):
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
        parts += table.unranked.values()
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
                mark = "not ranked" if column in table.unranked else line.marks.get(column, "")
                reason = number.get("reason", "")
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
