"""The paper's models asked again, with another speaker: see `l2l.asking`.

The error is a likelihood: no sample is drawn for it, so nothing in it is random.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from l2l import config
from l2l.asking import CodeUse, SpeakerInput
from l2l.config import Settings
from l2l.dataset.layout import Chunks
from l2l.training.device import device_of
from l2l.units import MODEL_DIM
from l2l.windows.autoregressive import autoregress
from l2l.windows.checkpoint import Pair, load_codebook, load_pair
from l2l.windows.codebook import FRAMES, GROUPS
from l2l.windows.predictor import SPEAKER_AUDIO
from l2l.windows.sampling import decode, futures, next_logits

_AT_ONCE = 256  # windows


def code_use(codebook: Path, test: Chunks) -> CodeUse:
    """Of one set of codes for all channel groups, both halves of every window."""
    model, standardizer, meta = load_codebook(codebook)
    count = model.quantize.embedding.num_embeddings
    counts = np.zeros(count, np.int64)
    for row in range(0, len(test), _AT_ONCE):
        motion = standardizer.apply(test.listener[row : row + _AT_ONCE, :, :MODEL_DIM])
        codes = model.encode(torch.from_numpy(motion).reshape(-1, FRAMES, MODEL_DIM))
        counts += np.bincount(codes.numpy().ravel(), minlength=count)
    return CodeUse(meta["fingerprint"], standardizer, FRAMES, {"all": counts})


def load_asked(codebook: Path, predictor: Path, test: Chunks, settings: Settings) -> "PairModel":
    """Both models, about the windows `test`. Raises UserError when they do not belong together."""
    device = device_of(settings.windows.predictor.training)
    return PairModel(load_pair(codebook, predictor), test, settings.sampling, settings.seed, device)


class PairModel:
    """A codebook and its predictor, about the windows of `chunks`."""

    error = "nll"  # -log p of the true codes of frames 32..63, nats, summed over the 4 codes of a window
    context = "clip"

    @torch.no_grad()
    def __init__(
        self, pair: Pair, chunks: Chunks, sampling: config.SamplingSettings, seed: int, device: torch.device
    ) -> None:
        self.pair, self.chunks, self.sampling, self.seed, self.device = pair, chunks, sampling, seed, device
        pair.codebook.to(device)
        pair.predictor.to(device)
        self.one_pass = sampling.positions == "all"
        past, codes = [], []
        for rows in self._rows():
            listener = torch.from_numpy(pair.listener.apply(chunks.listener[rows, :, :MODEL_DIM])).to(device)
            first, second = listener[:, :FRAMES], listener[:, FRAMES:]
            past.append(pair.codebook.encode(first) if self.one_pass else first)
            codes.append(pair.codebook.encode(second))
        # What the model is given: codes (N, 4) or standardized motion (N, 32, 56), as the way of sampling needs it.
        self.past = torch.cat(past) if sampling.past == "real" else None
        self.codes = torch.cat(codes)  # (N, 4), the true ones of what follows

    def _rows(self) -> list[slice]:
        size = self.sampling.batch_size
        return [slice(start, start + size) for start in range(0, len(self.chunks), size)]

    def samples(self, speakers: Callable[[slice], SpeakerInput]) -> Iterator[np.ndarray]:
        """Parts (S, n, 32, 56), drawn as `l2l sample` draws, with a generator of the same seed."""
        generator = torch.Generator().manual_seed(self.seed)
        for rows in self._rows():
            speaker = speakers(rows)
            heard = Chunks(self.chunks.listener[rows], speaker.faces, speaker.audio, self.chunks.files[rows])
            codes, _ = futures(self.pair, heard, slice(None), self.sampling, generator, self.device)
            yield decode(self.pair, codes, self.device)

    def errors(self, speaker: SpeakerInput) -> np.ndarray:
        """(N,) nats; the whole distribution, without temperature or nucleus."""
        found = []
        for rows in self._rows():
            motion = torch.from_numpy(self.pair.speaker.apply(speaker.faces[rows])).to(self.device)
            loud = speaker.audio[rows, :SPEAKER_AUDIO] if self.one_pass else speaker.audio[rows]
            audio = torch.from_numpy(self.pair.audio.apply(loud)).to(self.device)
            past = None if self.past is None else self.past[rows]
            probabilities = self._probabilities(past, motion, audio, self.codes[rows])  # (B, 4, K)
            true = probabilities.gather(-1, self.codes[rows][..., None])[..., 0]
            found.append(-true.clamp_min(torch.finfo(true.dtype).tiny).log().sum(-1))
        return torch.cat(found).cpu().numpy().astype(np.float64)

    def errors_without(self) -> None:
        """A model of windows always hears a speaker."""

    def _probabilities(self, past: Tensor | None, motion: Tensor, audio: Tensor, codes: Tensor) -> Tensor:
        """(B, 4, K); where codes are drawn one after another, each follows the true ones before it."""
        if self.one_pass:
            return next_logits(self.pair, past, motion, audio).softmax(-1)
        true = iter(codes.T)
        loop = (self.pair.codebook, self.pair.predictor, past, motion, audio, self.sampling)
        return autoregress(*loop, lambda logits: logits.softmax(-1), lambda _: next(true))[1]

    def random_codes(self, samples: int) -> Iterator[np.ndarray]:
        """Codes drawn evenly from the whole codebook, decoded: parts (S, n, 32, 56), raw units."""
        generator = torch.Generator().manual_seed(self.seed)
        count = self.pair.codebook.quantize.embedding.num_embeddings
        codes = torch.randint(count, (samples, len(self.chunks), GROUPS), generator=generator)
        return (decode(self.pair, codes[:, rows], self.device) for rows in self._rows())
