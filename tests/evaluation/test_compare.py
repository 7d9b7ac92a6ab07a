import csv
from pathlib import Path
from typing import Any

import pytest

from l2l.cli.main import main
from l2l.errors import UserError
from l2l.evaluation.compare import as_csv, as_markdown, tables
from l2l.evaluation.report import save_report
from tests.evaluation.test_report import number, report, row


def write(path: Path, data: str = "0", parameters: dict[str, Any] | None = None, **results: dict[str, Any]) -> Path:
    """eval.json; `parameters` of metrics."""
    about = {"definition": "x", "units": "x", "pooling": "x", "source": "x", "fps": 30}
    definitions = {name: {**about, "parameters": own} for name, own in (parameters or {}).items()}
    save_report(path, {**report(**results), "data": {"sha256": data * 64}, "definitions": definitions})
    return path


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    shared = {
        "mirror": row(l2={"all": number(3.0, 2.9, 3.1)}, seam={"all": number(5.0, 4.0, 6.0)}),
        "truth": row(l2={"all": number(0.0, 0.0, 0.0)}, seam={"all": number(1.0, 0.9, 1.1)}),
    }
    one = row(l2={"all": number(2.0, 1.9, 2.1)}, seam={"all": number(1.4, 1.3, 1.5)})
    two = row(l2={"all": number(2.05, 1.95, 2.15, influence=[0.0, 0.05])}, seam={"all": number(0.9, 0.8, 0.95)})
    return [
        write(tmp_path / "one" / "eval.json", model=one, **shared),
        write(tmp_path / "two" / "eval.json", model=two, **shared),
        write(tmp_path / "other" / "eval.json", data="1", model=row(l2={"all": number(0.1, 0.0, 0.2)})),
    ]


def test_the_best_is_bold_ties_are_marked_and_controls_do_not_compete(
    files: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["compare", *map(str, files), "--metrics", "l2.all", "seam.all", "--out", str(tmp_path / "table")]
    assert main(words) == 0
    text = (tmp_path / "table.md").read_text()
    assert "| one: model | 1 | **2** | 1.4 |" in text
    assert "| two: model | 1 | 2.05 = | **0.9** |" in text  # closest to the truth's 1, not the smallest
    assert "| *one: truth* | 1 | 0 | 1 |" in text and text.count("mirror") == 1  # the same row is shown once
    assert "l2.all ↓" in text and "seam.all → truth" in text
    with open(tmp_path / "table.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    best = [(line["row"], line["number"], line["value"]) for line in rows if line["mark"] == "best"]
    assert best == [("one: model", "l2.all", "2.0"), ("two: model", "seam.all", "0.9")]
    assert [line["low_95"] for line in rows if line["row"] == "one: model"] == ["1.9", "1.3"]
    shown = capsys.readouterr().out
    assert "mirror" in shown and "2.05 =" in shown


def test_only_the_same_test_data_share_a_table(files: list[Path]) -> None:
    found = tables(files, ["l2.all"])
    assert [len(table.lines) for table in found] == [4, 2]
    assert all(not line.marks for line in found[1].lines)  # alone, nothing is the best


def test_numbers_of_other_parameters_are_shown_and_not_ranked_and_one_line_says_why(tmp_path: Path) -> None:
    def model(value: float) -> dict[str, Any]:
        part = number(value, value - 0.1, value + 0.1)
        return row(l2={"all": part}, seam={"all": part}, gain={"nll": part, "l2": part})

    def made(block: int, codebook: str) -> dict[str, Any]:
        return {"seam": {"block": block}, "gain": {"shifts": 5, "codebook": {"nll": codebook}}}

    truth = row(seam={"all": number(1.0, 0.9, 1.1)})
    paths = [
        write(tmp_path / "a.json", parameters=made(8, "one"), model=model(1.0), truth=truth),
        write(tmp_path / "b.json", parameters=made(8, "other"), model=model(2.0), truth=truth),
        write(tmp_path / "c.json", parameters=made(32, "one"), model=model(3.0), truth=truth),
    ]
    words = ["l2.all", "seam.all", "gain"]
    (table,) = tables(paths, words)
    text, sheet = as_markdown([table]), as_csv([table])
    assert "`seam.all` is not ranked: block is 8 in a, b and 32 in c." in text
    assert "`gain.nll` is not ranked: codebook is one in a, c and other in b." in text
    assert list(table.unranked) == ["seam.all", "gain.nll"]
    assert "| a: model | 1 | **1** | 1 | 1 | 1 |" in text and "| c: model | 1 | 3 | 3 | 3 | **3** |" in text
    assert sheet.count("not ranked") == 2 * len(table.lines)
    assert not tables(paths[:1], words)[0].unranked


def test_a_metric_without_a_part_shows_all_its_parts(files: list[Path]) -> None:
    assert tables(files[:1], ["seam"])[0].columns == ["seam.all"]
    with pytest.raises(UserError, match=r"--metrics l3: there is no such number"):
        tables(files, ["l3"])


def test_the_best_of_more_samples_is_not_compared_with_the_best_of_fewer(tmp_path: Path) -> None:
    one, many = row(l2_best={"all": number(1.0, 0.9, 1.1)}), row(l2_best={"all": number(2.0, 1.9, 2.1)})
    path = write(tmp_path / "eval.json", model={**many, "samples": 5}, mirror=one, median_pose={**many, "samples": 5})
    (table,) = tables([path], ["l2_best.all"])
    marks = {line.name: line.marks.get("l2_best.all") for line in table.lines}
    assert marks == {"truth": None, "model": "best", "mirror": None, "median_pose": "best"}
