"""From raw video to numbers by named shapes: a part of each recording of the demo, as short as it can be."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from l2l.cli.main import main
from l2l.dataset.layout import load_chunks
from l2l.evaluation.report import read_report
from l2l.faces.blendshapes import SHAPES, with_rest
from l2l.faces.columns import SHAPES as COLUMNS
from l2l.faces.store import load_faces
from l2l.patches.checkpoint import load_codebook
from tests.road import TINY

pytestmark = pytest.mark.workflow

PARTS = ("demo_00", "demo_01", "demo_02")
START, END = "6.5", "10"  # seconds: the person on the right speaks


def test_a_raw_video_ends_with_smiles_and_blinks(demo: tuple[Path, str], tmp_path: Path) -> None:
    """Of `demo` only the raw videos are used."""
    videos, data, results = tmp_path / "videos", tmp_path / "data", tmp_path / "results"
    settings = {key: TINY[key] for key in ("codebook", "predictor", "sampling", "evaluation")}
    chunking = {"stride_train": 2, "stride_test": 8, "max_pause": 3}
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump({**settings, "faces": {"backend": "blendshapes"}, "chunking": chunking}))
    basis, codebook, predictor, samples, report = (
        str(results / name) for name in ("face_basis.npz", "codebook.pt", "predictor.pt", "samples.npz", "eval.json")
    )
    folders = [str(videos / name) for name in PARTS]

    def run(command: str, *words: str) -> None:
        assert main([command, *words, "--config", str(config)]) == 0, command

    for folder, name in zip(folders, PARTS, strict=True):
        source = f"{demo[0]}/data/raw/demo/{name}.mp4"
        run("normalise", source, "--start", START, "--end", END, "--out", folder)
    for step in ("track", "diarize", "separate", "mel"):
        run(step, *folders)
    run("fit-faces", *folders[:2], "--out", basis)
    run("faces", *folders, "--basis", basis)
    listener = ["--listener", "left"]
    run("chunk", str(videos), "--train", *PARTS[:2], "--test", PARTS[2], *listener, "--out", str(data))
    board = ["--log-dir", str(results / "board")]
    run("train-codebook", str(data), *listener, "--out", codebook, *board)
    run("train-predictor", str(data), "--codebook", codebook, *listener, "--out", predictor, *board)
    models = ["--codebook", codebook, "--predictor", predictor, *listener]
    run("sample", str(data), *models, "--out", samples)
    run("evaluate", str(data), "--samples", samples, *models, "--basis", basis, "--out", report)
    run("export", str(results), "--chunks", str(data), "--format", "livelink", "--out", str(tmp_path / "exports"))
    run("export", folders[2], "--basis", basis, "--format", "glb", "--out", str(tmp_path / "exports"))

    for row in read_report(Path(report))["results"].values():
        assert all(row["event_rate"][kind]["value"] >= 0 for kind in ("nod", "smile", "blink"))
    faces = load_faces(videos / PARTS[0] / "faces_left.npz")
    assert faces.rest is not None and len(faces.rest) == len(SHAPES)
    weights = with_rest(faces.faces[faces.valid], faces.rest)
    assert weights.shape[1] == 52 and weights.min() >= 0 and weights.max() <= 1
    moved = load_chunks(data, "train", "left").listener[..., COLUMNS.index("eyeBlinkLeft")]
    assert np.isfinite(moved).all() and moved.std() > 0
    _, standardizer, _ = load_codebook(Path(codebook))
    assert standardizer.std[:47].min() >= 0.02 - 1e-6  # columns of noise are not blown up
    written = [path.name for path in sorted((tmp_path / "exports").iterdir())]
    assert written[-2:] == [f"{PARTS[2]}_faces_left.glb", f"{PARTS[2]}_faces_right.glb"]
    assert written[0].endswith("_sample_1.csv") and written[1].endswith("_true.csv")
