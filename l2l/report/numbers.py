"""eval.json as charts and as one table: each number with its interval, beside the baselines."""

from typing import Any, NamedTuple

import numpy as np

from l2l.evaluation.definitions import METRICS
from l2l.evaluation.ranking import CONTROLS

# What is drawn: metric, part, and what it answers in plain words.
SHOWN = (
    ("gain", "nll", "Does it react to the speaker? How much worse it predicts with another moment of the speaker"),
    (
        "over_unconditional",
        "nll",
        "What the speaker is worth, in nats per frame, against the same model without",
    ),
    ("l2", "all", "Distance to what the listener really did"),
    ("fd_pooled", "expression", "Does the face move like the listener's? Distance of all expressions together"),
    ("fd_pooled", "pose", "Does the head move like the listener's? Distance of all poses together"),
    ("rpcc_pooled", "all", "Does it move with the speaker as the listener did? Error of the correlation"),
    ("event_rate", "nod", "Nods per minute"),
    ("event_f1", "nod", "Nods at the right moment (F1)"),
    ("event_rate", "smile", "Smiles per minute"),
    ("event_f1", "smile", "Smiles at the right moment (F1)"),
)
_BETTER = {"lower": "lower is better", "higher": "higher is better", "truth": "as close to the truth as possible"}


class Mark(NamedTuple):
    """A row of a chart; places are per cent of its width."""

    name: str
    kind: str  # model, baseline, control
    text: str  # the value and its interval
    value: str  # alone, as exactly as the chart's scale asks for
    at: float
    low: float
    width: float


class Chart(NamedTuple):
    """One number of all rows, on one scale."""

    name: str
    question: str
    better: str
    marks: list[Mark]
    truth: float | None  # where the truth's own number lies, per cent
    scale: tuple[str, str]  # its ends


def charts(report: dict[str, Any]) -> list[Chart]:
    """The numbers of `SHOWN` that the report has for the model."""
    return [found for name, part, question in SHOWN if (found := _chart(report["results"], name, part, question))]


def _chart(results: dict[str, Any], name: str, part: str, question: str) -> Chart | None:
    numbers = {row: content[name][part] for row, content in results.items() if part in content.get(name, {})}
    known = {row: number for row, number in numbers.items() if number["value"] is not None}
    if "model" not in known:
        return None
    ends = [end for number in known.values() for end in (number["interval_95"] or []) + [number["value"]]]
    low, high = min(0.0, *ends), max(0.0, *ends)
    span = (high - low) or 1.0
    decimals = int(np.clip(3 - np.ceil(np.log10(span)), 0, 6))

    def place(value: float) -> float:
        return round(100 * (value - low) / span, 2)

    marks = []
    for row, number in known.items():
        kind = "model" if row == "model" else "control" if row in CONTROLS else "baseline"
        begin, end = number["interval_95"] or (number["value"], number["value"])
        marks.append(
            Mark(
                row,
                kind,
                said(number),
                f"{number['value']:.{decimals}f}",
                place(number["value"]),
                place(begin),
                round(place(end) - place(begin), 2),
            )
        )
    metric = METRICS[name]
    truth = place(known["truth"]["value"]) if metric.better == "truth" and "truth" in known else None
    scale = (f"{low:.3g}", f"{high:.3g}")
    return Chart(f"{name}.{part}", question, _BETTER[metric.better], marks, truth, scale)


def said(number: dict[str, Any]) -> str:
    """A number with its interval."""
    if number["value"] is None:
        return "none"
    interval = number["interval_95"]
    return f"{number['value']:.3g}" + (f" [{interval[0]:.3g}, {interval[1]:.3g}]" if interval else "")


def table(report: dict[str, Any]) -> tuple[list[str], list[tuple[str, str, list[str]]]]:
    """The names of the rows of eval.json; then each number: its name, its definition, and its value in each row."""
    results = report["results"]
    lines = []
    for name, metric in METRICS.items():
        parts = dict.fromkeys(part for content in results.values() for part in content.get(name, {}))
        for part in parts:
            cells = [said(content[name][part]) if part in content.get(name, {}) else "" for content in results.values()]
            lines.append((f"{name}.{part}", f"{metric.definition}. {metric.pooling}. {metric.units}", cells))
    return list(results), lines


def codebook_use(report: dict[str, Any]) -> list[dict[str, Any]]:
    """Of each level of codes: its name, how many of the codes are used, and their perplexity."""
    use = report.get("codebook_use") or {}
    if "codes" not in use:
        return []
    levels = use.get("levels") or {"codes": use}
    return [{"name": name.replace("_", " "), "codes": use["codes"], **level} for name, level in levels.items()]
