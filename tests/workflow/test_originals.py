"""A part of a recording goes through the original extractors: random weights, so only that everything fits together,
not quality. It is as short as a window allows, for the networks see 3 to 7 frames in a second."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml

from l2l.cli.main import main
from l2l.dataset.layout import WINDOW, dataset_files, load_chunks
from l2l.faces.store import backend_of, load_faces
from l2l.files import save_npz
from l2l.recordings.table import read_table
from l2l.sides import SIDES
from l2l.speech.speaking import load_speaking
from l2l.video.probing import probe
from l2l.video.tracks import load_tracks
from l2l.weights import catalogue as weights
from tests.faces.seeded_deca import seeded_weights
from tests.media import ffmpeg
from tests.released.published_weights import write_syncnet
from tests.road import TINY, snakemake
from tests.speech.multisensory_weights import write_random

pytestmark = pytest.mark.workflow


SECONDS = 1, 4.6  # of a recording of the demo; somebody speaks all the time
FRAMES = 108
# Faces with the same contrast are the same to random networks, which then change their mind all the time.
DARK = "crop=iw/2:ih:iw/2:0,colorlevels=romax=0.4:gomax=0.4:bomax=0.4"
DARK_RIGHT = f"split[all][right];[right]{DARK}[dark];[all][dark]overlay=W/2"


@pytest.fixture(scope="module")
def road(demo, tmp_path_factory):
    """A part of a recording with SyncNet, Multisensory and DECA, without DECA's second encoder."""
    folder = tmp_path_factory.mktemp("originals")
    with pytest.MonkeyPatch.context() as patch:
        default = weights.folder()
        patch.setenv("L2L_WEIGHTS", str(folder / "weights"))
        seeded_weights()
        write_syncnet(folder / "weights")
        write_random(folder / "weights")
        (folder / "weights/mediapipe").symlink_to((default / "mediapipe").resolve())
        # A second one for testing would take as long; 0: the only one is not divided either.
        settings = {**TINY, "chunking": {"stride_train": 2, "max_backchannel": 0.5, "test_share": 0}}
        settings["faces"] = {"backend": "deca", "deca": {"batch_size": 8, "detail": False, "device": "cpu"}}
        # What random networks say of who speaks is below any sensible floor.
        settings["diarization"] = {"backend": "syncnet", "syncnet": {"floor": -100, "min_frames": 50}}
        settings["separation"] = {"backend": "multisensory", "multisensory": {"overlap": 0.05, "device": "cpu"}}
        settings["people"] = {"alice": {"listener": "right", "sheet": "parts.tsv"}}  # these networks hear the left one
        (folder / "config.yaml").write_text(yaml.safe_dump(settings))
        ffmpeg("-i", f"{demo[0]}/data/raw/demo/demo_01.mp4", "-vf", DARK_RIGHT, f"{folder}/dark.mp4")
        part = "\t".join(["alice", f"{folder}/dark.mp4", *map(str, SECONDS)])
        (folder / "parts.tsv").write_text(f"person\tpath\tstart\tend\n{part}\n")
        files = [str(file.relative_to(folder)) for file in dataset_files(folder / "data/alice", "train")]
        done = snakemake(folder, *files)
        yield folder, done.returncode, done.stdout + done.stderr
    shutil.rmtree(folder / "weights")


@pytest.fixture
def recordings(road) -> list[Path]:
    found = sorted((road[0] / "results/alice/videos").iterdir())
    assert len(found) == 1
    return found


def test_windows_come_out_with_random_weights_in_place_of_the_originals(road):
    folder, status, output = road
    assert status == 0, output
    assert "faces.deca: the tracked mesh makes the crop" in output and "Traceback" not in output
    assert backend_of(folder / "results/alice/face_basis.npz") == "deca"
    (row,) = read_table(folder / "results/alice/preprocess.tsv")
    assert (row.status, row.reason) == ("ok", "")
    chunks = load_chunks(folder / "data/alice", "train", "right")
    assert len(chunks) and np.isfinite(chunks.listener).all() and np.isfinite(chunks.audio).all()
    assert chunks.listener[..., :56].std(1).all()


def test_the_preview_shows_flames_head(road):
    """Of windows that stand for the test recording's, and of samples that are their truth."""
    folder, _, output = road
    shutil.copytree(folder / "data/alice/train", folder / "shown/test")
    windows = load_chunks(folder / "shown", "test", "right")
    assert len(windows), output
    half = WINDOW // 2
    drawn = {"given": np.full(len(windows), half), "seed": np.array(0), "sampling": np.array("{}")}
    samples = np.array(windows.listener[None, ..., :56])
    save_npz(folder / "samples.npz", samples=samples, first_frame=np.array(half), **drawn)
    results, out = folder / "results/alice", folder / "preview.mp4"
    words = ["preview", str(results / "videos"), "--chunks", str(folder / "shown"), "--listener", "right"]
    words += ["--samples", str(folder / "samples.npz"), "--basis", str(results / "face_basis.npz")]
    assert main([*words, "--out", str(out), "--set", "preview.seconds=1.5"]) == 0
    found = probe(out)
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
            assert found.faces.shape == (FRAMES, 184) and found.valid.mean() > 0.9
            known = found.faces[found.valid]
            assert np.isfinite(known).all() and known[:, :56].std(0).all() and not known[:, 56:].any()
