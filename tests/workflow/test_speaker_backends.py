"""A recording of the demo goes through diarize with the backends that need weights: wiring and shapes, not quality."""

import json

import numpy as np
import pytest
import yaml

from l2l.speech.speaking import load_speaking
from l2l.video.tracks import load_tracks
from l2l.weights import catalogue as weights
from tests.released.published_weights import write_syncnet
from tests.road import PEOPLE, TINY, snakemake

pytestmark = pytest.mark.workflow


def test_syncnet_runs_with_weights_in_place(tmp_path, monkeypatch):
    (tmp_path / "weights").mkdir()
    for entry in weights.folder().iterdir():
        (tmp_path / "weights" / entry.name).symlink_to(entry.resolve())
    if not (tmp_path / "weights/syncnet").exists():
        write_syncnet(tmp_path / "weights")
    monkeypatch.setenv("L2L_WEIGHTS", str(tmp_path / "weights"))
    settings = {**TINY, "demo": {"recordings": 2, "seconds": 8}, "diarization": {"backend": "syncnet"}}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({**settings, "people": {"demo": PEOPLE["demo"]}}))
    folder = tmp_path / "results/demo/videos/demo_00"
    done = snakemake(tmp_path, "results/demo/videos/demo_00/speech_left.wav")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((folder / "speaking.json").read_text())
    assert report["backend"] == "syncnet" and report["both"] == 0
    assert [track["person"] for track in report["tracks"]] == ["left", "right"]
    probability = load_speaking(folder / "speaking.npz")
    assert probability.shape == (len(load_tracks(folder / "tracks.npz")), 2) and np.isfinite(probability).all()
