import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from l2l.features import standardize
from l2l.features.bilateral import bilateral
from l2l.features.standardize import Standardizer
from tests.released.released_models import close, released


@given(st.integers(1, 9), st.floats(-1e4, 1e4), st.floats(1e-3, 1e3))
def test_mean_and_std_are_those_of_all_frames(windows: int, centre: float, spread: float) -> None:
    x = centre + spread * np.random.default_rng(0).standard_normal((windows, 5, 3))
    found = Standardizer.fit(x)
    np.testing.assert_allclose(found.mean, x.mean((0, 1)), rtol=1e-6, atol=1e-6 * spread)
    if spread > 1e-5 * abs(centre):
        np.testing.assert_allclose(found.std, x.std((0, 1)), rtol=1e-5)


def test_reading_in_blocks_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(0).standard_normal((10, 4, 3)) + 1000
    whole = Standardizer.fit(x)
    monkeypatch.setattr(standardize, "BLOCK", 3)
    blocks = Standardizer.fit(x)
    np.testing.assert_allclose(blocks.mean, whole.mean, rtol=1e-7)
    np.testing.assert_allclose(blocks.std, whole.std, rtol=1e-6)


def test_only_the_chosen_windows_count() -> None:
    x = np.random.default_rng(0).standard_normal((6, 4, 3))
    chosen = np.array([1, 4])
    np.testing.assert_array_equal(Standardizer.fit(x, chosen).std, Standardizer.fit(x[chosen]).std)


def test_a_constant_channel_becomes_zero_and_does_not_explode() -> None:
    x = np.random.default_rng(0).standard_normal((6, 4, 2)).astype(np.float32)
    x[..., 1] = 0.3
    found = Standardizer.fit(x)
    assert np.abs(found.apply(x)[..., 1]).max() < 1e-6
    assert found.apply(np.array([0.0, 0.31]))[1] == pytest.approx(0.01, rel=1e-3)


def test_a_named_shape_that_hardly_moves_is_not_blown_up() -> None:
    x = np.random.default_rng(0).standard_normal((6, 4, 56)) * 0.1
    x[..., 3] *= 0.01
    plain = Standardizer.fit(x)
    np.testing.assert_allclose(plain.std, x.std((0, 1)), rtol=1e-5)  # no faces of named shapes: as it is
    x[..., [47, 48, 49, 55]] = 0
    found = Standardizer.fit(x)
    assert found.std[3] == pytest.approx(standardize.LEAST)
    others = [k for k in range(55) if k not in (3, 47, 48, 49)]
    np.testing.assert_array_equal(found.std[others], plain.std[others])
    np.testing.assert_array_equal(found.std[[47, 48, 49, 55]], 1)


def test_undo_and_the_dictionary_give_back_what_was_put_in() -> None:
    x = np.random.default_rng(0).standard_normal((6, 4, 3)) * 5 + 2
    found = Standardizer.from_dict(Standardizer.fit(x).to_dict())
    standardized = found.apply(x)
    assert standardized.dtype == np.float32
    np.testing.assert_allclose(standardized.std((0, 1)), 1, rtol=1e-5)
    np.testing.assert_allclose(found.undo(standardized), x, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("smoothing", ["none", "bilateral"])
def test_what_is_filled_in_parts_is_what_is_applied_at_once(monkeypatch, smoothing) -> None:
    monkeypatch.setattr(standardize, "_AT_ONCE", 50)
    x = np.random.default_rng(0).standard_normal((7, 8, 3)).astype(np.float32)
    found = Standardizer.fit(x, smoothing=smoothing)
    wanted = found.apply(x)
    np.testing.assert_array_equal(found.fill(np.empty((7, 5, 3), np.float32), x), wanted[:, :5])
    assert found.fill(x, x) is x
    np.testing.assert_array_equal(x, wanted)


def test_released_statistics_are_the_std_of_stds() -> None:
    want = released("data_and_schedule")
    found = Standardizer.fit(want["stats_in"].numpy(), statistics="released")
    close(torch.from_numpy(found.mean), want["stats_mean"].flatten())
    close(torch.from_numpy(found.std), want["stats_std"].flatten())


def test_released_statistics_in_blocks_are_those_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(0).standard_normal((10, 4, 3))
    whole = Standardizer.fit(x, np.arange(1, 10), "released")
    monkeypatch.setattr(standardize, "BLOCK", 3)
    np.testing.assert_allclose(Standardizer.fit(x, np.arange(1, 10), "released").std, whole.std, rtol=1e-6)
    np.testing.assert_allclose(whole.std, x[1:].std(1).std(0), rtol=1e-6)


def test_smoothing_comes_before_the_numbers_and_stays_with_them() -> None:
    x = np.random.default_rng(0).standard_normal((4, 16, 3)).astype(np.float32)
    found = Standardizer.fit(x, smoothing="bilateral")
    plain = Standardizer.fit(bilateral(x))
    np.testing.assert_allclose(found.apply(x), plain.apply(bilateral(x)), atol=1e-6)
    assert found.std.max() < 0.8 * Standardizer.fit(x).std.min()
