"""The patch models asked again, with another speaker: `l2l.asking` for architecture patches.

- Windows are listened to one by one, whatever `sampling.span` says: a shuffled speaker has no turn to be joined to.
- The error is that of the model as it was trained, without guidance, temperature or nucleus.
"""

import numpy as np
import torch
import torch.nn.functional as F

from l2l.asking import Speaker
from l2l.config import Settings
from l2l.dataset.layout import WINDOW, Chunks
from l2l.dataset.together import identities
from l2l.patches.checkpoint import Models
from l2l.patches.sampling import PAST, sample_windows
from l2l.units import MODEL_DIM, PATCH

_AT_ONCE = 256  # windows of one pass


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

    def samples(self, speaker: Speaker) -> np.ndarray:
        """(S, N, T, 56), drawn as `l2l sample` draws each window by itself."""
        heard = Chunks(self.chunks.listener, speaker.faces, speaker.audio, self.chunks.files)
        # A copy: a view would keep the given past in memory, too.
        return sample_windows(self.models, heard, self.settings).samples[:, :, self.first :].copy()

    @torch.inference_mode()
    def errors(self, speaker: Speaker) -> np.ndarray:
        """(N,) nats."""
        predictor, sound, found = self.models.predictor, speaker.sound(self.models.power), []
        for start in range(0, len(self.codes), _AT_ONCE):
            rows = slice(start, start + _AT_ONCE)
            codes = self.codes[rows]  # (B, 8, Q)
            past = F.pad(codes[:, :-1], (0, 0, 1, 0), value=predictor.unknown)
            heard = self.models.listens(speaker.faces[rows], sound[rows])
            who = None if self.who is None else self.who[rows]
            trunk = predictor.trunk(predictor.tokens(past, heard, who))
            asked = slice(self.first // PATCH, WINDOW // PATCH)
            logits = predictor.head(trunk[:, asked], codes[:, asked])  # (B, P, Q, K)
            found.append(F.cross_entropy(logits.movedim(-1, 1), codes[:, asked], reduction="none").sum((1, 2)))
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
