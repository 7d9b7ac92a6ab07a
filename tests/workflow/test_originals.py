"""Parts of recordings go the whole road with the original extractors: random weights, so only that everything fits
together, not quality."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml

from l2l.faces.store import backend_of, load_faces
from l2l.sides import SIDES
from l2l.speech.speaking import load_speaking
from l2l.video.media import probe
from l2l.video.tracks import load_tracks
from l2l.weights import catalogue as weights
from tests.faces.seeded_deca import seeded_weights
from tests.released.published_weights import write_syncnet
from tests.road import TINY, snakemake
from tests.speech.multisensory_weights import write_random

pytestmark = pytest.mark.workflow


SECONDS = 1, 9  # of the demo's recordings


@pytest.fixture(scope="module")
def road(demo, tmp_path_factory):
    """Two parts of the demo's recordings with SyncNet, Multisensory and DECA, without DECA's second encoder."""
    folder = tmp_path_factory.mktemp("originals")
    with pytest.MonkeyPatch.context() as patch:
        default = weights.folder()
        patch.setenv("L2L_WEIGHTS", str(folder / "weights"))
        seeded_weights()
        write_syncnet(folder / "weights")
        write_random(folder / "weights")
        (folder / "weights/mediapipe").symlink_to((default / "mediapipe").resolve())
        settings = {**TINY, "chunking": {"stride_train": 2, "stride_test": 16}}
        # So short, they need dense windows, and few of them held out.
        for model in ("codebook", "predictor"):
            settings[model] = {**TINY[model], "training": {**TINY[model]["training"], "validation_share": 0.03}}
        settings["faces"] = {"backend": "deca", "deca": {"batch_size": 8, "detail": False, "device": "cpu"}}
        # What random networks say of who speaks is below any sensible floor.
        settings["diarization"] = {"backend": "syncnet", "syncnet": {"floor": -100}}
        settings["separation"] = {"backend": "multisensory", "multisensory": {"overlap": 0.05, "device": "cpu"}}
        settings["people"] = {"alice": {"listener": "right", "sheet": "parts.tsv"}}  # these networks hear the left one
        (folder / "config.yaml").write_text(yaml.safe_dump(settings))
        parts = ["\t".join(["alice", f"{demo[0]}/data/raw/demo/demo_0{n}.mp4", *map(str, SECONDS)]) for n in range(2)]
        (folder / "parts.tsv").write_text("\n".join(["person\tpath\tstart\tend", *parts, ""]))
        done = snakemake(folder, *(f"results/alice/{name}" for name in ("eval.json", "preview.mp4")))
    yield folder, done.returncode, done.stdout + done.stderr
    shutil.rmtree(folder / "weights")


@pytest.fixture
def recordings(road) -> list[Path]:
    found = sorted((road[0] / "results/alice/videos").iterdir())
    assert len(found) == 2
    return found


def test_numbers_and_a_preview_come_out_with_random_weights_in_place_of_the_originals(road):
    folder, status, output = road
    assert status == 0, output
    assert "faces.deca: the tracked mesh makes the crop" in output and "Traceback" not in output
    results = json.loads((folder / "results/alice/eval.json").read_text())["results"]
    assert "model" in results and backend_of(folder / "results/alice/face_basis.npz") == "deca"
    found = probe(folder / "results/alice/preview.mp4")  # of FLAME's head
    assert (found.width, found.height) == (1280, 720)


def test_syncnet_says_who_speaks(recordings):
    for recording in recordings:
        report = json.loads((recording / "speaking.json").read_text())
        assert report["backend"] == "syncnet" and report["both"] == 0
        assert [track["person"] for track in report["tracks"]] == ["left", "right"]
        probability = load_speaking(recording / "speaking.npz")
        assert probability.shape == (len(load_tracks(recording / "tracks.npz")), 2) and np.isfinite(probability).all()


def test_the_voices_that_multisensory_separates_become_mel(recordings):
    for recording in recordings:
        frames = json.loads((recording / "probe.json").read_text())["frames"]
        mixture, _ = soundfile.read(recording / "audio.wav")
        voices = [soundfile.read(recording / f"speech_{side}.wav") for side in SIDES]
        assert all((len(sound), rate) == (len(mixture), 16000) for sound, rate in voices)
        assert all(sound.std() > 1e-4 for sound, _ in voices) and not np.array_equal(voices[0][0], voices[1][0])
        mel = np.load(recording / "mel_left.npy")
        assert mel.shape == (4 * frames, 128) and np.isfinite(mel).all()


def test_deca_encodes_both_faces_without_detail(recordings):
    for recording in recordings:
        for side in SIDES:
            found = load_faces(recording / f"faces_{side}.npz")
            assert found.faces.shape == (30 * (SECONDS[1] - SECONDS[0]), 184) and found.valid.mean() > 0.9
            known = found.faces[found.valid]
            assert np.isfinite(known).all() and known[:, :56].std(0).all() and not known[:, 56:].any()
