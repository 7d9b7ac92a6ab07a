"""sample: several futures of the listener for each test window.

- Training fits the 4 codes of the next 32 frames at once, from 32 past frames of listener and 40 of speaker, so the
  plain way is to draw all 4 from one pass. Given that pass they are independent: no code sees the others drawn.
- The released test loop zeroes the listener's past, draws one code per step and shifts the codes as if each were a
  patch of 8 frames: `sampling.positions: first`, in `l2l.windows.autoregressive`.
"""

import functools
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from l2l import config
from l2l.codes import nucleus
from l2l.config import Settings
from l2l.dataset.layout import Chunks
from l2l.errors import UserError
from l2l.progress import progress
from l2l.training.batches import whole_batches
from l2l.training.device import prepare
from l2l.units import MODEL_DIM
from l2l.windows.autoregressive import autoregress
from l2l.windows.checkpoint import Pair, load_pair
from l2l.windows.codebook import FRAMES, GROUPS
from l2l.windows.predictor import SPEAKER_AUDIO, SPEAKER_FRAMES


def draw(probabilities: Tensor, samples: int, generator: torch.Generator) -> Tensor:
    """`samples` independent draws, (N, 4, K) -> codes (S, N, 4); made on the CPU, so the same on every device."""
    flat = probabilities.detach().cpu().flatten(0, 1)  # (N * 4, K)
    codes = torch.multinomial(flat, samples, replacement=True, generator=generator)  # (N * 4, S)
    return codes.T.unflatten(1, probabilities.shape[:2])


def distribution(logits: Tensor, sampling: config.SamplingSettings) -> Tensor:
    """Probabilities to draw from, (..., K) -> (..., K)."""
    if sampling.sample_idx >= 0:
        return logits.softmax(-1)
    return nucleus(logits, sampling.temperature, sampling.top_p)


def choose(probabilities: Tensor, sampling: config.SamplingSettings, generator: torch.Generator) -> Tensor:
    """One draw for each row, (B, K) -> codes (B,) on the same device; the draw itself is made on the CPU.

    With `sample_idx` k, the last of k + 1 draws without replacement; UserError when there are not that many codes.
    """
    count = max(sampling.sample_idx, 0) + 1
    if count > probabilities.shape[-1]:
        raise UserError(f"sampling.sample_idx is {sampling.sample_idx}, but there are {probabilities.shape[-1]} codes.")
    drawn = torch.multinomial(probabilities.cpu(), count, generator=generator)  # (B, count)
    return drawn[:, -1].to(probabilities.device)


def standardized(pair: Pair, chunks: Chunks, rows: slice, past: str, device: torch.device) -> tuple[Tensor, ...]:
    """Whole windows of speaker (B, 64, 56) and audio (B, 256, 128), then of listener (B, 64, 56) if `past` is real."""
    arrays = [pair.speaker.apply(chunks.speaker[rows, :, :MODEL_DIM]), pair.audio.apply(chunks.audio[rows])]
    if past == "real":
        arrays.append(pair.listener.apply(chunks.listener[rows, :, :MODEL_DIM]))
    return tuple(torch.from_numpy(array).to(device) for array in arrays)


@torch.no_grad()
def next_logits(pair: Pair, past: Tensor | None, speaker: Tensor, audio: Tensor) -> Tensor:
    """Logits (B, 4, K) of the codes of frames 32..63, all from one pass.

    past: codes (B, 4) of frames 0..31, or None when the model is not given them. speaker (B, >= 40, 56) and
    audio (B, >= 160, 128) are standardized and begin with frame 0.
    """
    visible = GROUPS
    if past is None:
        past, visible = torch.zeros(len(speaker), GROUPS, dtype=torch.int64, device=speaker.device), 0
    return pair.predictor(past, speaker[:, :SPEAKER_FRAMES], audio[:, :SPEAKER_AUDIO], visible)[:, :GROUPS]


def futures(
    pair: Pair,
    chunks: Chunks,
    rows: slice,
    sampling: config.SamplingSettings,
    generator: torch.Generator,
    device: torch.device,
) -> tuple[Tensor, Tensor]:
    """Codes (S, B, 4) of some windows and the probabilities (S or 1, B, 4, K) that they were drawn from."""
    speaker, audio, *listener = standardized(pair, chunks, rows, sampling.past, device)
    past = listener[0][:, :FRAMES] if listener else None
    spread = functools.partial(distribution, sampling=sampling)
    one = functools.partial(choose, sampling=sampling, generator=generator)
    if sampling.positions == "first":
        inputs = (pair.codebook, pair.predictor, past, speaker, audio, sampling)
        found = [autoregress(*inputs, spread, one) for _ in range(sampling.samples)]
        return torch.stack([codes for codes, _ in found]).cpu(), torch.stack([drawn_from for _, drawn_from in found])
    coded = None if past is None else pair.codebook.encode(past)
    probabilities = spread(next_logits(pair, coded, speaker, audio))  # (B, 4, K)
    if sampling.sample_idx < 0:
        return draw(probabilities, sampling.samples, generator), probabilities[None]
    drawn = torch.stack([one(probabilities.flatten(0, 1)).cpu() for _ in range(sampling.samples)])
    return drawn.unflatten(1, probabilities.shape[:2]), probabilities[None]


def chosen_rows(count: int, sampling: config.SamplingSettings) -> list[slice]:
    """The batches of `count` test windows, without those that `max_windows` and `whole_batches` leave out."""
    count = min(count, sampling.max_windows or count)
    if sampling.whole_batches:
        return whole_batches(count, min(sampling.batch_size, count))
    return [slice(start, min(start + sampling.batch_size, count)) for start in range(0, count, sampling.batch_size)]


@torch.no_grad()
def decode(pair: Pair, codes: Tensor, device: torch.device) -> np.ndarray:
    """Codes (S, B, 4) -> motion (S, B, 32, 56) in raw units."""
    motion = pair.codebook.decode(codes.flatten(0, 1).to(device)).cpu().numpy()  # (S * B, 32, 56)
    return pair.listener.undo(motion).reshape(*codes.shape[:2], FRAMES, MODEL_DIM)


def sample(data: Chunks, codebook: Path, predictor: Path, settings: Settings) -> dict[str, np.ndarray]:
    """Futures of the test windows `data`, as `l2l.architectures.sample` writes them."""
    sampling, device = settings.sampling, prepare(settings.windows.predictor.training)
    pair = load_pair(codebook, predictor)
    pair.codebook.to(device)
    pair.predictor.to(device)
    batches = chosen_rows(len(data), sampling)
    data = data.first(batches[-1].stop)
    generator = torch.Generator().manual_seed(settings.seed)
    samples = np.empty((sampling.samples, len(data), 2 * FRAMES, MODEL_DIM), np.float32)
    # Frames 0..31 are what the model is given: the truth, or the mean pose.
    samples[:, :, :FRAMES] = data.listener[:, :FRAMES, :MODEL_DIM] if sampling.past == "real" else pair.listener.mean
    codes = np.empty((sampling.samples, len(data), GROUPS), np.int64)
    entropy = np.empty((len(data), GROUPS), np.float32)
    for rows in progress(batches, "sample", unit="batch"):
        drawn, probabilities = futures(pair, data, rows, sampling, generator, device)
        codes[:, rows] = drawn.numpy()
        samples[:, rows, FRAMES:] = decode(pair, drawn, device)
        entropy[rows] = torch.special.entr(probabilities).sum(-1).mean(0).cpu().numpy()
    given = np.full(len(data), FRAMES if sampling.past == "real" else 0)
    return {"samples": samples, "codes": codes, "entropy": entropy, "first_frame": np.array(FRAMES), "given": given}
