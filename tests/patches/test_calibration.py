"""After training: what is drawn for long stays likely."""

import numpy as np
import pytest
import torch

from l2l.dataset.layout import load_chunks
from l2l.patches.calibration import calibrate, drawn, frequencies
from l2l.patches.crops import Crop
from l2l.patches.posture import RATE
from l2l.patches.predictor import Predictor
from l2l.patches.train_branch import speakers
from l2l.patches.train_codebook import prepare_codebook
from l2l.patches.train_predictor import prepare_predictor
from tests.synthetic import write_chunks
from tests.tiny import tiny_patches, untrained_codebook


@pytest.fixture
def trained(tmp_path) -> tuple[Predictor, Crop, torch.Tensor]:
    """An untrained predictor of an untrained codebook whose codes lie anywhere; speakers; the codes' frequencies."""
    write_chunks(tmp_path, windows=8, videos=4)
    data, settings = load_chunks(tmp_path, "train", "left"), tiny_patches()
    codebook = prepare_codebook(data, settings)
    task = prepare_predictor(data, untrained_codebook(), codebook.standardizers["listener"], settings).task
    crops, _ = speakers(task.material, task.material.train)
    return task.model.eval(), crops, frequencies(crops.codes, crops.counted, 16)


def test_codes_drawn_afterwards_are_as_frequent_as_true_ones(trained) -> None:
    model, crops, true = trained

    def apart() -> float:
        """How far the frequencies of codes drawn anew are from the true ones, total variation."""
        codes = drawn(model, crops, np.random.default_rng(1))
        return float((frequencies(codes, crops.counted, 16) - true).abs().sum() / 12)

    before = apart()
    calibrate(model, lambda _: crops, crops, rounds=12, seed=0)
    assert apart() < before / 2


def test_what_is_drawn_afterwards_lingers_as_the_truth_does(trained) -> None:
    """Here the truth holds each code for 12 patches, while the untrained model draws each anew."""
    model, crops, _ = trained
    crops = crops.rows(torch.arange(24) % len(crops.codes))._replace(counted=torch.ones(24, 36, dtype=torch.bool))
    codes = torch.randint(16, (24, 3, 6), generator=torch.Generator().manual_seed(0)).repeat_interleave(12, dim=1)
    held = crops._replace(codes=codes)

    def apart() -> float:
        """How far posture and what is drawn anew go together otherwise than in the truth."""
        drawn_codes = drawn(model, crops, np.random.default_rng(1))
        true = model.posture.covariances(held.codes, held.counted)
        found = model.posture.covariances(drawn_codes, crops.counted)
        return float(np.mean([a.off(b) for a, b in zip(found, true, strict=True)]))

    calibrate(model, lambda _: crops, held, rounds=12, seed=0)
    pulled = apart()
    model.posture.fit(held.codes, held.counted)  # as it is without the pull
    assert pulled < 0.7 * apart()


def test_posture_is_of_the_patches_before_only(trained) -> None:
    model, crops, _ = trained
    model.posture.fit(crops.codes, crops.counted)
    state = model.posture.begin(len(crops.codes))
    for patch in crops.codes.unbind(1):
        state = model.posture.follow(state, patch)
    turned = model.posture.follow(model.posture.begin(1), crops.codes[:1, 0])
    vectors = torch.stack([model.vectors.scaled(0)[q, crops.codes[0, 0, q]] for q in range(3)])  # of pose
    torch.testing.assert_close(turned[0][0], RATE * (vectors.sum(0) - model.posture.get_buffer("centre_0")))
    assert not model.posture.added(state).any()  # the pull is zero


def test_the_same_seed_calibrates_alike_and_from_anew(trained) -> None:
    model, crops, _ = trained
    calibrate(model, lambda _: crops, crops, rounds=3, seed=0)
    first = model.bias.clone()
    calibrate(model, lambda _: crops, crops, rounds=3, seed=0)
    torch.testing.assert_close(model.bias, first, rtol=0, atol=0)
    assert first.any()


def test_frequencies_count_what_is_real() -> None:
    codes = torch.tensor([[[0, 1], [2, 1]], [[1, 1], [2, 0]]])
    inside = torch.tensor([[True, False], [True, True]])
    expected = torch.tensor([[1, 1, 1], [1, 2, 0]]) / 3
    torch.testing.assert_close(frequencies(codes, inside, 3), expected)
