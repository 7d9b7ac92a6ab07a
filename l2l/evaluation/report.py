"""eval.json: its shape, its headline, and writing it so that a person can read it.

- Its schema (eval.schema.json, beside this file) is checked before anything is written.
- One number is one line. Seven digits are kept: more would be noise, and would differ between machines.
- There is no time stamp: the same inputs give the same file.
"""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import fastjsonschema

from l2l.errors import UserError
from l2l.evaluation.definitions import HEADLINE, LISTENING
from l2l.evaluation.ranking import CONTROLS, rank
from l2l.evaluation.verdict import listens
from l2l.files import atomic

VERSION = 3
SCHEMA = Path(__file__).with_name("eval.schema.json")
_WIDTH = 150
_PREDICTS = "model"  # the row that the headline is about

Results = dict[str, dict[str, Any]]


@cache
def schema() -> dict[str, Any]:
    """The JSON schema of eval.json."""
    return json.loads(SCHEMA.read_text(encoding="utf-8"))


def problem(report: Any) -> str | None:
    """What is wrong with an eval.json, or None."""
    try:
        _checked()(report)
    except fastjsonschema.JsonSchemaValueException as error:
        return error.message.removeprefix("data.")
    return None


@cache
def _checked() -> Callable[[Any], Any]:
    # 30 times as fast as jsonschema, which looks at each of 50,000 influences by itself.
    return fastjsonschema.compile(schema())


def read_report(path: Path) -> dict[str, Any]:
    """An eval.json, checked. Raises UserError naming the file and what is wrong."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} does not exist; make it with `l2l evaluate` or the workflow.") from None
    except (ValueError, OSError, RecursionError):
        raise UserError(f"{path} is not JSON that can be read; evaluate again.") from None
    if isinstance(found, dict) and found.get("schema") != VERSION:
        raise UserError(f"{path} has schema {found.get('schema')}, this l2l reads {VERSION}; evaluate again.")
    if wrong := problem(found):
        raise UserError(f"{path} does not follow its schema ({wrong[:200]}); evaluate again.")
    return found


def save_report(path: Path, report: dict[str, Any]) -> None:
    """Write an eval.json that follows its schema; NaN and infinity are refused, not written."""
    rounded = _rounded(report)
    if wrong := problem(rounded):
        raise ValueError(f"eval.json would not follow its schema: {wrong}")
    with atomic(path) as partial:
        partial.write_text(dumps(rounded) + "\n", encoding="utf-8")


def dumps(value: Any, indent: int = 0) -> str:
    """JSON in which whatever fits on a line stands on one."""
    line = json.dumps(value, allow_nan=False, ensure_ascii=False)
    nested = isinstance(value, dict) and any(isinstance(inner, dict) for inner in value.values())
    short = indent + len(line) <= _WIDTH or (isinstance(value, dict) and "interval_95" in value)
    if not isinstance(value, (dict, list)) or not value or (short and not nested):
        return line
    inner = " " * (indent + 2)
    if isinstance(value, dict):
        lines = [f"{inner}{json.dumps(key)}: {dumps(item, indent + 2)}" for key, item in value.items()]
        return "{\n" + ",\n".join(lines) + "\n" + " " * indent + "}"
    return "[\n" + ",\n".join(f"{inner}{dumps(item, indent + 2)}" for item in value) + "\n" + " " * indent + "]"


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.7g}")
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, (list, tuple)) else value


def headline(results: Results, recordings: int, folds: dict[str, Any] | None = None) -> dict[str, Any]:
    """What a person reads first: does the model listen, and what does it beat?

    Where there are folds, the first answer is theirs.
    """
    lines = {}
    for name, part in HEADLINE:
        numbers = {row: content.get(name, {}).get(part) for row, content in results.items()}
        mine = numbers.pop(_PREDICTS, None)
        if mine is None or mine["value"] is None:
            continue
        lines[f"{name}.{part}"] = {"value": mine["value"], "interval_95": mine["interval_95"]}
        if name in LISTENING:
            continue
        truth = numbers.get("truth")
        own = rank(name, mine, truth)
        ranks: dict[str, list[str]] = {"better_than": [], "tied_with": [], "worse_than": []}
        for row, number in numbers.items():
            theirs = None if row in CONTROLS else rank(name, number, truth)
            if name.endswith("_best") and results[row]["samples"] != results[_PREDICTS]["samples"]:
                continue  # the best of more samples is better by luck alone
            if own and theirs:
                word = "tied_with" if own.tied(theirs) else "better_than" if own.value < theirs.value else "worse_than"
                ranks[word].append(row)
        lines[f"{name}.{part}"] |= ranks
    return {"listens": listens(results.get(_PREDICTS, {}), recordings, folds), "model": lines}
