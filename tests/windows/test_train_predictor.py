from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from l2l import config, files
from l2l.architectures import train_codebook, train_predictor
from l2l.dataset.layout import load_chunks
from l2l.features.bilateral import bilateral
from l2l.features.standardize import Standardizer
from l2l.training.holdout import split_by_video
from l2l.windows.checkpoint import load_codebook, load_pair
from l2l.windows.train_predictor import PredictorTask, encode_windows, prediction_loss, prepare_predictor
from tests.losses import loss_of
from tests.synthetic import write_chunks
from tests.tiny import tiny_settings


@pytest.fixture(scope="module")
def chunks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_chunks(tmp_path_factory.mktemp("person"), windows=20, videos=20)


@pytest.fixture(scope="module")
def codebook(chunks: Path) -> Path:
    train_codebook(chunks, "left", tiny_settings(steps=200), chunks / "codebook.pt", chunks / "log")
    return chunks / "codebook.pt"


def test_training_beats_the_frequencies_of_the_codes(chunks: Path, codebook: Path, tmp_path: Path) -> None:
    settings = tiny_settings(steps=200)
    train_predictor(chunks, codebook, "left", settings, tmp_path / "predictor.pt", tmp_path / "log")
    pair = load_pair(codebook, tmp_path / "predictor.pt")
    data = load_chunks(chunks, "train", "left")
    train, validation = split_by_video(data, settings.windows.predictor.training.validation_share, settings.seed)
    motion = data.listener[..., :56]
    codes = encode_windows(pair.codebook, motion, pair.listener, torch.device("cpu"))[:, 1]  # (N, 4)
    counts = torch.stack([codes[train, group].bincount(minlength=32) + 1 for group in range(4)])  # (4, K)
    frequencies = (counts / counts.sum(1, keepdim=True)).log()
    by_frequency = prediction_loss(frequencies.expand(len(validation), 4, 32), codes[validation]).item()
    speaker = torch.from_numpy(pair.speaker.apply(data.speaker[validation, :40, :56]))
    audio = torch.from_numpy(pair.audio.apply(data.audio[validation, :160]))
    past = encode_windows(pair.codebook, motion[validation], pair.listener, torch.device("cpu"))[:, 0]
    ours = prediction_loss(pair.predictor(past, speaker, audio, 4), codes[validation]).item()
    assert ours < by_frequency - 0.15


def test_the_same_seed_writes_the_same_file(chunks: Path, codebook: Path, tmp_path: Path) -> None:
    files = []
    for name, seed in (("one", 0), ("two", 0), ("other", 1)):
        train_predictor(chunks, codebook, "left", tiny_settings(6, seed), tmp_path / f"{name}.pt", tmp_path / name)
        files.append((tmp_path / f"{name}.pt").read_bytes())
    assert files[0] == files[1] != files[2]


def test_data_that_does_not_fit_in_memory_gives_the_same_bytes(
    chunks: Path, codebook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("memory", "files"):
        train_codebook(chunks, "left", tiny_settings(6), tmp_path / f"codebook_{name}.pt", tmp_path / name)
        train_predictor(chunks, codebook, "left", tiny_settings(6), tmp_path / f"predictor_{name}.pt", tmp_path / name)
        monkeypatch.setattr(files, "LARGE", 1)
    for model in ("codebook", "predictor"):
        one, other = (tmp_path / f"{model}_{name}.pt" for name in ("memory", "files"))
        assert one.read_bytes() == other.read_bytes()


def test_codes_are_those_of_the_two_halves(chunks: Path, codebook: Path) -> None:
    model, standardizer, _ = load_codebook(codebook)
    raw = load_chunks(chunks, "train", "left").listener[:3, :, :56]
    codes, motion = encode_windows(model, raw, standardizer, torch.device("cpu")), standardizer.apply(raw)
    assert torch.equal(codes[:, 0], model.encode(torch.from_numpy(motion[:, :32])))
    assert torch.equal(codes[:, 1], model.encode(torch.from_numpy(motion[:, 32:])))


def test_the_loss_looks_at_the_first_four_positions_only() -> None:
    logits, targets = torch.zeros(2, 9, 8), torch.zeros(2, 4, dtype=torch.int64)
    assert prediction_loss(logits, targets).item() == pytest.approx(np.log(8))
    logits[:, 4:] = torch.randn(2, 5, 8)
    assert prediction_loss(logits, targets).item() == pytest.approx(np.log(8))


def test_released_masks_are_one_draw_per_batch_of_training_and_validation_alike() -> None:
    class Spy(torch.nn.Module):
        def forward(
            self, codes: torch.Tensor, speaker: torch.Tensor, audio: torch.Tensor, visible: int
        ) -> torch.Tensor:
            seen.append(visible)
            return torch.zeros(len(codes), 9, 8)

    seen: list[int] = []
    sizes = config.WindowPredictorSettings.model_validate(
        {"masks": "released", "training": {"batches": "fixed", "batch_size": 2}}
    )
    codes, speaker = torch.zeros(9, 2, 4, dtype=torch.int64), torch.zeros(9, 40, 56)
    audio = np.zeros((9, 256, 128), np.float32)
    plain = Standardizer(np.zeros(128, np.float32), np.ones(128, np.float32))
    spy: Any = Spy()
    task = PredictorTask(spy, codes, speaker, audio, plain, np.arange(4), np.arange(4, 9), sizes)
    for _ in range(3):
        loss_of(task, np.arange(2))
    assert task.validate() == {"loss": pytest.approx(np.log(8))}  # 5 windows: two whole batches
    loss_of(task, np.arange(2))
    assert seen == [4, 4, 4, 10, 3, 2]  # of 11, 14, 8, 10, 3, 2; of 4 codes, more than 4 are all


def test_the_speaker_is_smoothed_and_standardized_as_told(chunks: Path, codebook: Path) -> None:
    model, plain, _ = load_codebook(codebook)
    data = load_chunks(chunks, "train", "left")
    shaky = data.listener[:40] + np.random.default_rng(0).standard_normal((40, 64, 184)).astype(np.float32)
    data = replace(data.first(40), listener=shaky)
    listener = replace(plain, smoothing="bilateral")  # as its codebook was trained
    windows = {"smoothing": "bilateral", "statistics": "released", "holdout": "window"}
    run = prepare_predictor(data, model, listener, tiny_settings(windows=windows))
    smoothed, not_smoothed = (
        encode_windows(model, motion, plain, torch.device("cpu"))
        for motion in (bilateral(shaky[..., :56]), shaky[..., :56])
    )
    assert torch.equal(run.task.codes, smoothed) and not torch.equal(smoothed, not_smoothed)
    speaker, audio = run.standardizers["speaker"], run.standardizers["audio"]
    faces = bilateral(data.speaker[run.task.train, :, :56])
    np.testing.assert_allclose(speaker.std, faces.astype(float).std(1).std(0) + 1e-10, rtol=1e-4)
    sound = data.audio[run.task.train].astype(float)
    np.testing.assert_allclose(audio.std, sound.std(1).std(0) + 1e-10, rtol=1e-3)
    np.testing.assert_allclose(audio.mean, data.audio[run.task.train].mean((0, 1)), rtol=1e-4)
    expected = (bilateral(data.speaker[7, :, :56]) - speaker.mean) / speaker.std
    np.testing.assert_allclose(run.task.speaker[7], expected[:40], rtol=1e-4, atol=1e-4)
