"""The whole road with faces from DECA: random weights, so only that everything fits together."""

import json
import shutil

import numpy as np
import pytest
import yaml

from l2l import weights
from l2l.faces.store import backend_of, load_faces
from l2l.video.media import probe
from tests.faces.seeded_deca import seeded_weights
from tests.road import TINY, snakemake


@pytest.fixture(scope="module")
def road(tmp_path_factory):
    """The tiny demo with faces.backend deca; shorter, and without the second encoder: two ResNets take their time."""
    folder = tmp_path_factory.mktemp("deca")
    with pytest.MonkeyPatch.context() as patch:
        usual = weights.folder()
        patch.setenv("L2L_WEIGHTS", str(folder / "weights"))
        seeded_weights()
        (folder / "weights/mediapipe").symlink_to((usual / "mediapipe").resolve())
        settings = {**TINY, "demo": {"recordings": 2, "seconds": 10}}
        settings["faces"] = {"backend": "deca", "deca": {"batch_size": 8, "detail": False, "device": "cpu"}}
        settings["people"] = {"demo": {"listener": "left", "source": "demo"}}
        (folder / "config.yaml").write_text(yaml.safe_dump(settings))
        done = snakemake(folder, *(f"results/demo/{name}" for name in ("eval.json", "preview.mp4")))
    yield folder, done
    shutil.rmtree(folder / "weights")


@pytest.mark.workflow
def test_the_demo_comes_out_with_random_weights_in_place_of_deca_s(road):
    folder, done = road
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    assert "faces.deca: the tracked mesh makes the crop" in output and "Traceback" not in output
    results = json.loads((folder / "results/demo/eval.json").read_text())["results"]
    assert "model" in results and backend_of(folder / "results/demo/face_basis.npz") == "deca"
    for recording in (folder / "results/demo/videos").iterdir():
        for person in range(2):
            found = load_faces(recording / f"faces_p{person}.npz")
            assert found.faces.shape == (300, 184) and found.valid.mean() > 0.9
            known = found.faces[found.valid]
            assert np.isfinite(known).all() and known[:, :56].std(0).all() and not known[:, 56:].any()


@pytest.mark.workflow
def test_its_preview_shows_flame_s_head(road):
    folder, done = road
    found = probe(folder / "results/demo/preview.mp4")
    assert done.returncode == 0 and (found.width, found.height) == (1280, 720)
