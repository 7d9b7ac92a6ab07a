"""One recording and nothing else: from arrays to a verdict that says what it rests on."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from l2l.dataset.layout import load_chunks
from l2l.evaluation.report import read_report
from tests.road import TINY, snakemake

pytestmark = pytest.mark.workflow


def test_one_recording_ends_with_a_verdict_over_blocks_of_its_time(tmp_path: Path) -> None:
    settings = {key: TINY[key] for key in ("codebook", "predictor", "sampling")}
    settings["evaluation"] = {**TINY["evaluation"], "folds": 2}
    people = {"alice": {"source": "arrays", "listener": "left"}}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"people": people, **settings}))
    folder, rng = tmp_path / "data/raw/alice/talk", np.random.default_rng(0)
    folder.mkdir(parents=True)
    for name, shape in {"p0_faces": (1500, 56), "p1_faces": (1500, 56), "p1_audio": (6000, 128)}.items():
        np.save(folder / f"{name}.npy", rng.standard_normal(shape).astype(np.float32))
    done = snakemake(tmp_path, "results/alice/report.html")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "over 1 recording: 2 blocks of time, which say nothing of other conversations" in done.stderr
    page = (tmp_path / "results/alice/report.html").read_text()
    assert "talk, from 0:" in page and "There is no video of this recording to show" in page and "sample 3" in page
    found = read_report(tmp_path / "results/alice/eval.json")
    assert found["folds"]["recordings"] == ["talk, block 1", "talk, block 2"]
    assert found["folds"]["gain"]["nll"]["interval_95"] and found["results"]["model"]["l2"]["all"]["value"] > 0
    assert "parts of one recording: this says nothing of other conversations" in found["headline"]["listens"]
    ends, begins = (
        load_chunks(tmp_path / "data/alice", part, "left").files[:, 0, 2].astype(int) for part in ("train", "test")
    )
    assert ends.max() + 64 + 150 <= begins.min()
