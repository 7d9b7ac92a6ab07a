from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from l2l.architectures import sample, train_codebook, train_predictor
from l2l.dataset.layout import Chunks, load_chunks
from l2l.patches.asked import Model
from l2l.patches.checkpoint import Models, load_models
from tests.synthetic import heard, write_chunks
from tests.tiny import tiny_patches, with_a_branch


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_chunks(tmp_path_factory.mktemp("person"), windows=4, videos=3)
    write_chunks(folder, windows=3, videos=2, split="test")
    train_codebook(folder, "left", tiny_patches(8), folder / "codebook.pt", folder / "log")
    train_predictor(folder, folder / "codebook.pt", "left", tiny_patches(8), folder / "predictor.pt", folder / "log")
    with_a_branch(folder / "predictor.pt")
    return folder


@pytest.fixture
def test(person: Path) -> Chunks:
    return load_chunks(person, "test", "left")


@pytest.fixture
def models(person: Path) -> Models:
    return load_models(person / "codebook.pt", person / "predictor.pt")


@pytest.mark.parametrize(("past", "first"), [("real", 32), ("none", 0)])
def test_asked_with_the_true_speaker_it_draws_what_sample_draws(
    person: Path, test: Chunks, models: Models, past: str, first: int, tmp_path: Path
) -> None:
    settings = tiny_patches(seed=3, sampling={"samples": 2, "past": past, "temperature": 1, "top_p": 1})
    sample(person, person / "codebook.pt", person / "predictor.pt", "left", settings, tmp_path / "s.npz")
    model = Model(models, test, settings)
    drawn = np.load(tmp_path / "s.npz")["samples"][:, :, first:]
    np.testing.assert_array_equal(model.samples(heard(test)), drawn)
    assert not np.array_equal(model.samples(heard(test, np.roll(np.arange(len(test)), 1))), drawn)


@pytest.mark.parametrize(("past", "first"), [("real", 4), ("none", 0)])
def test_the_error_is_the_likelihood_of_the_true_codes_of_what_is_predicted(
    test: Chunks, models: Models, past: str, first: int
) -> None:
    codes = models.codebook.encode(torch.from_numpy(models.listener.apply(test.listener[..., :56])))
    before = F.pad(codes[:, :-1], (0, 0, 1, 0), value=models.predictor.unknown)
    power = np.log(np.array(test.audio) + 1e-4).reshape(len(test), 64, 4, 128).mean(2)
    features = torch.from_numpy(models.features(np.asarray(test.speaker[..., :56]), power))
    logits = models.predictor(before, codes, features)
    true = logits.log_softmax(-1).gather(-1, codes[..., None])[..., 0]
    found = Model(models, test, tiny_patches(sampling={"past": past})).errors(heard(test))
    np.testing.assert_allclose(found, -true[:, first:].sum((1, 2)).numpy(), rtol=1e-5)


def test_the_error_without_a_speaker_is_that_of_a_branch_that_says_nothing(test: Chunks, models: Models) -> None:
    model = Model(models, test, tiny_patches())
    without = model.errors_without()
    assert without.shape == (len(test),) and (without != model.errors(heard(test))).any()
    for name, weight in models.predictor.named_parameters():
        if name.startswith("branch.aims"):
            weight.detach().zero_()
    np.testing.assert_allclose(model.errors(heard(test)), without, rtol=1e-5)


def test_calibration_changes_what_is_drawn_and_no_likelihood(test: Chunks, models: Models) -> None:
    model = Model(models, test, tiny_patches(sampling={"samples": 1}))
    errors, drawn = model.errors(heard(test)), model.samples(heard(test))
    for name, buffer in models.predictor.named_buffers():
        if name in ("bias", "strength"):
            buffer.copy_(torch.linspace(0.5, 3, buffer.numel()).reshape(buffer.shape))
    np.testing.assert_array_equal(model.errors(heard(test)), errors)
    assert not np.array_equal(model.samples(heard(test)), drawn)


def test_another_speaker_changes_the_error_of_its_windows_only(test: Chunks, models: Models) -> None:
    model = Model(models, test, tiny_patches())
    order = np.arange(len(test))
    order[0] = 5
    changed = model.errors(heard(test)) != model.errors(heard(test, order))
    assert changed.tolist() == [True] + [False] * 5


def test_random_codes_follow_the_real_past(test: Chunks, models: Models) -> None:
    model = Model(models, test, tiny_patches())
    found = model.random_codes(3)
    assert found.shape == (3, len(test), 32, 56) and np.isfinite(found).all()
    assert found.std(0).max() > 0
    np.testing.assert_array_equal(found, model.random_codes(3))


def test_the_past_leads_into_the_first_future_frame_without_a_jump(
    person: Path, test: Chunks, models: Models, tmp_path: Path
) -> None:
    """A codebook this small is far off everywhere; the first frame follows the true past all the same."""
    settings = tiny_patches(seed=3, sampling={"samples": 2})
    sample(person, person / "codebook.pt", person / "predictor.pt", "left", settings, tmp_path / "s.npz")
    found = np.load(tmp_path / "s.npz")
    past = np.array(test.listener[:, :32, :56])
    np.testing.assert_array_equal(found["samples"][0, :, :32], past)
    plain = models.listener.undo(models.codebook.decode(torch.from_numpy(found["codes"][0])).numpy())
    step, plain_step = (np.abs(x[:, 32] - past[:, 31]).mean() for x in (found["samples"][0], plain))
    assert step < plain_step / 2
    np.testing.assert_allclose(found["samples"][0, :, 40:], plain[:, 40:], atol=1e-5)
