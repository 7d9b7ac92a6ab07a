"""The pairs of `benchmarks.coupled`, but the speaker shows what the listener follows: the most that can be learned.

The listeners are the same, frame by frame. The speaker is silent, and the face is still but for three channels: what
the listener follows, and how it changed (`coupled.oracle`). So the same model, on the same codes, is an oracle of the
coupling: no voice, blink or jaw can hide it, and nothing has to be found.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks import coupled
from benchmarks.coupled import listen as listen
from benchmarks.dyads import Speaker


def speak(*numbers: Any, **how: Any) -> Speaker:
    """The speaker of `coupled.speak`, of the same arguments, who shows nothing but what is followed."""
    speaker = coupled.speak(*numbers, **how)
    motion = np.zeros_like(speaker.motion)
    told = coupled.oracle(speaker)
    motion[:, : told.shape[1]] = told
    return replace(speaker, motion=motion, audio=np.zeros_like(speaker.audio))
