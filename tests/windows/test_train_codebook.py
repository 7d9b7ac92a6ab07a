from pathlib import Path

import numpy as np
import pytest
import torch

from l2l.architectures import train_codebook
from l2l.dataset.layout import load_chunks
from l2l.training.holdout import split_by_video
from l2l.windows.checkpoint import load_codebook
from l2l.windows.codebook import Codebook
from l2l.windows.train_codebook import CodebookTask, codebook_loss, crops, halves, reconstruction_loss
from tests.losses import loss_of
from tests.synthetic import write_chunks
from tests.tiny import tiny_settings

TINY = {"hidden_size": 8, "layers": 1, "heads": 2, "feedforward_size": 8, "codes": 10}


@pytest.fixture(scope="module")
def chunks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_chunks(tmp_path_factory.mktemp("person"), windows=12, videos=4, listener="right")


def test_training_beats_the_mean_pose_by_far(chunks: Path, tmp_path: Path) -> None:
    settings = tiny_settings(steps=180)
    train_codebook(chunks, "right", settings, tmp_path / "codebook.pt", tmp_path / "log")
    model, standardizer, meta = load_codebook(tmp_path / "codebook.pt")
    data = load_chunks(chunks, "train", "right")
    _, validation = split_by_video(data, settings.windows.codebook.training.validation_share, settings.seed)
    motion = torch.from_numpy(standardizer.apply(data.listener[validation, :, :56])).reshape(-1, 32, 56)
    mean_pose = reconstruction_loss(torch.zeros_like(motion), motion).item()
    ours = reconstruction_loss(model.decode(model.encode(motion)), motion).item()
    assert ours == pytest.approx(meta["validation_loss"], rel=1e-4)
    assert ours < 0.65 * mean_pose


def test_the_same_seed_writes_the_same_file(chunks: Path, tmp_path: Path) -> None:
    files = []
    for name, seed in (("one", 0), ("two", 0), ("other", 1)):
        train_codebook(chunks, "right", tiny_settings(8, seed), tmp_path / f"{name}.pt", tmp_path / name)
        files.append((tmp_path / f"{name}.pt").read_bytes())
    assert files[0] == files[1] != files[2]


def test_training_leaves_the_global_generator_alone(chunks: Path, tmp_path: Path) -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    train_codebook(chunks, "right", tiny_settings(1), tmp_path / "codebook.pt", tmp_path / "log")
    assert torch.equal(torch.rand(1), expected)


def test_standardized_by_training_recordings_only(chunks: Path, tmp_path: Path) -> None:
    settings = tiny_settings(1)
    train_codebook(chunks, "right", settings, tmp_path / "codebook.pt", tmp_path / "log")
    data = load_chunks(chunks, "train", "right")
    train, _ = split_by_video(data, settings.windows.codebook.training.validation_share, settings.seed)
    _, standardizer, _ = load_codebook(tmp_path / "codebook.pt")
    np.testing.assert_allclose(standardizer.mean, data.listener[train, :, :56].mean((0, 1)), atol=1e-5)


def test_crops_are_stretches_of_their_window_at_any_offset() -> None:
    windows = torch.arange(64.0)[None, :, None] + 1000 * torch.arange(500)[:, None, None]
    settings = tiny_settings(windows={"codebook": TINY}).windows.codebook
    task = CodebookTask(Codebook(settings), windows, np.arange(500), np.array([0]), settings)
    rows, starts = task.batch(np.arange(500), torch.Generator().manual_seed(0)).tensors
    assert rows.tolist() == np.repeat(np.arange(500), 2).tolist() and set(starts.tolist()) == set(range(33))
    found = crops(windows, rows, starts)[..., 0]
    assert torch.equal(found, windows[rows, 0] + starts[:, None] + torch.arange(32))


def test_each_region_is_a_mean_of_its_own() -> None:
    motion = torch.zeros(2, 32, 56)
    off = motion.clone()
    off[..., 50] = 3  # one of three rotation channels
    assert reconstruction_loss(off, motion).item() == pytest.approx(1)


def test_halves_are_all_first_ones_then_all_second_ones() -> None:
    windows = torch.arange(64.0)[None, :, None] + 1000 * torch.arange(3)[:, None, None]
    found = halves(windows)
    assert found.shape == (6, 32, 1)
    assert found[:, 0, 0].tolist() == [0, 1000, 2000, 32, 1032, 2032]


def test_released_batches_are_rows_of_those_halves_and_nothing_is_random() -> None:
    settings = tiny_settings(windows={"codebook": {**TINY, "crops": "halves"}})
    motion = torch.randn(8, 64, 56)
    task = CodebookTask(
        Codebook(settings.windows.codebook).eval(),
        motion,
        np.array([5, 1, 2]),
        np.array([0]),
        settings.windows.codebook,
    )
    assert list(task.train) == list(range(6))
    expected = codebook_loss(task.model, torch.stack([motion[1, :32], motion[5, 32:]]))
    assert torch.equal(loss_of(task, np.array([1, 3])), expected)


@pytest.mark.parametrize("best", ["reconstruction", "total"])
def test_the_loss_that_decides_is_a_switch(best: str) -> None:
    training = {"batches": "fixed", "batch_size": 4}
    settings = tiny_settings(windows={"codebook": {**TINY, "best": best, "training": training}})
    motion = torch.randn(8, 64, 56)
    task = CodebookTask(
        Codebook(settings.windows.codebook).eval(), motion, np.arange(2), np.array([3, 4, 5]), settings.windows.codebook
    )
    with torch.no_grad():
        found = task.validate()
        whole = torch.stack(
            [motion[3, :32], motion[4, :32], motion[5, :32], motion[3, 32:]]
        )  # the other two are left out
        reconstruction, quantizer_loss, _ = task.model(whole)
    expected = float(reconstruction_loss(reconstruction, whole))
    assert found["quantizer_loss"] == pytest.approx(float(quantizer_loss), rel=1e-5)
    assert found["loss"] == pytest.approx(expected + (float(quantizer_loss) if best == "total" else 0), rel=1e-5)
