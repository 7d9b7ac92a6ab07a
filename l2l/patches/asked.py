"""The patch models asked again, with another speaker: see `l2l.asking`.

- Windows are sampled one by one, whatever `sampling.span` says: a shuffled speaker belongs to no turn.
- The error is that of the model as it was trained: no strength, temperature, nucleus or frequencies of drawing.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from l2l.asking import CodeUse, SpeakerInput
from l2l.config import Settings
from l2l.dataset.layout import Chunks
from l2l.dataset.together import identities
from l2l.patches.checkpoint import Models, load_codebook, load_models
from l2l.patches.likelihood import before, nats
from l2l.patches.sampling import PAST, sample_windows
from l2l.training.device import device_of
from l2l.units import MODEL_DIM, PATCH

_AT_ONCE = 256  # windows of one pass


def code_use(codebook: Path, test: Chunks) -> CodeUse:
    """Of each level of each codec, all windows."""
    model, standardizer, meta = load_codebook(codebook)
    names = [f"{codec}_{level + 1}" for codec in ("pose", "expression") for level in range(model.levels)]
    counts = np.zeros((len(names), model.codes), np.int64)
    for row in range(0, len(test), _AT_ONCE):
        motion = standardizer.apply(test.listener[row : row + _AT_ONCE, :, :MODEL_DIM])
        for q, codes in enumerate(model.encode(torch.from_numpy(motion)).flatten(0, 1).T.numpy()):
            counts[q] += np.bincount(codes, minlength=model.codes)
    return CodeUse(meta["fingerprint"], standardizer, PATCH, dict(zip(names, counts, strict=True)))


def load_asked(codebook: Path, predictor: Path, test: Chunks, settings: Settings) -> "Model":
    """Both models, about the windows `test`. Raises UserError when they do not belong together."""
    models = load_models(codebook, predictor).to(device_of(settings.predictor.training))
    return Model(models, test, settings)


class Model:
    """A codebook of patches and its predictor, about the windows of `chunks`."""

    error = "nll"  # -log p of the true codes of the predicted patches, nats, summed over a window

    def __init__(self, models: Models, chunks: Chunks, settings: Settings) -> None:
        """`settings` have the samples' own sampling and seed."""
        self.models, self.chunks = models, chunks
        sampling = settings.sampling.model_copy(update={"span": "window"})
        self.settings = settings.model_copy(update={"sampling": sampling})
        self.first = PAST if sampling.past == "real" else 0  # frame that is predicted first
        self.who = models.whose(identities(models.people, chunks.videos))
        motion = models.listener.apply(chunks.listener[..., :MODEL_DIM])
        parts = torch.from_numpy(motion).split(_AT_ONCE)
        self.codes = torch.cat([models.codebook.encode(part.to(models.device)) for part in parts])  # (N, 8, Q)

    def samples(self, speaker: SpeakerInput) -> np.ndarray:
        """(S, N, T, 56), drawn as `l2l sample` draws each window by itself."""
        heard = Chunks(self.chunks.listener, speaker.faces, speaker.audio, self.chunks.files)
        # A copy: a view would keep the given past in memory, too.
        return sample_windows(self.models, heard, self.settings).samples[:, :, self.first :].copy()

    def errors(self, speaker: SpeakerInput) -> np.ndarray:
        """(N,) nats."""
        sound = speaker.sound(self.models.power)
        return self._nats(lambda rows: torch.from_numpy(self.models.features(speaker.faces[rows], sound[rows])))

    def errors_without(self) -> np.ndarray:
        """(N,) nats of the unconditional part, to which the speaker adds."""
        return self._nats(lambda _: None)

    @torch.inference_mode()
    def _nats(self, features: Callable[[slice], torch.Tensor | None]) -> np.ndarray:
        """(N,), with the speaker's features (B, 64, F) of some windows, or without."""
        predictor, found = self.models.predictor, []
        for start in range(0, len(self.codes), _AT_ONCE):
            rows = slice(start, start + _AT_ONCE)
            codes, heard = self.codes[rows], features(rows)  # (B, 8, Q)
            who = None if self.who is None else self.who[rows]
            heard = None if heard is None else heard.to(codes.device)
            logits = predictor(before(codes, predictor.unknown), codes, heard, who)  # (B, 8, Q, K)
            found.append(nats(logits, codes)[:, self.first // PATCH :].sum((1, 2)))
        return torch.cat(found).cpu().numpy().astype(np.float64)

    @torch.inference_mode()
    def random_codes(self, samples: int) -> np.ndarray:
        """Codes drawn evenly from the whole codebook after those of the real past, decoded: (S, N, T, 56), raw."""
        generator = torch.Generator().manual_seed(self.settings.seed)
        drawn = torch.randint(self.models.codebook.codes, (samples, *self.codes.shape), generator=generator)
        known = self.first // PATCH
        found = []
        for codes in drawn.to(self.codes.device):
            codes[:, :known] = self.codes[:, :known]
            parts = [self.models.codebook.decode(part) for part in codes.split(_AT_ONCE)]
            found.append(self.models.listener.undo(torch.cat(parts).cpu().numpy())[:, self.first :].copy())
        return np.stack(found)
