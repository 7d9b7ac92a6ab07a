"""diarize by SyncNet: the original's numbers from crops and sound, and a decision of who speaks."""

import numpy as np
import pytest
import torch

from l2l import config
from l2l.errors import UserError
from l2l.speech import face_scores, syncnet
from l2l.speech.mfcc import mfcc
from l2l.speech.speaking import diarize
from l2l.speech.syncnet import SyncNet, distances, synchrony, windows_of_lips
from l2l.video.face_tracks import FaceTrack
from l2l.video.footage import Footage
from l2l.weights.state_dicts import load_into, read_torch
from tests.media import ffmpeg, noise_video
from tests.released import published_weights
from tests.released.published_weights import close, enlarged, reference
from tests.video.tracked import write_tracks


@pytest.fixture(scope="module")
def net():
    return published_weights.seeded_syncnet()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where weight files are looked for."""
    monkeypatch.setenv("L2L_WEIGHTS", str(tmp_path / "weights"))
    return tmp_path / "weights"


@pytest.fixture
def footage(tmp_path):
    """A second of noise and a hum, with two people on it whose faces move a little."""
    noise_video(tmp_path / "video.mp4", 1.0, size="320x160")
    ffmpeg("-i", str(tmp_path / "video.mp4"), "-ar", "16000", "-ac", "1", str(tmp_path / "audio.wav"))
    write_tracks(tmp_path / "tracks.npz", frames=30, size=(320, 160), faces=[(80, 80, 50), (240, 80, 50)])
    return Footage.of(tmp_path)


def test_both_branches_are_the_originals(net):
    stored = reference("syncnet_net")
    windows = windows_of_lips(torch.from_numpy(enlarged(stored["frames_lowres"], 16)))
    close(net.lips(windows), stored["lip"])
    close(net.netcnnlip(windows).flatten(1), stored["lipfeat"])
    close(net.sound(torch.from_numpy(stored["mfcc_in"])), stored["aud"])


@pytest.mark.parametrize("case", "abc")
def test_crops_and_sound_give_the_originals_distances_and_exactly_its_offset(net, case):
    stored = reference(f"syncnet_{case}")
    crops = torch.from_numpy(enlarged(stored["frames_bgr_lowres"], 16))
    columns, shift = torch.from_numpy(mfcc(stored["audio"]).astype(np.float32)), int(stored["vshift"])
    count = syncnet.window_count(len(crops), len(stored["audio"]))
    lips = syncnet.lip_embeddings(net, crops, count, batch=8)
    sound = syncnet.sound_embeddings(net, columns, 0, count, count, shift)
    close(lips[:, ::32], stored["lip"])
    close(sound[shift:-shift, ::32], stored["aud"])
    found = distances(lips, sound).numpy()
    close(found, stored["dists"])
    assert synchrony(found).offset == stored["offset"]


def test_old_files_fit_without_counters_and_in_the_old_container(net, tmp_path):
    state = {name: value for name, value in net.state_dict().items() if not name.endswith("num_batches_tracked")}
    torch.save(state, tmp_path / "syncnet_v2.model", _use_new_zipfile_serialization=False)
    found = SyncNet()
    load_into(found, read_torch(tmp_path / "syncnet_v2.model"), tmp_path / "syncnet_v2.model")
    assert torch.equal(found.netcnnlip[0].weight, net.netcnnlip[0].weight)


def test_another_networks_file_is_refused_by_the_name_that_is_missing(folder):
    published_weights.write_s3fd(folder).rename(folder / "s3fd/moved")
    (folder / "syncnet").mkdir()
    (folder / "s3fd/moved").rename(folder / "syncnet/syncnet_v2.model")
    with pytest.raises(UserError, match=r"syncnet_v2.model: the weight 'netcnnaud.0.weight' of SyncNet is missing"):
        syncnet.load_syncnet()


def test_without_weights_it_says_how_to_get_them_and_writes_nothing(folder, footage, tmp_path):
    with pytest.raises(UserError, match=r"l2l weights fetch syncnet`, or use diarization.backend: vad_lips"):
        diarize(footage, tmp_path / "speaking.npz", config.DiarizationSettings(backend="syncnet"))
    assert not list(tmp_path.glob("speaking*"))


def test_a_recording_gets_offset_and_confidence_of_every_face(folder, footage, monkeypatch):
    published_weights.write_syncnet(folder)
    monkeypatch.setattr(face_scores, "voice_activity", lambda _, frames: np.ones(frames, np.float32))
    settings = config.DiarizationSettings(backend="syncnet", syncnet={"min_frames": 20, "min_size": 20, "shift": 3})
    found = syncnet.diarize(footage, settings)
    assert found.probability.shape == (30, 2) and found.probability.dtype == np.float32
    assert ((found.probability >= 0.5).sum(1) <= 1).all()
    assert [track["person"] for track in found.report["tracks"]] == ["left", "right"]
    for track in found.report["tracks"]:
        assert track["start"] == 0 and track["seconds"] == 1 and abs(track["offset"]) <= 3
        assert track["lse_c"] > 0 and track["lse_d"] > 0


def test_blocks_change_nothing(net, footage, monkeypatch):
    faces = [FaceTrack(0, np.tile([60.0, 60, 100, 100], (17, 1))), FaceTrack(10, np.tile([10.0, 10, 90, 90], (15, 1)))]
    settings = config.SyncNetSettings(shift=3, batch_size=4)
    whole = syncnet.track_distances(net, footage, 30, faces, settings)
    monkeypatch.setattr(syncnet, "_BLOCK", 6)
    pieces = syncnet.track_distances(net, footage, 30, faces, settings)
    assert [len(distance) for distance in whole] == [12, 10]
    for a, b in zip(whole, pieces, strict=True):
        close(a, b)


def test_faces_that_are_too_small_are_named_with_the_settings(folder, footage):
    published_weights.write_syncnet(folder)
    with pytest.raises(UserError, match=r"larger than 100 pixels; lower diarization.syncnet.min_frames or"):
        syncnet.diarize(footage, config.DiarizationSettings(backend="syncnet", syncnet={"min_frames": 20}))


def test_one_speaks_where_there_is_speech_and_a_score_above_the_floor():
    score = np.array([[2.0, 1.0], [1.0, 2.0], [-1.0, -2.0], [2.0, 1.0], [-np.inf, 0.5], [-np.inf, -np.inf]])
    speech = np.array([1.0, 0.6, 1.0, 0.2, 1.0, 1.0])
    probability = syncnet.who_speaks(score, speech, threshold=0.5, floor=0.0)
    wanted = [[1, 0], [0, 1], [0, 0], [0, 0], [0, 1], [0, 0]]
    np.testing.assert_array_equal(probability >= 0.5, np.array(wanted, bool))
    assert probability.min() >= 0 and probability.max() <= 1
