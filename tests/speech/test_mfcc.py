"""MFCC are those of python_speech_features, however long the sound is."""

import numpy as np
import pytest

from l2l.speech import mfcc as module
from l2l.speech.mfcc import mfcc
from tests.released.published_weights import reference


@pytest.mark.parametrize("case", "abc")
def test_coefficients_are_those_of_the_original(case):
    stored = reference(f"syncnet_{case}")
    np.testing.assert_allclose(mfcc(stored["audio"]), stored["mfcc"], rtol=0, atol=1e-9)


def test_blocks_change_nothing(monkeypatch):
    sound = np.random.default_rng(0).integers(-3000, 3000, 16000).astype(np.int16)
    whole = mfcc(sound)
    monkeypatch.setattr(module, "_BLOCK", 7)
    np.testing.assert_allclose(mfcc(sound), whole, rtol=0, atol=1e-9)


@pytest.mark.parametrize("samples, columns", [(0, 1), (1, 1), (400, 1), (401, 2), (560, 2), (561, 3)])
def test_the_last_frame_is_filled_with_silence(samples, columns):
    found = mfcc(np.ones(samples, np.int16))
    assert found.shape == (columns, 13) and np.isfinite(found).all()
