from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from l2l.architectures import sample, train_codebook, train_predictor
from l2l.codes import nucleus
from l2l.config import Settings, from_differences
from l2l.dataset.layout import load_chunks
from l2l.errors import UserError
from l2l.windows.checkpoint import load_pair
from l2l.windows.sampling import draw
from tests.synthetic import write_chunks
from tests.tiny import tiny_settings


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_chunks(tmp_path_factory.mktemp("person"), windows=4, videos=4)
    write_chunks(folder, windows=70, videos=1, split="test", stride=8)  # more than one batch
    train_codebook(folder, "left", tiny_settings(40), folder / "codebook.pt", folder / "log")
    train_predictor(folder, folder / "codebook.pt", "left", tiny_settings(4), folder / "predictor.pt", folder / "log")
    return folder


def run(person: Path, out: Path, settings: Settings) -> dict[str, np.ndarray]:
    sample(person, person / "codebook.pt", person / "predictor.pt", "left", settings, out)
    with np.load(out, allow_pickle=False) as file:
        return dict(file)


def test_samples_begin_with_the_true_past_and_go_on_with_the_codes(person: Path, tmp_path: Path) -> None:
    found = run(person, tmp_path / "samples.npz", tiny_settings())
    truth = load_chunks(person, "test", "left").listener
    assert found["samples"].shape == (3, 70, 64, 56) and found["samples"].dtype == np.float32
    assert found["codes"].shape == (3, 70, 4) and found["entropy"].shape == (70, 4)
    assert found["first_frame"].item() == 32
    np.testing.assert_array_equal(found["samples"][:, :, :32], np.broadcast_to(truth[:, :32, :56], (3, 70, 32, 56)))
    pair = load_pair(person / "codebook.pt", person / "predictor.pt")
    motion = pair.listener.undo(pair.codebook.decode(torch.from_numpy(found["codes"][1])).numpy())
    np.testing.assert_allclose(found["samples"][1, :, 32:], motion, atol=1e-5)


def test_samples_differ_from_each_other_and_follow_the_seed(person: Path, tmp_path: Path) -> None:
    wild = {"sampling": {"samples": 3, "temperature": 1.5, "top_p": 1.0}}
    for name, seed in (("one", 0), ("two", 0), ("other", 1)):
        run(person, tmp_path / f"{name}.npz", tiny_settings(seed=seed, **wild))
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    with np.load(tmp_path / "one.npz") as one, np.load(tmp_path / "other.npz") as other:
        assert (one["codes"][0] != one["codes"][1]).any()
        assert (one["codes"] != other["codes"]).any()


@pytest.mark.parametrize("positions", ["all", "first"])
def test_without_a_past_the_listeners_motion_is_never_read(person: Path, tmp_path: Path, positions: str) -> None:
    blind = tiny_settings(sampling={"samples": 2, "past": "none", "positions": positions})
    found = run(person, tmp_path / "samples.npz", blind)
    copy = tmp_path / "copy"
    (copy / "test").mkdir(parents=True)
    for path in (person / "test").iterdir():
        array = np.load(path)
        np.save(copy / "test" / path.name, np.zeros_like(array) if "list_faces" in path.name else array)
    sample(copy, person / "codebook.pt", person / "predictor.pt", "left", blind, tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == (tmp_path / "samples.npz").read_bytes()
    mean = load_pair(person / "codebook.pt", person / "predictor.pt").listener.mean
    np.testing.assert_array_equal(found["samples"][0, 0, 0], mean)


def test_no_test_windows_is_an_error_that_says_what_to_do(person: Path, tmp_path: Path) -> None:
    folder = write_chunks(tmp_path / "somebody", windows=1, videos=0, split="test")
    with pytest.raises(UserError, match="somebody/test has no windows; add a second recording"):
        sample(folder, person / "codebook.pt", person / "predictor.pt", "left", tiny_settings(), tmp_path / "s.npz")


def with_sound(person: Path, copy: Path, rows: slice) -> Path:
    """The test windows with other sound in some rows."""
    (copy / "test").mkdir(parents=True)
    for path in (person / "test").iterdir():
        array = np.load(path)
        if "speak_audio" in path.name:
            array[:, rows] = 5
        np.save(copy / "test" / path.name, array)
    return copy


@pytest.mark.parametrize(
    ("switches", "heard"),
    [
        ({"positions": "all"}, False),
        ({"positions": "first", "audio_step": 1}, False),
        ({"positions": "first", "audio_step": 4}, True),
    ],
)
def test_sound_after_row_184_is_heard_only_by_four_passes_in_step(
    person: Path, tmp_path: Path, switches: dict, heard: bool
) -> None:
    settings = tiny_settings(sampling={"samples": 1, **switches})
    found = run(person, tmp_path / "one.npz", settings)
    other = with_sound(person, tmp_path / "copy", slice(184, None))
    sample(other, person / "codebook.pt", person / "predictor.pt", "left", settings, tmp_path / "two.npz")
    with np.load(tmp_path / "two.npz") as file:
        changed = found["entropy"] != file["entropy"]
        assert changed.any() == heard
        assert not changed[:, 0].any()


def test_released_sampling_draws_each_future_anew_from_nothing(person: Path, tmp_path: Path) -> None:
    released = from_differences([], None, "released").sampling.model_dump()
    released |= {"samples": 2, "batch_size": 8, "top_p": 1.0}
    found = run(person, tmp_path / "samples.npz", tiny_settings(sampling=released))
    assert found["samples"].shape == (2, 64, 64, 56)  # 70 windows are 8 whole batches
    mean = load_pair(person / "codebook.pt", person / "predictor.pt").listener.mean
    np.testing.assert_array_equal(found["samples"][:, :, :32], np.broadcast_to(mean, (2, 64, 32, 56)))
    assert (found["codes"][0] != found["codes"][1]).any()
    some = run(person, tmp_path / "few.npz", tiny_settings(sampling={**released, "max_windows": 21}))
    assert some["samples"].shape[1] == 16
    one = run(person, tmp_path / "one.npz", tiny_settings(sampling={**released, "max_windows": 5}))
    assert one["samples"].shape[1] == 5


def test_more_different_draws_than_codes_is_an_error(person: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="sample_idx is 32, but there are 32 codes"):
        run(person, tmp_path / "samples.npz", tiny_settings(sampling={"sample_idx": 32}))


logits = st.lists(st.floats(-20, 20), min_size=2, max_size=20).map(lambda values: torch.tensor(values).double())


@given(logits, st.floats(0.1, 3), st.floats(0.01, 1))
def test_nucleus_is_the_shortest_prefix_that_crosses_top_p(x: torch.Tensor, temperature: float, top_p: float) -> None:
    found = nucleus(x, temperature, top_p)
    plain = (x / temperature).softmax(-1)
    kept = found > 0
    assert found.sum().item() == pytest.approx(1)
    assert plain[kept].sum() >= top_p - 1e-9
    assert plain[kept].sum() - plain[kept].min() <= top_p + 1e-9
    assert kept.all() or plain[kept].min() >= plain[~kept].max() - 1e-12
    torch.testing.assert_close(found[kept], plain[kept] / plain[kept].sum())


def test_a_tiny_nucleus_is_the_likeliest_code() -> None:
    assert torch.equal(nucleus(torch.tensor([[0.0, 3.0, 1.0]]), 1.0, 1e-6), torch.tensor([[0.0, 1.0, 0.0]]))


def test_codes_are_drawn_as_often_as_they_are_likely() -> None:
    probabilities = torch.tensor([[0.1, 0.9], [1.0, 0.0]]).expand(3, 2, 2)
    codes = draw(probabilities, 2000, torch.Generator().manual_seed(0)).double()
    assert codes.shape == (2000, 3, 2)
    torch.testing.assert_close(codes.mean(0)[:, 0], torch.full((3,), 0.9).double(), atol=0.03, rtol=0)
    assert not codes[..., 1].any()
