"""What is kept of a person is listed first, and then gone; of others nothing is."""

from pathlib import Path

import pytest
import yaml

from l2l.cli.main import main

PEOPLE = {
    "alice": {"listener": "left"},
    "bea": {"listener": "right"},
    "both": {"source": "people", "people": ["alice", "bea"]},
}


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("config.yaml").write_text(yaml.safe_dump({"people": PEOPLE}))
    for name in PEOPLE:
        for path in (f"data/{name}/train/a.npy", f"results/{name}/codebook.pt", f"data/raw/{name}/talk.mp4"):
            Path(path).parent.mkdir(parents=True)
            Path(path).write_bytes(b"x" * 1000)
    return tmp_path


def there(work: Path) -> set[str]:
    return {str(path.parent.relative_to(work)) for path in work.rglob("*") if path.suffix in (".pt", ".mp4", ".npy")}


def test_nothing_is_deleted_before_it_was_listed(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = there(work)
    assert main(["forget", "alice"]) == 0
    said = capsys.readouterr().out
    assert there(work) == before and "--yes" in said
    for place in ("results/alice", "data/alice", "data/raw/alice", "results/both", "data/both"):
        assert f"{place}  0.0 MB: " in said
    assert "bea  " not in said


def test_everything_of_the_person_goes_and_nothing_of_others(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["forget", "alice", "--yes"]) == 0
    assert there(work) == {"data/bea/train", "results/bea", "data/raw/bea", "data/raw/both"}
    assert main(["forget", "alice", "--yes"]) == 0
    assert capsys.readouterr().out.endswith("Nothing is kept of alice.\n")


@pytest.mark.parametrize("name", ["..", "../bea", "", ".snakemake", "raw/bea"])
def test_a_name_that_leads_elsewhere_is_refused(work: Path, name: str) -> None:
    before = there(work)
    assert main(["forget", name, "--yes"]) == 1 and there(work) == before


def test_a_link_to_recordings_elsewhere_is_removed_and_they_stay(work: Path) -> None:
    elsewhere = work / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "talk.mp4").touch()
    (work / "data/raw/cecil").symlink_to(elsewhere)
    assert main(["forget", "cecil", "--yes"]) == 0
    assert (elsewhere / "talk.mp4").exists() and not (work / "data/raw/cecil").is_symlink()


def test_published_data_that_another_person_uses_too_stays(work: Path) -> None:
    people = PEOPLE | {name: {"source": "published", "dataset": "fallon"} for name in ("mine", "yours")}
    Path("config.yaml").write_text(yaml.safe_dump({"people": people}))
    Path("data/fallon").mkdir()
    Path("results/mine").mkdir()
    assert main(["forget", "mine", "--yes"]) == 0
    assert Path("data/fallon").exists() and not Path("results/mine").exists()
