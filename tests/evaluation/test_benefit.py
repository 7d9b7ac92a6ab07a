import numpy as np
import pytest

from l2l.evaluation.benefit import benefit
from l2l.evaluation.bootstrap import Bootstrap


def test_the_difference_is_per_frame_and_every_recording_counts_once() -> None:
    recordings = np.array(["a", "a", "a", "b"])
    errors, without = np.array([64.0, 64, 64, 96]), np.array([96.0, 96, 96, 96])
    found = benefit(errors, without, 32, Bootstrap(recordings, 100, 0))
    assert found["over_unconditional"]["nll"]["value"] == pytest.approx(0.5)  # 1 in a, 0 in b
    assert found["nats"]["with_speaker"]["value"] == pytest.approx(2.5)
    assert found["nats"]["without_speaker"]["value"] == pytest.approx(3)
    low, high = found["over_unconditional"]["nll"]["interval_95"]
    assert low <= 0.5 <= high
