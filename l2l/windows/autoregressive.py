"""One code per 8 frames of speaker: the released test loop, with each of its habits a switch of `sampling`.

- Four passes; pass k sees 40 frames of speaker from frame 8k on and the last 4 codes, of which all that were drawn so
  far are visible (all of them when the past is real). From each pass the code at position 0 is drawn.
- WART: the loop shifts codes as if each stood for 8 frames. They are channel groups of 32 frames (see
  `l2l.windows.codebook`), so that a code drawn as group 0 ends up as group k. `positions: all` has no such fault.
- `audio_step: 1` takes rows of audio from row 8k on, where frame 8k has row 32k: the audio lags behind.
- `reencode` feeds the predictor not the codes drawn but those of their motion, decoded and encoded again.
- Motion and audio are standardized here, and nothing that is given is changed: the released loop wrote zeros into the
  caller's arrays.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from l2l import config
from l2l.windows.codebook import FRAMES, GROUPS, Codebook
from l2l.windows.predictor import SPEAKER_AUDIO, SPEAKER_FRAMES, Predictor

STEP = 8  # frames


@torch.no_grad()
def autoregress(
    codebook: Codebook,
    predictor: Predictor,
    past: Tensor | None,
    speaker: Tensor,
    audio: Tensor,
    sampling: config.SamplingSettings,
    distribution: Callable[[Tensor], Tensor],
    choose: Callable[[Tensor], Tensor],
) -> tuple[Tensor, Tensor]:
    """Codes (B, 4) of the 32 frames after `past` (B, 32, 56), or after nothing when it is None, and the probabilities
    (B, 4, K) that they were drawn from.

    speaker (B, 64, 56) and audio (B, 256, 128) of the whole window. `distribution` turns logits (B, K) into
    probabilities, `choose` probabilities into codes (B,).
    """
    known = torch.zeros_like(speaker[:, :FRAMES]) if past is None else past
    history = codebook.encode(known)  # (B, 4 + codes drawn so far)
    probabilities = []
    for k in range(GROUPS):
        window = history[:, k:]  # (B, 4)
        if k and sampling.reencode:
            window = codebook.encode(codebook.decode(window))
        first, first_audio = k * STEP, k * STEP * sampling.audio_step
        logits = predictor(
            window,
            speaker[:, first : first + SPEAKER_FRAMES],
            audio[:, first_audio : first_audio + SPEAKER_AUDIO],
            k if past is None else GROUPS,
        )[:, 0]  # (B, K)
        probabilities.append(distribution(logits))
        history = torch.cat([history, choose(probabilities[-1])[:, None]], dim=1)
    return history[:, GROUPS:], torch.stack(probabilities, dim=1)
