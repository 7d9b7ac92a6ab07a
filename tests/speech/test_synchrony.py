"""Distances of lips to sound: offset, confidence and scores are the original's; a known delay is found."""

import numpy as np
import pytest
import torch

from l2l.speech.syncnet import distances, synchrony
from tests.released.published_weights import close, reference


@pytest.mark.parametrize("case", "abc")
def test_offset_and_confidence_are_those_of_the_original(case):
    stored = reference(f"syncnet_{case}")
    found = synchrony(stored["dists"])
    assert found.offset == stored["offset"]
    np.testing.assert_allclose([found.lse_c, found.lse_d], [stored["conf"], stored["mindist"]], rtol=1e-5)


def test_the_score_per_frame_is_the_visualisers():
    stored = reference("syncnet_visual_score")
    close(synchrony(stored["dists"]).score, stored["fconfm"])


@pytest.mark.parametrize("early", [-4, 0, 3])
def test_sound_that_comes_too_early_has_a_positive_offset(early):
    moments = torch.from_numpy(np.random.default_rng(0).normal(size=(60, 1024)).astype(np.float32))
    lips = moments[20:40]
    sound = moments[20 + early - 10 : 40 + early + 10]  # 10 shifts either way, of a sound that is `early` ahead
    found = synchrony(distances(lips, sound).numpy())
    assert found.offset == early and found.lse_d < 0.1 and found.lse_c > 30
