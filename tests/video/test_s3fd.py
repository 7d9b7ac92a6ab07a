"""S3FD: candidates and boxes are the original's."""

import numpy as np
import pytest
import torch

from l2l.errors import UserError
from l2l.video.s3fd import answers, candidates, detect, load_s3fd, suppress
from tests.released import published_weights
from tests.released.published_weights import close, enlarged, reference


@pytest.fixture(scope="module")
def net():
    return published_weights.seeded_s3fd()


def test_answers_candidates_and_boxes_are_those_of_the_original(net):
    stored = reference("s3fd")
    picture = enlarged(stored["image_lowres"], 8)  # (240, 320, 3), looked at in half its size
    small = picture[::2, ::2].astype(np.float32) - np.array([123, 117, 104], np.float32)
    offsets, scores, priors = answers(net, torch.from_numpy(small.transpose(2, 0, 1))[None])
    close(offsets, stored["loc"])
    close(scores.softmax(-1), stored["conf"])
    np.testing.assert_array_equal(priors, stored["priors"])
    best = candidates(offsets[0], scores[0].softmax(-1)[:, 1], priors)[: len(stored["detect_top"])]
    close(best, np.roll(stored["detect_top"], -1, 1))  # there the score comes first
    found = detect(net, picture, threshold=0.5, scale=0.5)
    np.testing.assert_allclose(found, stored["boxes"], atol=1e-3)


def test_of_boxes_that_overlap_the_best_is_kept():
    boxes = np.array([[0, 0, 10, 10, 0.6], [1, 0, 11, 10, 0.9], [20, 0, 30, 10, 0.7]])
    assert suppress(boxes, 0.3).tolist() == [1, 2]
    assert suppress(boxes, 0.9).tolist() == [1, 2, 0]
    assert suppress(boxes[:0], 0.3).tolist() == []


def test_without_weights_it_says_how_to_get_them(monkeypatch, tmp_path):
    monkeypatch.setenv("L2L_WEIGHTS", str(tmp_path))
    with pytest.raises(UserError, match=r"sfd_face.pth is missing .*l2l weights fetch s3fd`, or use detector: tracks"):
        load_s3fd()
