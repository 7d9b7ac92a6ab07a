"""After training: what is drawn for long stays likely."""

import numpy as np
import pytest
import torch

from l2l.dataset.layout import load_chunks
from l2l.patches.calibration import calibrate, fitted_temperatures, frequencies
from l2l.patches.train_codebook import prepare_codebook
from l2l.patches.train_predictor import PredictorTask, prepare_predictor
from tests.synthetic import write_chunks
from tests.tiny import tiny_patches

GUIDANCE = (1.0, 1.0)


@pytest.fixture
def task(tmp_path) -> PredictorTask:
    """An untrained predictor of an untrained codebook whose codes lie anywhere."""
    write_chunks(tmp_path, windows=8, videos=4)
    data, settings = load_chunks(tmp_path, "train", "left"), tiny_patches()
    codebook = prepare_codebook(data, settings)
    model = codebook.task.model.eval().requires_grad_(False)
    torch.manual_seed(0)
    for codec in (model.pose, model.expression):
        for level in codec.quantizer.layers:
            level._codebook.embed.normal_(std=0.5)
    return prepare_predictor(data, model, codebook.standardizers["listener"], settings).task


def apart(task: PredictorTask, seed: int) -> float:
    """How far the frequencies of codes drawn anew are from the true ones, total variation."""
    from l2l.patches import calibration as c

    heard, inside, who = task.training_speakers(c.LISTENERS, c.PATCHES)
    drawn = c.drawn(task.model, heard, GUIDANCE, np.random.default_rng(seed), who)
    true, inside_true = task.training_codes()
    return float((frequencies(drawn, inside, 16) - frequencies(true, inside_true, 16)).abs().sum() / 12)


@torch.no_grad()
def test_codes_drawn_afterwards_are_as_frequent_as_true_ones(task: PredictorTask) -> None:
    before = apart(task, 1)
    calibrate(task, GUIDANCE, rounds=12, seed=0)
    assert apart(task, 1) < before / 2


def test_the_same_seed_calibrates_alike_and_from_anew(task: PredictorTask) -> None:
    calibrate(task, GUIDANCE, rounds=3, seed=0)
    first = task.model.head.bias.clone(), task.model.head.temperature.clone()
    calibrate(task, GUIDANCE, rounds=3, seed=0)
    torch.testing.assert_close((task.model.head.bias, task.model.head.temperature), first, rtol=0, atol=0)


@torch.no_grad()
def test_a_model_too_sure_of_itself_gets_a_temperature_above_one(task: PredictorTask) -> None:
    task.model.eval()
    for layer in task.model.head.logits:
        layer.weight *= 30
    assert (fitted_temperatures(task) > 1.5).all()
    calibrate(task, GUIDANCE, rounds=0, seed=0)
    assert (task.model.head.temperature > 1.5).all() and not task.model.head.bias.any()


def test_frequencies_count_what_is_real() -> None:
    codes = torch.tensor([[[0, 1], [2, 1]], [[1, 1], [2, 0]]])
    inside = torch.tensor([[True, False], [True, True]])
    expected = torch.tensor([[1, 1, 1], [1, 2, 0]]) / 3
    torch.testing.assert_close(frequencies(codes, inside, 3), expected)
