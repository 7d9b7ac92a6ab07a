"""The released models are tested on the published data without training: two archives in data/, then one target."""

import json
import tarfile
from pathlib import Path

import pytest
import yaml

from l2l.cli import main as cli
from tests.dataset.archives import person_arrays, write_tar
from tests.released.released_folder import write_folder, write_models
from tests.road import snakemake


@pytest.mark.workflow
def test_two_archives_give_the_score_of_the_released_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("L2L_WEIGHTS", str(tmp_path / "weights"))
    people = {
        "fallon_released": {"source": "published", "dataset": "fallon", "models": "released", "preset": "released"}
    }
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"people": people, "sampling": {"samples": 2}}))
    write_tar(tmp_path / "data/fallon_data.tar", person_arrays(tmp_path / "made"), "fallon")  # N = 40
    write_models(write_folder(tmp_path / "theirs"))
    with tarfile.open(tmp_path / "data/fallon_models.tar", "w") as tar:
        for path in sorted((tmp_path / "theirs").rglob("*")):
            if path.is_file() and "data" not in path.relative_to(tmp_path / "theirs").parts:
                tar.add(path, str(path.relative_to(tmp_path / "theirs")))

    assert cli.main(["fetch-models", "fallon"]) == 0
    done = snakemake(tmp_path, "results/fallon_released/eval.json")
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    assert "rule import_released" in output and "rule train_codebook" not in output
    found = json.loads((tmp_path / "results/fallon_released/eval.json").read_text())
    assert found["listener"] == "right" and found["results"]["model"]["l2"]["rotation"]["value"] > 0
