import numpy as np
import pytest

from l2l.evaluation import motion


def test_variation_is_the_variance_over_time() -> None:
    x = np.zeros((3, 10, 2))
    x[:, ::2, 0] = 2.0  # half of the time 2, half 0: variance 1 in one of two channels
    np.testing.assert_allclose(motion.variation(x), 0.5)
    np.testing.assert_allclose(motion.variation(3 * x + 7), 4.5)


def test_pooled_variation_mixes_what_differs_between_channels_in() -> None:
    still = np.broadcast_to([0.0, 2.0], (4, 10, 2))
    assert (motion.variation(still) == 0).all()
    assert motion.pooled_variation(motion.pooled_sums(still).sum(0)) == pytest.approx(1)
    x = np.random.default_rng(0).standard_normal((4, 10, 2))
    assert motion.pooled_variation(motion.pooled_sums(x).sum(0)) == pytest.approx(x.var())


@pytest.mark.parametrize(("frames", "count"), [(64, 30), (31, 30), (30, 10), (10, 10), (4, 4)])
def test_pairs_are_drawn_without_replacement(frames: int, count: int) -> None:
    for side in motion.frame_pairs(frames, seed=0):
        assert len(side) == len(set(side.tolist())) == count and side.max() < frames


def test_diversity_is_the_mean_distance_of_pairs() -> None:
    x = np.arange(40.0)[:, None] * [3.0, 4.0]  # frames i and j are 5 |i - j| apart
    a, b = pairs = motion.frame_pairs(40, seed=0)
    assert motion.diversity_pairs(x, pairs) == pytest.approx(5 * np.abs(a - b).mean())
    assert motion.diversity_pairs(np.ones((40, 2)), pairs) == 0


def test_samples_that_are_the_same_do_not_differ_and_one_sample_has_no_diversity() -> None:
    x = np.random.default_rng(0).standard_normal((1, 5, 8, 3))
    same = np.repeat(x, 4, axis=0)
    assert (motion.samples_variance(same) < 1e-30).all() and (motion.samples_pairwise(same) < 1e-30).all()
    assert np.isnan(motion.samples_variance(x)).all() and np.isnan(motion.samples_pairwise(x)).all()


def test_pairwise_diversity_is_the_sum_over_ordered_pairs() -> None:
    x = np.random.default_rng(0).standard_normal((4, 5, 8, 3))
    expected = sum(np.square(x[i] - x[j]).sum((-1, -2)) for i in range(4) for j in range(4)) / (4 * 3 * 8 * 3)
    np.testing.assert_allclose(motion.samples_pairwise(x), expected)
    np.testing.assert_allclose(motion.samples_variance(x), x.var(0).mean((-1, -2)))


def test_frames_spread_evenly_over_k_clusters_have_log2_k_bits() -> None:
    centres = np.eye(8) * 10
    frames = np.repeat(centres, 50, axis=0) + 0.01 * np.random.default_rng(0).standard_normal((400, 8))
    found = motion.fit_clusters(frames, 8)
    assert found is not None
    assert motion.sid(motion.cluster_counts(frames, found)) == pytest.approx(3, abs=1e-4)
    assert motion.sid(motion.cluster_counts(frames[:50], found)) == pytest.approx(0, abs=1e-4)
    again = motion.fit_clusters(frames, 8)
    np.testing.assert_array_equal(found, again)


def test_more_clusters_than_different_frames_is_no_clustering() -> None:
    assert motion.fit_clusters(np.repeat(np.eye(3), 20, axis=0), 4) is None
