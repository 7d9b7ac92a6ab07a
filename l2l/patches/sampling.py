"""sample: several futures of the listener for each test window, or for whole sequences of them.

- `sampling.span: window`: each window by itself. With `past: real` its first 32 frames are given, as in the paper;
  with `past: none` the listener starts from nothing.
- `sampling.span: sequence`: windows that follow one another are joined, listened to as one, and cut again. Only the
  first 32 frames of the whole sequence are given.
- Sample s of sequence n has its own generator, so that batches change nothing.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from l2l.config import Settings
from l2l.dataset.layout import WINDOW, Chunks
from l2l.dataset.together import identities
from l2l.features.sequences import Piece, alike, chain, joined
from l2l.patches.checkpoint import Models, load_models
from l2l.patches.stream import Sampled, Sampling, sample_sequences
from l2l.progress import progress
from l2l.training.device import prepare
from l2l.units import MODEL_DIM, PATCH

PAST = WINDOW // 2  # frames that are given when the past is real
FADE = (0.5 + 0.5 * np.cos(np.pi * np.arange(1, PATCH + 1) / (PATCH + 1))).astype(np.float32)  # (8,)


class Futures(NamedTuple):
    """What `samples.npz` holds of N windows."""

    samples: np.ndarray  # (S, N, 64, 56)
    codes: np.ndarray  # (S, N, 8, Q); -1 where a window's frames do not begin with a patch
    entropy: np.ndarray  # (N, 8); NaN there
    first_frame: int
    given: np.ndarray  # (N,) frames of real past


def sample_windows(models: Models, data: Chunks, settings: Settings, number: int = 0) -> Futures:
    """S futures of every window of `data`; see the top of this file. `number`: that of its first sequence."""
    sampling, every = settings.sampling, np.arange(len(data))
    chains = chain(data, every) if sampling.span == "sequence" else [[Piece(int(row), 0, 0)] for row in every]
    first = PAST if sampling.past == "real" else 0
    count, patches = sampling.samples, WINDOW // PATCH
    samples = np.empty((count, len(data), WINDOW, MODEL_DIM), np.float32)
    codes = np.full((count, len(data), patches, models.predictor.per_patch), -1)
    entropy = np.full((len(data), patches), np.nan, np.float32)
    given = np.zeros(len(data), int)
    lengths = np.array([max(piece.at for piece in pieces) + WINDOW for pieces in chains])
    for batch in progress(alike(lengths, sampling.batch_size), "sample", unit="batch"):
        found = _listen(models, data, [chains[n] for n in batch], number + batch, settings, first)
        for k, n in enumerate(batch):
            own = slice(k * count, (k + 1) * count)  # all samples of one sequence lie together
            for piece in chains[n]:
                samples[:, piece.row] = found.motion[own, piece.at : piece.at + WINDOW]
                if piece.at % PATCH == 0:  # the window's patches are the sequence's
                    begin = piece.at // PATCH
                    codes[:, piece.row] = found.codes[own, begin : begin + patches]
                    entropy[piece.row] = found.entropy[own, begin : begin + patches].mean(0)
    if first:
        rows = [pieces[0].row for pieces in chains]
        past = np.asarray(data.listener[rows, :first, :MODEL_DIM], np.float32)
        # The codebook does not keep the past exactly. Its error at the end of the past fades out, to avoid a jump.
        off = past[:, -1] - samples[:, rows, first - 1]  # (S, n, 56)
        samples[:, rows, first : first + PATCH] += FADE[:, None] * off[:, :, None]
        samples[:, rows, :first] = past
        given[rows] = first
    return Futures(samples, codes, entropy, first, given)


def _listen(
    models: Models, data: Chunks, chains: list[list[Piece]], numbers: np.ndarray, settings: Settings, given: int
) -> Sampled:
    """Samples of some sequences of one length, S of each after another."""
    sampling = settings.sampling
    sequences = joined(data, chains)
    faces, sound = zip(*(sequences.heard(n, models.power) for n in range(len(chains))), strict=True)
    listeners = sequences.listener.reshape(len(chains), -1, MODEL_DIM)
    seeds = [(settings.seed, sample, int(n)) for n in numbers for sample in range(sampling.samples)]
    drawing = Sampling(sampling.temperature, sampling.top_p)
    past, who = listeners[:, :given] if given else None, identities(models.people, sequences.videos)
    return sample_sequences(models, np.stack(faces), np.stack(sound), seeds, drawing, past, who)


def sample_turns(models: Models, data: Chunks, settings: Settings) -> np.ndarray:
    """One future of whole turns, cut into windows (N, 64, 56): what a preview shows, without a border."""
    sampling = settings.sampling.model_copy(update={"samples": 1, "span": "sequence"})
    return sample_windows(models, data, settings.model_copy(update={"sampling": sampling})).samples[0]


def sample(data: Chunks, codebook: Path, predictor: Path, settings: Settings) -> dict[str, np.ndarray]:
    """Futures of the test windows `data`, as `l2l.architectures.sample` writes them."""
    data = data.first(min(len(data), settings.sampling.max_windows or len(data)))
    models = load_models(codebook, predictor).to(prepare(settings.predictor.training))
    found = sample_windows(models, data, settings)._asdict()
    return {name: np.asarray(array) for name, array in found.items()} | {"turns": sample_turns(models, data, settings)}
