import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import sqrtm

from l2l.evaluation.distances import Centred, Moments, clip_frechet, moments_frechet


def gaussian(mean: np.ndarray, covariance: np.ndarray, frames: int = 400, seed: int = 0) -> np.ndarray:
    """Motion (frames, C) whose sample mean and covariance (ddof 1) are exactly those given."""
    x = np.random.default_rng(seed).standard_normal((frames, len(mean)))
    x -= x.mean(0)
    x = x @ np.linalg.inv(np.linalg.cholesky(np.cov(x, rowvar=False))).T
    return x @ np.linalg.cholesky(covariance).T + mean


def by_clip(p: np.ndarray, g: np.ndarray) -> np.ndarray:
    return clip_frechet(Centred.of(p), Centred.of(g))


def pooled(p: np.ndarray, g: np.ndarray) -> float:
    return float(moments_frechet(Moments.of(p), Moments.of(g)))


def both(p: np.ndarray, g: np.ndarray) -> list[float]:
    """The distance by its two ways."""
    return [float(by_clip(p, g)), pooled(p, g)]


def test_identical_motion_has_no_distance() -> None:
    for frames in (20, 200):
        x = np.random.default_rng(0).standard_normal((frames, 50))
        assert both(x, x) == pytest.approx([0, 0], abs=1e-5)


@given(st.lists(st.floats(-10, 10), min_size=3, max_size=3))
def test_a_shift_gives_its_squared_length(shift: list[float]) -> None:
    x = np.random.default_rng(0).standard_normal((96, 3))
    length = np.square(shift).sum()
    assert both(x + shift, x) == pytest.approx([length, length], rel=1e-6, abs=1e-6)


def test_gaussians_with_independent_channels() -> None:
    wide, narrow = np.array([2.0, 3.0, 0.5]), np.array([1.0, 1.0, 4.0])
    p, g = gaussian(np.array([1.0, 0, 0]), np.diag(wide**2)), gaussian(np.zeros(3), np.diag(narrow**2), seed=1)
    expected = 1 + np.square(wide - narrow).sum()
    assert both(p, g) == pytest.approx([expected, expected], rel=1e-9)


def test_gaussians_with_mixed_channels() -> None:
    rng = np.random.default_rng(2)
    a, b = (m @ m.T + np.eye(4) for m in rng.standard_normal((2, 4, 4)))
    expected = np.trace(a + b - 2 * sqrtm(a @ b).real)
    assert both(gaussian(np.ones(4), a), gaussian(np.ones(4), b)) == pytest.approx([expected] * 2, rel=1e-9)


@pytest.mark.parametrize("frames", [2, 5, 32, 49])
def test_fewer_frames_than_channels(frames: int) -> None:
    x = np.random.default_rng(0).standard_normal((frames, 50))
    expected = (3 - 1) ** 2 * x.var(axis=0, ddof=1).sum() + np.square((3 - 1) * x.mean(axis=0)).sum()
    assert both(3 * x, x) == pytest.approx([expected] * 2, rel=1e-6)


def test_rank_deficient_covariances_in_different_subspaces() -> None:
    """Channels that only one of the two moves add their variances, nothing is shared."""
    rng = np.random.default_rng(0)
    p, g = np.zeros((40, 8)), np.zeros((40, 8))
    p[:, :4], g[:, 4:] = rng.standard_normal((2, 40, 4))
    expected = np.square(p.mean(0) - g.mean(0)).sum() + p.var(0, ddof=1).sum() + g.var(0, ddof=1).sum()
    assert both(p, g) == pytest.approx([expected] * 2, rel=1e-6)
    assert by_clip(p[:5], g[:5]) == pytest.approx(pooled(p[:5], g[:5]), rel=1e-6)


def test_a_pose_that_never_moves() -> None:
    x = gaussian(np.zeros(3), np.diag([1.0, 4.0, 9.0]))
    assert both(np.zeros_like(x), x) == pytest.approx([14, 14], rel=1e-9)
    assert both(x, np.zeros_like(x)) == pytest.approx([14, 14], rel=1e-9)


def test_it_is_symmetric_and_scales_with_the_square() -> None:
    x, y = np.random.default_rng(0).standard_normal((2, 30, 56)) * [[[1.0]], [[2.0]]]
    assert both(y, x) == pytest.approx(both(x, y), rel=1e-9)
    assert both(5 * x, 5 * y) == pytest.approx([25 * d for d in both(x, y)], rel=1e-8)


def test_the_order_of_frames_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 40, 3))
    assert both(rng.permutation(x), y) == pytest.approx(both(x, y), rel=1e-9)


def test_moments_of_parts_are_those_of_the_whole() -> None:
    frames = np.random.default_rng(0).standard_normal((2, 2, 40, 4))  # recordings, samples
    found = Moments.none(2, 2, 4)
    for place in np.ndindex(2, 2):
        found.add(place, Moments.of(frames[place][:15]))
        found.add(place, Moments.of(frames[place][15:]))
    for part, expected in zip(found.of_sample(1), Moments.of(frames[:, 1]), strict=True):
        np.testing.assert_allclose(part, expected, rtol=1e-12)


def test_moments_of_recordings_add_up() -> None:
    x, y = np.random.default_rng(0).standard_normal((2, 3, 40, 4)) * [[[[1.0]]], [[[2.0]]]]
    weights = np.array([[1.0, 1.0, 1.0], [2.0, 0.0, 1.0]])
    p, g = (Moments.of(clips).combined(weights) for clips in (x, y))
    expected = [
        pooled(x.reshape(-1, 4), y.reshape(-1, 4)),
        pooled(x[[0, 0, 2]].reshape(-1, 4), y[[0, 0, 2]].reshape(-1, 4)),
    ]
    np.testing.assert_allclose(moments_frechet(p, g), expected, rtol=1e-9)
    chosen = np.array([3, 1])
    np.testing.assert_allclose(
        moments_frechet(p.of_channels(chosen), g.of_channels(chosen))[0],
        pooled(x[..., chosen].reshape(-1, 2), y[..., chosen].reshape(-1, 2)),
    )


def test_a_single_frame_has_no_distance() -> None:
    assert np.isnan(both(np.ones((1, 3)), np.zeros((1, 3)))).all()


def test_a_clip_of_one_frame_has_no_step_and_so_no_distance() -> None:
    none = Centred.of(np.diff(np.ones((2, 1, 3)), axis=-2))
    assert np.isnan(clip_frechet(none, none)).all()
