"""The causal transformer: a bounded look back, positions that know distances only, and a cache that changes nothing."""

import torch

from l2l.patches.causal import CausalTransformer, rotary, rotate


def transformer(window=6, layers=2):
    torch.manual_seed(0)
    return CausalTransformer(16, layers, 2, 32, window, 0.0).eval().requires_grad_(False)


def test_the_cache_gives_what_the_whole_sequence_gives():
    model, x = transformer(), torch.randn(3, 40, 16)
    cache = model.begin(3)
    steps = torch.stack([model.step(x[:, t], cache) for t in range(40)], dim=1)
    torch.testing.assert_close(steps, model(x), atol=1e-5, rtol=0)
    assert cache.layers[0][0].shape[2] == 5  # as many patches as a layer looks back, however long it runs


def test_nothing_is_seen_of_the_future_nor_of_a_past_beyond_reach():
    model, x = transformer(), torch.randn(1, 40, 16)
    changed = x.clone()
    changed[:, 20] += 1
    same = (model(x) - model(changed)).abs().amax(-1)[0] == 0
    assert same[:20].all() and not same[20]
    assert same[20 + 2 * 5 + 1 :].all()  # two layers of 5 back


def test_a_sequence_may_begin_anywhere():
    """Positions are distances: the same patches one hour later give the same scores."""
    q, k = torch.randn(2, 1, 1, 8)
    scores = []
    for start in (0, 13500):
        turn = rotary(torch.tensor([start, start + 3]), 8)
        both = rotate(torch.stack([q, k], dim=2)[:, :, :, 0], turn)
        scores.append(both[..., 0, :] @ both[..., 1, :].transpose(-1, -2))
    torch.testing.assert_close(*scores, atol=1e-5, rtol=0)
