from pathlib import Path

import numpy as np
import pytest
import torch

from l2l.dataset.layout import load_chunks
from l2l.training.checkpoint import load_codebook
from l2l.training.codebook import random_crops, reconstruction_loss, train_codebook
from l2l.training.holdout import split_by_video
from tests.synthetic import write_chunks
from tests.tiny import tiny_settings


@pytest.fixture(scope="module")
def chunks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_chunks(tmp_path_factory.mktemp("person"), windows=12, videos=4, listener="p1")


def test_training_beats_the_mean_pose_by_far(chunks: Path, tmp_path: Path) -> None:
    settings = tiny_settings(steps=250)
    train_codebook(chunks, "p1", settings, tmp_path / "codebook.pt", tmp_path / "log")
    model, standardizer, meta = load_codebook(tmp_path / "codebook.pt")
    data = load_chunks(chunks, "train", "p1")
    _, validation = split_by_video(data, settings.codebook.training.validation_share, settings.seed)
    motion = torch.from_numpy(standardizer.apply(data.listener[validation, :, :56])).reshape(-1, 32, 56)
    mean_pose = reconstruction_loss(torch.zeros_like(motion), motion).item()
    ours = reconstruction_loss(model.decode(model.encode(motion)), motion).item()
    assert ours == pytest.approx(meta["validation_loss"], rel=1e-4)
    assert ours < 0.65 * mean_pose


def test_the_same_seed_writes_the_same_file(chunks: Path, tmp_path: Path) -> None:
    files = []
    for name, seed in (("one", 0), ("two", 0), ("other", 1)):
        train_codebook(chunks, "p1", tiny_settings(8, seed), tmp_path / f"{name}.pt", tmp_path / name)
        files.append((tmp_path / f"{name}.pt").read_bytes())
    assert files[0] == files[1] != files[2]


def test_training_leaves_the_global_generator_alone(chunks: Path, tmp_path: Path) -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    train_codebook(chunks, "p1", tiny_settings(1), tmp_path / "codebook.pt", tmp_path / "log")
    assert torch.equal(torch.rand(1), expected)


def test_standardized_by_training_recordings_only(chunks: Path, tmp_path: Path) -> None:
    settings = tiny_settings(1)
    train_codebook(chunks, "p1", settings, tmp_path / "codebook.pt", tmp_path / "log")
    data = load_chunks(chunks, "train", "p1")
    train, _ = split_by_video(data, settings.codebook.training.validation_share, settings.seed)
    _, standardizer, _ = load_codebook(tmp_path / "codebook.pt")
    np.testing.assert_allclose(standardizer.mean, data.listener[train, :, :56].mean((0, 1)), atol=1e-5)


def test_crops_are_stretches_of_their_window_at_any_offset() -> None:
    windows = torch.arange(64.0)[None, :, None] + 1000 * torch.arange(500)[:, None, None]
    crops = random_crops(windows, torch.Generator().manual_seed(0))
    starts = crops[:, 0, 0] - windows[:, 0, 0]
    assert torch.equal(crops[..., 0], windows[:, 0] + starts[:, None] + torch.arange(32))
    assert set(starts.tolist()) == set(range(33))


def test_each_region_is_a_mean_of_its_own() -> None:
    motion = torch.zeros(2, 32, 56)
    off = motion.clone()
    off[..., 50] = 3  # one of three rotation channels
    assert reconstruction_loss(off, motion).item() == pytest.approx(1)
