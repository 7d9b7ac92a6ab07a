"""The whole road with the original extractors: random weights, so only that everything fits together, not quality."""

import json
import shutil

import numpy as np
import pytest
import yaml

from l2l.faces.store import backend_of, load_faces
from l2l.sides import SIDES
from l2l.video.media import probe
from l2l.weights import catalogue as weights
from tests.faces.seeded_deca import seeded_weights
from tests.released.published_weights import write_syncnet
from tests.road import TINY, snakemake
from tests.speech.multisensory_weights import write_random


@pytest.fixture(scope="module")
def road(tmp_path_factory):
    """The tiny demo with SyncNet, Multisensory and DECA; shorter, without DECA's second encoder."""
    folder = tmp_path_factory.mktemp("originals")
    with pytest.MonkeyPatch.context() as patch:
        usual = weights.folder()
        patch.setenv("L2L_WEIGHTS", str(folder / "weights"))
        seeded_weights()
        write_syncnet(folder / "weights")
        write_random(folder / "weights")
        (folder / "weights/mediapipe").symlink_to((usual / "mediapipe").resolve())
        settings = {**TINY, "demo": {"recordings": 2, "seconds": 10}}
        settings["faces"] = {"backend": "deca", "deca": {"batch_size": 8, "detail": False, "device": "cpu"}}
        # What random networks say of who speaks is below any sensible floor.
        settings["diarization"] = {"backend": "syncnet", "syncnet": {"floor": -100}}
        settings["separation"] = {"backend": "multisensory", "multisensory": {"overlap": 0.05, "device": "cpu"}}
        settings["people"] = {"demo": {"listener": "right", "source": "demo"}}  # these networks hear the left one
        (folder / "config.yaml").write_text(yaml.safe_dump(settings))
        done = snakemake(folder, *(f"results/demo/{name}" for name in ("eval.json", "preview.mp4")))
    yield folder, done
    shutil.rmtree(folder / "weights")


@pytest.mark.workflow
def test_the_demo_comes_out_with_random_weights_in_place_of_the_originals(road):
    folder, done = road
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    assert "faces.deca: the tracked mesh makes the crop" in output and "Traceback" not in output
    results = json.loads((folder / "results/demo/eval.json").read_text())["results"]
    assert "model" in results and backend_of(folder / "results/demo/face_basis.npz") == "deca"
    for recording in (folder / "results/demo/videos").iterdir():
        assert json.loads((recording / "speaking.json").read_text())["backend"] == "syncnet"
        for person in range(2):
            found = load_faces(recording / f"faces_{SIDES[person]}.npz")
            assert found.faces.shape == (300, 184) and found.valid.mean() > 0.9
            known = found.faces[found.valid]
            assert np.isfinite(known).all() and known[:, :56].std(0).all() and not known[:, 56:].any()


@pytest.mark.workflow
def test_its_preview_shows_flame_s_head(road):
    folder, done = road
    found = probe(folder / "results/demo/preview.mp4")
    assert done.returncode == 0 and (found.width, found.height) == (1280, 720)
