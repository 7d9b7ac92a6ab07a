import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from l2l.errors import UserError
from l2l.evaluation.definitions import METRICS
from l2l.evaluation.report import dumps, headline, problem, read_report, save_report, schema


def number(value: float | None, *interval: float, **more: Any) -> dict[str, Any]:
    """As it stands in eval.json; of two recordings, of which only the first moves it, unless `more` says otherwise."""
    if not interval:
        return {"value": value, "interval_95": None, "reason": "why", **more}
    return {"value": value, "interval_95": list(interval), "influence": [(interval[1] - interval[0]) / 4, 0.0], **more}


def report(**results: dict[str, Any]) -> dict[str, Any]:
    """The smallest eval.json."""
    return {
        "schema": 3,
        "headline": {"listens": "not known: nobody asked.", "model": {}},
        "listener": None,
        "results": {"truth": {"is": "x", "samples": 1}, **results},
        "left_out": {},
        "folds": None,
        "repeats": [],
        "definitions": {},
        "n": {
            **{"clips": 4, "frames": 40, "recordings": 2, "samples": 1, "training_windows": None},
            **{"bootstrap": 10, "shifts": 0},
        },
        "predicted_frames": {"first": 0, "last": 9},
        "data": {"sha256": "0" * 64},
        "seeds": {"evaluation": 0},
        "codebook_use": None,
        "config": {},
        "versions": {},
        "git_revision": None,
    }


def row(**metrics: dict[str, Any]) -> dict[str, Any]:
    return {"is": "x", "samples": 1, **metrics}


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    assert problem(report()) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"value": None, "interval_95": None},
        {"value": 1.0, "interval_95": None},
        {"value": 1.0, "interval_95": [0.0]},
        {"value": "1", "interval_95": [0.0, 1.0]},
        {"value": 1.0},
    ],
    ids=str,
)
def test_a_number_without_its_interval_or_reason_is_refused(wrong: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="schema"):
        save_report(tmp_path / "eval.json", report(model=row(l2={"all": wrong})))
    assert not list(tmp_path.iterdir())


def test_nan_is_never_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        save_report(tmp_path / "eval.json", report(model=row(l2={"all": number(float("nan"), 0.0, 1.0)})))
    assert not list(tmp_path.iterdir())


def test_a_number_is_a_line_and_digits_end_at_the_seventh(tmp_path: Path) -> None:
    save_report(tmp_path / "eval.json", report(model=row(l2={"all": number(1 / 3, 0.1, 2 / 3)})))
    text = (tmp_path / "eval.json").read_text()
    assert '"all": {"value": 0.3333333, "interval_95": [0.1, 0.6666667], "influence": [0.1416667, 0.0]}' in text
    assert json.loads(text) == json.loads(dumps(json.loads(text)))


def test_files_that_are_no_report_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "eval.json"
    for text, message in (
        ("{", "is not JSON"),
        ('{"schema": 1}', "has schema 1, this l2l reads 3; evaluate again"),
        ('{"schema": 3}', "does not follow its schema"),
        ("[]", "does not follow its schema"),
    ):
        path.write_text(text)
        with pytest.raises(UserError, match=message):
            read_report(path)
    with pytest.raises(UserError, match="does not exist"):
        read_report(tmp_path / "none.json")


def test_the_headline_says_what_is_beaten_and_whether_the_model_listens() -> None:
    gain = {"nll": number(0.2, 0.1, 0.3, p=0.01)}
    results = {
        "model": row(l2={"all": number(2.0, 1.9, 2.1)}, event_f1={"nod": number(0.5, 0.4, 0.6)}, gain=gain),
        "mirror": row(l2={"all": number(3.0, 2.9, 3.1)}, event_f1={"nod": number(0.9, 0.8, 1.0)}),
        "mean_pose": row(l2={"all": number(2.05, 1.9, 2.2, influence=[0.0, 0.07])}, event_f1={"nod": number(None)}),
        "truth_other_recording": row(l2={"all": number(1.0, 0.9, 1.1)}, event_f1={"nod": number(1.0, 1.0, 1.0)}),
        "truth": row(l2={"all": number(0.0, 0.0, 0.0)}),
    }
    found = headline(results, 10)
    assert found["listens"] == "yes: the gain (nll) is 0.2, 95 % interval 0.1 to 0.3."
    lines = found["model"]
    assert (lines["l2.all"]["better_than"], lines["l2.all"]["tied_with"]) == (["mirror"], ["mean_pose"])
    assert lines["event_f1.nod"]["worse_than"] == ["mirror"]
    assert problem({**report(**results), "headline": found}) is None
    assert headline(results, 2)["listens"].endswith("Only 2 test recordings: an interval over so few says little.")


def test_every_number_is_explained_on_the_page() -> None:
    page = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
    assert [name for name in METRICS if f"`{name}`" not in page] == []
