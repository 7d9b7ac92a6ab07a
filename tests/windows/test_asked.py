from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from l2l.architectures import sample, train_codebook, train_predictor
from l2l.config import SamplingSettings
from l2l.dataset.layout import Chunks, load_chunks
from l2l.evaluation.baselines import speakers
from l2l.windows.asked import PairModel
from l2l.windows.checkpoint import Pair, load_pair
from tests.synthetic import write_chunks
from tests.tiny import tiny_settings

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_chunks(tmp_path_factory.mktemp("person"), windows=4, videos=3)
    write_chunks(folder, windows=3, videos=2, split="test")
    train_codebook(folder, "left", tiny_settings(4), folder / "codebook.pt", folder / "log")
    train_predictor(folder, folder / "codebook.pt", "left", tiny_settings(4), folder / "predictor.pt", folder / "log")
    return folder


@pytest.fixture
def test(person: Path) -> Chunks:
    return load_chunks(person, "test", "left")


@pytest.fixture
def pair(person: Path) -> Pair:
    return load_pair(person / "codebook.pt", person / "predictor.pt")


@pytest.mark.parametrize("positions", ["all", "first"])
def test_asked_with_the_true_speaker_it_draws_what_sample_draws(
    person: Path, test: Chunks, pair: Pair, positions: str, tmp_path: Path
) -> None:
    settings = tiny_settings(seed=3, sampling={"samples": 3, "batch_size": 4, "positions": positions})
    sample(person, person / "codebook.pt", person / "predictor.pt", "left", settings, tmp_path / "s.npz")
    found = PairModel(pair, test, settings.sampling, 3, CPU).samples(lambda rows: speakers(test, rows))
    np.testing.assert_array_equal(np.concatenate(list(found), 1), np.load(tmp_path / "s.npz")["samples"][:, :, 32:])


def test_the_error_is_the_likelihood_of_the_true_codes(test: Chunks, pair: Pair) -> None:
    listener = torch.from_numpy(pair.listener.apply(test.listener[..., :56]))
    past, future = (pair.codebook.encode(half) for half in (listener[:, :32], listener[:, 32:]))
    speaker, audio = (
        torch.from_numpy(x) for x in (pair.speaker.apply(test.speaker[..., :56]), pair.audio.apply(test.audio))
    )
    logits = pair.predictor(past, speaker[:, :40], audio[:, :160], 4)[:, :4]
    expected = F.cross_entropy(logits.flatten(0, 1), future.flatten(), reduction="none").unflatten(0, (-1, 4)).sum(1)
    model = PairModel(pair, test, SamplingSettings(batch_size=4), 0, CPU)
    np.testing.assert_allclose(model.errors(speakers(test)), expected.numpy(), rtol=1e-5)
    assert (model.errors(speakers(test, np.arange(6)[::-1])) != model.errors(speakers(test))).any()


def test_where_codes_follow_one_another_each_is_told_the_true_ones_before_it(test: Chunks, pair: Pair) -> None:
    model = PairModel(pair, test, SamplingSettings(positions="first", past="none"), 0, CPU)
    errors = model.errors(speakers(test))
    assert errors.shape == (6,) and np.isfinite(errors).all() and (errors > 0).all()
    np.testing.assert_array_equal(model.errors(speakers(test)), errors)


def test_random_codes_are_decoded_motion_that_follows_the_seed(test: Chunks, pair: Pair) -> None:
    models = (PairModel(pair, test, SamplingSettings(batch_size=4), seed, CPU) for seed in (1, 1, 2))
    one, two, other = (np.concatenate(list(model.random_codes(2)), 1) for model in models)
    assert one.shape == (2, 6, 32, 56) and np.isfinite(one).all()
    np.testing.assert_array_equal(one, two)
    assert (one != other).any()
