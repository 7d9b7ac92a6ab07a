"""diarize by Light-ASD: its numbers, whichever way they are computed, and each person's own answer."""

import numpy as np
import pytest
import torch

from l2l import config
from l2l.errors import UserError
from l2l.speech import light_asd
from l2l.speech.light_asd import LightAsd
from l2l.video.footage import Footage
from l2l.weights import catalogue as weights
from tests.media import ffmpeg, noise_video
from tests.released.published_weights import close, enlarged, reference
from tests.released.seeded_weights import fill
from tests.video.tracked import write_tracks


@pytest.fixture(scope="module")
def net():
    net = LightAsd()
    fill(net, 7)
    return net.eval().requires_grad_(False)


def test_faces_and_sound_give_one_score_per_frame(net):
    faces, mfcc = torch.zeros(2, 9, 112, 112, dtype=torch.uint8), torch.zeros(2, 36, 13)
    assert net.see(faces).shape == net.hear(mfcc).shape == (2, 9, 128)
    assert net.score(net.see(faces) + net.hear(mfcc)).shape == (2, 9)


def test_scores_are_the_originals():
    if weights.status("light_asd") != "ready":
        pytest.skip("the published weights are not here: l2l weights fetch light_asd")
    stored = reference("light_asd")
    net = light_asd.load_light_asd()
    faces = torch.from_numpy(enlarged(stored["gray_lowres"], 8))[None]
    seen, heard = net.see(faces), net.hear(torch.from_numpy(stored["mfcc"])[None])
    close(seen, stored["embed_visual"])
    close(heard, stored["embed_audio"])
    close(net.model["GRU"](seen + heard)[0], stored["backend"])
    close(net.score(seen + heard)[0], stored["score"])


@pytest.mark.parametrize("frames", [11, 25, 60])
def test_seeing_every_frame_twice_gives_what_seeing_every_window_gives(net, frames):
    rng = np.random.default_rng(frames)
    faces = torch.from_numpy(enlarged(rng.integers(0, 255, (frames, 14, 14), np.uint8), 8))
    mfcc = torch.from_numpy(rng.normal(0, 5, (4 * frames, 13)).astype(np.float32))
    lengths, wanted = [1, 1, 2], torch.zeros(frames)
    for length in lengths:
        pieces = [(start, min(start + 25 * length, frames)) for start in range(0, frames, 25 * length)]
        both = [net.see(faces[None, a:b]) + net.hear(mfcc[None, 4 * a : 4 * b]) for a, b in pieces]
        wanted += torch.cat([net.score(each)[0] for each in both]) / len(lengths)
    close(light_asd.window_scores(net, faces, mfcc, lengths, batch=2), wanted.numpy())


def test_scores_are_smoothed_over_five_frames_and_fewer_at_the_ends():
    found = light_asd.smooth(np.array([5.0, 0, 0, 0, 0, 0, 10]))
    np.testing.assert_allclose(found, [5 / 3, 5 / 4, 1, 0, 2, 10 / 4, 10 / 3], atol=1e-12)


def test_a_grey_face_is_the_middle_of_the_crop():
    crop = np.zeros((224, 224, 3), np.uint8)
    crop[56:168, 56:168] = 200
    assert (light_asd.grey_face(crop) == 200).all() and light_asd.grey_face(crop).shape == (112, 112)


def test_each_person_speaks_for_themselves_and_who_is_not_seen_does_not(net, tmp_path, monkeypatch):
    noise_video(tmp_path / "video.mp4", 1.0, size="320x160")
    ffmpeg("-i", str(tmp_path / "video.mp4"), "-ar", "16000", "-ac", "1", str(tmp_path / "audio.wav"))
    write_tracks(tmp_path / "tracks.npz", frames=30, size=(320, 160), faces=[(80, 80, 50), (240, 80, 20)])
    monkeypatch.setattr(light_asd, "load_light_asd", lambda: net)
    settings = config.DiarizationSettings(backend="light_asd", light_asd={"windows": [1], "min_size": 30})
    found = light_asd.diarize(Footage.of(tmp_path), settings)
    assert found.probability.shape == (30, 2) and (found.probability[:, 1] == 0).all()
    assert (found.probability[:, 0] > 0).all() and (found.probability[:, 0] < 1).all()
    (track,) = found.report["tracks"]
    assert track["person"] == "left" and track["start"] == 0 and track["seconds"] == 1


def test_one_both_or_nobody_speaks():
    score = np.array([[4.0, 0.5], [4.0, 3.5], [-1.0, -3.0], [4.0, 5.0], [-np.inf, 0.1], [-np.inf, -np.inf]])
    speech = np.array([1.0, 0.9, 1.0, 0.2, 1.0, 1.0])
    probability = light_asd.who_speaks(score, speech, threshold=0.5, margin=1.0)
    wanted = [[1, 0], [1, 1], [0, 0], [0, 0], [0, 1], [0, 0]]
    np.testing.assert_array_equal(probability >= 0.5, np.array(wanted, bool))
    alone = light_asd.who_speaks(score, speech, threshold=0.0, margin=100.0)
    np.testing.assert_array_equal(alone >= 0.5, score > 0)


def test_a_file_that_is_not_the_published_one_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("L2L_WEIGHTS", str(tmp_path))
    (tmp_path / "light_asd").mkdir()
    torch.save({}, tmp_path / "light_asd/finetuning_TalkSet.model")
    with pytest.raises(UserError, match=r"finetuning_TalkSet.model is damaged .*l2l weights fetch light_asd"):
        light_asd.load_light_asd()
