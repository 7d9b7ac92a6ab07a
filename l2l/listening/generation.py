"""sample: several futures of the listener for each test window.

- Training fits the 4 codes of the next 32 frames at once, from 32 past frames of listener and 40 of speaker, so the
  plain way is to draw all 4 from one pass. Given that pass they are independent: no code sees the others drawn.
- We differ from the released test loop, which zeroes the listener's past, draws one code per step and shifts the
  codes as if each were a patch of 8 frames. They are channel groups of 32 frames (see `l2l.models.codebook`).
"""

import logging
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from l2l import config
from l2l.config import Settings
from l2l.dataset.layout import Chunks, Side, load_chunks
from l2l.errors import UserError
from l2l.files import save_npz
from l2l.models.codebook import FRAMES, GROUPS
from l2l.models.predictor import SPEAKER_AUDIO, SPEAKER_FRAMES
from l2l.training.checkpoint import Pair, load_pair
from l2l.training.device import prepare
from l2l.units import MODEL_DIM

log = logging.getLogger(__name__)

BATCH = 64  # windows at a time


def nucleus(logits: Tensor, temperature: float, top_p: float) -> Tensor:
    """Probabilities of nucleus sampling, (..., K) -> (..., K) (Holtzman et al. 2020).

    The likeliest codes are kept up to and including the one whose cumulated probability crosses `top_p`, so at least
    one stays; the others get exactly 0. The temperature is applied before the choice.
    """
    scaled = logits / temperature
    ordered, order = scaled.sort(dim=-1, descending=True)
    probabilities = ordered.softmax(-1)
    before = F.pad(probabilities.cumsum(-1)[..., :-1], (1, 0))  # mass of the likelier codes
    kept = torch.zeros_like(scaled, dtype=torch.bool).scatter(-1, order, before <= top_p)
    return scaled.masked_fill(~kept, -torch.inf).softmax(-1)


def draw(probabilities: Tensor, samples: int, generator: torch.Generator) -> Tensor:
    """`samples` independent draws, (N, 4, K) -> codes (S, N, 4); made on the CPU, so the same on every device."""
    flat = probabilities.detach().cpu().flatten(0, 1)  # (N * 4, K)
    codes = torch.multinomial(flat, samples, replacement=True, generator=generator)  # (N * 4, S)
    return codes.T.unflatten(1, probabilities.shape[:2])


@torch.no_grad()
def next_codes(pair: Pair, chunks: Chunks, rows: slice, sampling: config.Sampling, device: torch.device) -> Tensor:
    """Probabilities (B, 4, K) of the codes of frames 32..63 of some windows."""
    speaker = torch.from_numpy(pair.speaker.apply(chunks.speaker[rows, :SPEAKER_FRAMES, :MODEL_DIM])).to(device)
    audio = torch.from_numpy(pair.audio.apply(chunks.audio[rows, :SPEAKER_AUDIO])).to(device)
    if sampling.past == "real":
        past = torch.from_numpy(pair.listener.apply(chunks.listener[rows, :FRAMES, :MODEL_DIM])).to(device)
        codes, visible = pair.codebook.encode(past), GROUPS
    else:
        codes, visible = torch.zeros(len(speaker), GROUPS, dtype=torch.int64, device=device), 0
    logits = pair.predictor(codes, speaker, audio, visible)[:, :GROUPS]  # (B, 4, K)
    return nucleus(logits, sampling.temperature, sampling.top_p)


@torch.no_grad()
def decode(pair: Pair, codes: Tensor, device: torch.device) -> np.ndarray:
    """Codes (S, B, 4) -> motion (S, B, 32, 56) in raw units."""
    motion = pair.codebook.decode(codes.flatten(0, 1).to(device)).cpu().numpy()  # (S * B, 32, 56)
    return pair.listener.undo(motion).reshape(*codes.shape[:2], FRAMES, MODEL_DIM)


def past_frames(pair: Pair, chunks: Chunks, sampling: config.Sampling) -> np.ndarray:
    """What the model is told of frames 0..31, (N, 32, 56) in raw units: the truth, or the mean pose."""
    if sampling.past == "real":
        return chunks.listener[:, :FRAMES, :MODEL_DIM].astype(np.float32)
    return np.broadcast_to(pair.listener.mean, (len(chunks), FRAMES, MODEL_DIM))


def sample(chunks: Path, codebook: Path, predictor: Path, listener: Side, settings: Settings, out: Path) -> None:
    """Draw `sampling.samples` futures of every test window and write them to `out`, an .npz.

    It holds `samples` (S, N, 64, 56) float32 in raw units, of which the frames from `first_frame` on are predicted and
    those before are what the model was told; `codes` (S, N, 4) int64; `entropy` (N, 4) float32, nats, of the
    distributions drawn from; `seed`; and `sampling`, the settings as JSON. Row n is row n of the test chunks. Raises
    UserError when there are none.
    """
    sampling = settings.sampling
    device = prepare(settings.predictor.training)
    data = load_chunks(chunks, "test", listener)
    if not len(data):
        raise UserError(
            f"{chunks}/test has no test windows; add a second recording, or raise chunking.test_share in config.yaml."
        )
    pair = load_pair(codebook, predictor)
    pair.codebook.to(device)
    pair.predictor.to(device)
    generator = torch.Generator().manual_seed(settings.seed)
    past = past_frames(pair, data, sampling)
    samples = np.empty((sampling.samples, len(data), 2 * FRAMES, MODEL_DIM), np.float32)
    samples[:, :, :FRAMES] = past
    codes = np.empty((sampling.samples, len(data), GROUPS), np.int64)
    entropy = np.empty((len(data), GROUPS), np.float32)
    for start in tqdm(range(0, len(data), BATCH), unit="batch", disable=None):
        rows = slice(start, start + BATCH)
        probabilities = next_codes(pair, data, rows, sampling, device)
        drawn = draw(probabilities, sampling.samples, generator)
        codes[:, rows] = drawn.numpy()
        samples[:, rows, FRAMES:] = decode(pair, drawn, device)
        entropy[rows] = torch.special.entr(probabilities).sum(-1).cpu().numpy()
    save_npz(
        out,
        samples=samples,
        codes=codes,
        entropy=entropy,
        first_frame=np.array(FRAMES),
        seed=np.array(settings.seed),
        sampling=np.array(sampling.model_dump_json()),
    )
    log.info("wrote %s: %d futures of %d windows", out, sampling.samples, len(data))
