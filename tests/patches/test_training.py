"""Training of the patch models: they learn, and a stop changes no byte."""

import numpy as np
import pytest
import torch

from l2l import files
from l2l.architectures import train_codebook, train_predictor
from l2l.dataset.layout import load_chunks
from l2l.errors import Stopped, UserError
from l2l.patches.checkpoint import load_codebook, load_models
from l2l.patches.crops import encode_phases
from l2l.patches.train_codebook import channel_weights, motion_loss, prepare_codebook
from l2l.patches.train_predictor import prepare_predictor
from l2l.training import session as sessions
from l2l.training.checkpoint import read_checkpoint
from l2l.windows.checkpoint import load_codebook as load_windows_codebook
from l2l.windows.checkpoint import load_pair
from tests.synthetic import write_chunks
from tests.tiny import tiny_patches

STEPS = 24


@pytest.fixture(scope="module")
def person(tmp_path_factory):
    folder = tmp_path_factory.mktemp("person")
    write_chunks(folder, windows=6, videos=4)
    settings = tiny_patches(steps=STEPS)
    train_codebook(folder, "left", settings, folder / "codebook.pt", folder / "board")
    train_predictor(folder, folder / "codebook.pt", "left", settings, folder / "predictor.pt", folder / "board")
    return folder


def test_both_models_learn(tmp_path):
    write_chunks(tmp_path, windows=8, videos=4)
    settings = tiny_patches(steps=100)
    train_codebook(tmp_path, "left", settings, tmp_path / "codebook.pt", tmp_path / "board")
    meta = load_codebook(tmp_path / "codebook.pt")[2]
    assert meta["validation_loss"] < 1.8  # the mean pose: 2.4, about 0.8 std in each of three regions
    train_predictor(tmp_path, tmp_path / "codebook.pt", "left", settings, tmp_path / "predictor.pt", tmp_path)
    history = torch.load(tmp_path / "predictor.pt", weights_only=True)["history"]
    assert history[-1]["validation_loss"] < history[0]["validation_loss"] < 6 * np.log(16) / 8  # even odds


def test_weights_from_before_the_codes_are_never_the_best(person):
    meta = load_codebook(person / "codebook.pt")[2]
    first = int(tiny_patches(STEPS).codebook.warm_up * STEPS)
    assert "perplexity" not in meta["history"][0] and meta["step"] > first


@pytest.mark.parametrize("model", ["codebook", "predictor"])
def test_a_stopped_training_gives_the_same_bytes(person, model, tmp_path, monkeypatch):
    arguments = (person, person / "codebook.pt") if model == "predictor" else (person,)
    train = train_predictor if model == "predictor" else train_codebook
    count = 0
    pause = sessions.Session.pause

    def stopping(self, task, state):
        nonlocal count
        count += 1
        if count in (5, 14):
            self._signal = sessions.signal.SIGTERM
        pause(self, task, state)

    monkeypatch.setattr(sessions.Session, "pause", stopping)
    out = tmp_path / f"{model}.pt"
    for _ in range(2):
        with pytest.raises(Stopped, match="stopped after step"):
            train(*arguments, "left", tiny_patches(STEPS), out, tmp_path / "board")
    train(*arguments, "left", tiny_patches(STEPS), out, tmp_path / "board")
    assert out.read_bytes() == (person / f"{model}.pt").read_bytes()


@pytest.mark.parametrize("model", ["codebook", "predictor"])
def test_data_that_does_not_fit_in_memory_gives_the_same_bytes(person, model, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "LARGE", 1)
    arguments = (person, person / "codebook.pt") if model == "predictor" else (person,)
    train = train_predictor if model == "predictor" else train_codebook
    out = tmp_path / f"{model}.pt"
    train(*arguments, "left", tiny_patches(STEPS), out, tmp_path / "board")
    assert out.read_bytes() == (person / f"{model}.pt").read_bytes()


def test_codes_of_every_phase_begin_at_their_frame(person):
    settings = tiny_patches()
    data = load_chunks(person, "train", "left")
    model, standardizer, _ = load_codebook(person / "codebook.pt")
    task = prepare_codebook(data, settings).task
    codes = encode_phases(model, task.sequences, task.motion)
    own = task.motion[task.sequences.of(1)]
    first = -(-int(task.sequences.lengths[0]) // 8)
    for phase in (0, 3):
        count = (len(own) - phase) // 8
        wanted = model.encode(own[None, phase : phase + 8 * count])[0]
        assert torch.equal(codes[phase, first : first + count].long(), wanted)
    material = prepare_predictor(data, model, standardizer, settings).task.material
    found = material.crops(np.array([1]), np.array([2]), np.array([3]), 12)
    inside = found.counted[0]
    assert torch.equal(found.codes[0][inside], codes[3, first + 2 : first + 2 + 12][inside].long())
    start = int(task.sequences.starts[1]) + 3 + 16
    assert torch.equal(found.features[0], material.features[start : start + 96])


def test_nothing_is_learnt_from_beyond_the_end_of_a_sequence():
    error, inside = torch.randn(2, 24, 56), torch.ones(2, 24, dtype=torch.bool)
    inside[1, 12:] = False
    other = error.clone()
    other[1, 12:] = 100
    weights = channel_weights(2.0)
    assert motion_loss(error, inside, weights, 2.0) == motion_loss(other, inside, weights, 2.0)
    assert float(weights[:50].sum()) == pytest.approx(1) and float(weights[50:].sum()) == pytest.approx(1)


def test_the_losses_of_two_parts_make_that_of_the_whole_batch():
    """However many frames of a part are real: a part weighs as much as it has rows."""
    error, inside, weights = torch.randn(5, 24, 56), torch.ones(5, 24, dtype=torch.bool), channel_weights(2.0)
    inside[:3, 9:] = False
    parts = [(slice(0, 3), 0.6), (slice(3, 5), 0.4)]
    found = sum(share * motion_loss(error[part], inside, weights, 2.0, part) for part, share in parts)
    assert float(found) == pytest.approx(float(motion_loss(error, inside, weights, 2.0)))


def test_checkpoints_say_what_they_are(person):
    assert read_checkpoint(person / "codebook.pt", "codebook")["architecture"] == "patches"
    models = load_models(person / "codebook.pt", person / "predictor.pt")
    assert models.power and models.people == () and (models.features.scale > 0).all()
    for load in (
        lambda: load_windows_codebook(person / "codebook.pt"),
        lambda: load_pair(*[person / "codebook.pt"] * 2),
    ):
        with pytest.raises(UserError, match="architecture patches"):
            load()


def test_a_predictor_of_another_codebook_is_refused(person, tmp_path):
    other = tiny_patches(STEPS, seed=1)
    train_codebook(person, "left", other, tmp_path / "codebook.pt", tmp_path / "board")
    with pytest.raises(UserError, match="another codebook"):
        load_models(tmp_path / "codebook.pt", person / "predictor.pt")
